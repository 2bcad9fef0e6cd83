"""A result as an EV-like recording would give it, made without one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from evsize.results import (
    Acquisition,
    ClassShare,
    DistributionSummary,
    Drift,
    Estimate,
    Finding,
    Misev,
    Peak,
    Provenance,
    Qc,
    RecordingInfo,
    Report,
    Result,
    Summary,
    TracksSummary,
    Value,
)
from evsize.settings import EV_CLASSES
from evsize.tables import DISTRIBUTION, FRAMES, PARTICLES, TRACKS, Flag

N_FRAMES = 900

FINDINGS = [
    Finding(
        rule="duration",
        status="pass",
        measured=36.0,
        limit=">= 30",
        unit="s",
        message="the recording is long enough",
    ),
    Finding(
        rule="tracks-used",
        status="warn",
        measured=642,
        limit=">= 1000",
        unit="tracks",
        message="few tracks carry a size, so the intervals are wide",
        advice="record longer, or pool three recordings of the same sample",
    ),
    Finding(
        rule="search-radius",
        status="no_data",
        limit="<= 0.1 %",
        message="could not be computed",
    ),
    Finding(rule="replicates", status="not_applicable", limit=">= 3"),
]


def acquisition() -> Acquisition:
    values = {"pixel_size_um": 0.166, "frame_rate_hz": 25.0, "exposure_ms": 30.0}
    known = Acquisition().updated(values, "TIFF metadata")
    known = known.updated({"temperature_c": 22.0}, "settings file")
    return known.updated({"medium": "pbs", "depth_um": 4.0}, "command line")


def _bins() -> tuple[np.ndarray, np.ndarray]:
    edges = np.geomspace(10, 3000, 241)
    return edges, np.sqrt(edges[1:] * edges[:-1])


def distribution_table() -> pd.DataFrame:
    edges, centre = _bins()

    def bump(mode: float, sd: float) -> np.ndarray:
        return np.exp(-0.5 * (np.log(centre / mode) / sd) ** 2)

    fraction = 0.78 * bump(98, 0.12) / bump(98, 0.12).sum()
    fraction += 0.22 * bump(235, 0.1) / bump(235, 0.1).sum()
    raw = 0.8 * bump(98, 0.3) + 0.25 * bump(225, 0.3)
    raw = np.random.default_rng(1).multinomial(642, raw / raw.sum()) / 642
    return DISTRIBUTION.build(
        diameter_nm=centre,
        bin_low_nm=edges[:-1],
        bin_high_nm=edges[1:],
        fraction=fraction,
        fraction_low=fraction * 0.75,
        fraction_high=fraction * 1.3 + 1e-4,
        raw_fraction=raw,
        concentration_per_ml=fraction * 3.1e8,
    )


def particles(n: int = 642) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    diameter = np.where(rng.random(n) < 0.78, 98, 235) * np.exp(rng.normal(0, 0.3, n))
    d = 429.0 / diameter
    flags = np.where(rng.random(n) < 0.05, int(Flag.NEGATIVE_D | Flag.AMBIGUOUS_END), 0)
    return PARTICLES.build(
        track_id=np.arange(n),
        frames=rng.integers(5, 120, n),
        first_frame=rng.integers(0, N_FRAMES - 120, n),
        diameter_nm=diameter,
        diameter_low_nm=diameter * 0.7,
        diameter_high_nm=np.where(rng.random(n) < 0.02, np.nan, diameter * 1.5),
        d_um2_s=d,
        d_low_um2_s=d / 1.5,
        d_high_um2_s=d / 0.7,
        d_cov_um2_s=d * rng.normal(1, 0.5, n),
        loc_sd_nm=rng.uniform(20, 40, n),
        brightness=np.exp(rng.normal(6, 1, n)),
        snr=rng.uniform(4, 40, n),
        x_um=rng.uniform(0, 100, n),
        y_um=rng.uniform(0, 80, n),
        flags=flags,
    )


def tracks(n: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return TRACKS.build(
        track_id=np.sort(rng.integers(0, 642, n)),
        frame=rng.integers(0, N_FRAMES, n),
        t_s=rng.uniform(0, 36, n),
        x_um=rng.uniform(0, 100, n),
        y_um=rng.uniform(0, 80, n),
        loc_se_nm=rng.uniform(20, 40, n),
        brightness=np.exp(rng.normal(6, 1, n)),
        snr=rng.uniform(4, 40, n),
        flags=np.where(rng.random(n) < 0.1, int(Flag.CROWDED), 0),
    )


def frames(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    number = np.arange(n)
    return FRAMES.build(
        frame=number,
        t_s=number * 36 / n,
        detections=rng.poisson(38, n),
        false_detections=rng.poisson(0.2, n),
        background=rng.normal(100, 0.2, n),
        noise=rng.normal(3, 0.05, n),
        flow_x_um_s=np.full(n, 1.2),
        flow_y_um_s=np.full(n, np.nan),
        flags=np.zeros(n),
    )


def estimate(value: float, spread: float = 0.03) -> Estimate:
    return Estimate(value=value, low=value * (1 - spread), high=value * (1 + spread))


def classes() -> list[ClassShare]:
    notes = ("below the detection limit", "", "", "outside the validated range of tracking")
    shares = (None, 0.81, 0.19, 0.0)
    return [
        ClassShare(
            name=size.name,
            low_nm=size.low_nm,
            high_nm=size.high_nm,
            fraction=Estimate() if share is None else estimate(share, 0.04),
            concentration_per_ml=Estimate() if share is None else estimate(share * 3.1e8, 0.3),
            note=note,
        )
        for size, share, note in zip(EV_CLASSES, shares, notes, strict=True)
    ]


def summary(**changes: Any) -> Report:
    figures = {
        "mean_nm": estimate(131.2),
        "mode_nm": estimate(98.1),
        "d10_nm": estimate(84.3),
        "d50_nm": estimate(102.4),
        "d90_nm": estimate(240.9),
        "span": estimate(1.53),
    }
    values: dict[str, Any] = {
        "recording": RecordingInfo(
            path="samples/ev mixture.tif",
            sha256="0" * 64,
            frames=N_FRAMES,
            height_px=480,
            width_px=640,
            bit_depth=12,
            duration_s=36.0,
            format="OME-TIFF",
            notes=["12 bits of 16 used"],
        ),
        "acquisition": acquisition().known(),
        "settings": {
            "detection.spot_sd_px": Value(value=1.62, unit="px", source="estimated from spots"),
            "tracking.search_radius_um": Value(value=1.31, unit="um", source="physics"),
            "sizing.seed": Value(value=0, source="default"),
        },
        "tracks": TracksSummary(
            n=1405,
            n_used=642,
            rejected={"too_short": 741, "stationary": 22},
            positions=34200,
            particles_per_frame=38.0,
            median_frames=22.0,
            false_detections_per_frame=0.2,
        ),
        "drift_um_s": Drift(x=1.2, y=-0.1),
        "distribution": DistributionSummary(
            **figures,
            peaks=[Peak(mode_nm=98.1, fraction=0.78), Peak(mode_nm=235.0, fraction=0.22)],
            weighting="per particle seen: each particle in view counts by the time it was seen",
            systematic_percent=1.8,
        ),
        "raw": Summary(**figures),
        "classes": classes(),
        "detection_limit_nm": Estimate(value=62.0, low=58.0, high=66.0),
        "misev": Misev(small_fraction=estimate(0.79), large_fraction=estimate(0.21)),
        "concentration_per_ml": estimate(3.1e8, 0.3),
        "qc": Qc(verdict="warn", profile="general", findings=FINDINGS),
        "diagnostics": {"ambiguous_links": 0.004, "truncated_steps": None},
        "provenance": Provenance(
            evsize="0.1.0",
            python="3.12.4",
            dependencies={"numpy": "2.4.0", "trackpy": "0.7"},
            command="evsize analyze 'samples/ev mixture.tif' -o out",
            start="2027-01-05T10:00:00+00:00",
            seconds={"detection": 21.4, "sizing": 1.2},
            config_hash="ab" * 8,
        ),
    }
    return Report(**(values | changes))


def preview(height: int = 120, width: int = 160) -> np.ndarray:
    rng = np.random.default_rng(5)
    image = rng.normal(30, 6, (height, width))
    y, x = np.mgrid[:height, :width]
    for _ in range(40):
        cx, cy, peak = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(40, 200)
        image += peak * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 5)
    grey = np.clip(image, 0, 255).astype(np.uint8)
    return np.stack([grey] * 3, axis=-1)


def result(**changes: Any) -> Result:
    """Make the example; `changes` replace fields of the summary."""
    return Result(
        summary(**changes),
        particles(),
        tracks(),
        frames(),
        distribution_table(),
        preview(),
        preview(60, 200),
    )


def blank() -> Result:
    """Make what a recording with nothing in it gives."""
    nothing = Estimate()
    table = distribution_table()
    for column in table.columns[3:]:
        table[column] = np.nan
    return Result(
        summary(
            tracks=TracksSummary(
                n=0,
                n_used=0,
                rejected={},
                positions=0,
                particles_per_frame=0.0,
                median_frames=None,
                false_detections_per_frame=None,
            ),
            drift_um_s=Drift(),
            distribution=DistributionSummary(weighting="per particle seen"),
            raw=Summary(),
            classes=[
                share.model_copy(update={"fraction": nothing, "concentration_per_ml": None})
                for share in classes()
            ],
            detection_limit_nm=None,
            misev=Misev(),
            concentration_per_ml=None,
            concentration_note="no particle was tracked",
            qc=Qc(
                verdict="fail",
                profile="general",
                findings=[
                    Finding(
                        rule="anything-to-size",
                        status="fail",
                        measured=0,
                        limit=">= 1",
                        unit="tracks",
                        message="nothing was tracked",
                        advice="check focus, laser and camera gain, or dilute less",
                    )
                ],
            ),
        ),
        PARTICLES.empty(),
        TRACKS.empty(),
        frames().assign(detections=0),
        table,
    )

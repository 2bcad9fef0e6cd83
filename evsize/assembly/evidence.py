"""What the quality rules are given to look at: from a result alone, so that a saved one will do."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.qc import Calibration, Evidence, Profile, assess, steadiness, subpixel
from evsize.results import Qc, Report, Result, Value
from evsize.settings import QcSettings
from evsize.tables import Flag

NOT_JUDGED = Qc(verdict="fail", profile="", findings=[])
"""Stands in a report until it is judged: what is not judged does not pass."""

SUDDEN = {"scene_cut": Flag.SCENE_CUT, "stage_jump": Flag.STAGE_JUMP, "pulse": Flag.PULSE}


def judge(result: Result, settings: QcSettings | Profile, role: str = "sample") -> Result:
    """Return a result with its findings and verdict; `role` as in `gather`."""
    qc = assess(gather(result, role), settings)
    return replace(result, summary=result.summary.model_copy(update={"qc": qc}))


def gather(result: Result, role: str = "sample") -> Evidence:
    """Gather the figures of one recording from its result; the verdict in it is not looked at.

    Parameters
    ----------
    result : Result
        Fresh or saved.
    role : str
        What the recording is for: sample, blank or beads.
    """
    report, frames = result.summary, result.frames
    about, known, tracks = report.recording, report.acquisition, report.tracks
    images = any(name.startswith("detection.") for name in report.settings)
    images = images or bool(frames["background"].notna().any())
    temperature = known.get("temperature_c")
    drift = report.drift_um_s
    limit = report.detection_limit_nm
    flags = result.tracks["flags"].to_numpy()
    return Evidence(
        duration_s=about.duration_s,
        n_used=tracks.n_used,
        n_tracks=_followed(result.tracks["track_id"].to_numpy()),
        particles_per_frame=tracks.particles_per_frame,
        false_detections_per_frame=tracks.false_detections_per_frame,
        exposure_fraction=_exposure_fraction(report),
        saturated_share=float(_has(flags, Flag.SATURATED).mean()) if len(flags) else None,
        search_radius_um=_number(report.settings.get("tracking.search_radius_um")),
        flow_um_s=None if drift.x is None or drift.y is None else (drift.x, drift.y),
        temperature_c=_number(temperature),
        temperature_source=temperature.source if temperature else "",
        cell_per_ml=_in_cell(report),
        no_concentration=report.concentration_note,
        no_completeness=report.completeness_note or report.no_limit_note,
        detection_limit_nm=limit.value if limit else None,
        counted=_counted(report),
        calibration=_calibration(result),
        images=images,
        role=role,
        figures=dict(report.diagnostics) | _figures(result),
        notes=tuple(about.notes),
        recording=about,
        duplicate_frames=marked(frames, Flag.DUPLICATE_FRAME) if images else None,
        conflicts=tuple(report.conflicts),
        dark_spots=_dark_spots(report),
        sudden_frames={name: marked(frames, flag) for name, flag in SUDDEN.items()}
        if images
        else None,
    )


def marked(frames: pd.DataFrame, flag: Flag) -> tuple[int, ...]:
    """Frames that carry a flag."""
    numbers = frames["frame"].to_numpy()[_has(frames["flags"].to_numpy(), flag)]
    return tuple(int(n) for n in numbers)


def _has(flags: NDArray[Any], flag: Flag) -> NDArray[np.bool_]:
    return np.asarray(flags & np.uint32(flag) > 0)


def _number(value: Value | None) -> float | None:
    found = value.value if value else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def _followed(track_id: NDArray[np.int64]) -> int:
    """Tracks of two positions or more: what was seen once was not followed, and is mostly noise."""
    return int((np.unique(track_id, return_counts=True)[1] > 1).sum())


def _exposure_fraction(report: Report) -> float | None:
    exposure, rate = (report.acquisition.get(name) for name in ("exposure_ms", "frame_rate_hz"))
    exposure_ms, rate_hz = _number(exposure), _number(rate)
    if exposure is None or exposure.source.startswith("assumed"):
        return None
    return None if exposure_ms is None or rate_hz is None else exposure_ms * rate_hz / 1e3


def _in_cell(report: Report) -> float | None:
    found = report.concentration_per_ml
    if found is None or found.value is None:
        return None
    return found.value / (_number(report.acquisition.get("dilution")) or 1.0)


def _counted(report: Report) -> bool:
    mode = report.settings.get("completeness.mode")
    return mode is None or mode.value != "off"


def _calibration(result: Result) -> Calibration | None:
    """The instrument file that was given beside the recording; None where there was none."""
    settings, known = result.summary.settings, result.summary.acquisition
    given = {name: value for name, value in settings.items() if name.startswith("instrument.")}
    if not given:
        return None
    noise = result.frames["noise"].median()
    width_px, pixel_um = (
        _number(settings.get("detection.spot_sd_px")),
        _number(known["pixel_size_um"]),
    )
    recorded = {
        "exposure": (_number(known.get("exposure_ms")), "exposure_ms", "ms"),
        "noise": (float(noise) if np.isfinite(noise) else None, "noise", "grey levels"),
        "spot_width": (width_px * pixel_um if width_px and pixel_um else None, "spot_sd_um", "um"),
    }
    pairs = {}
    for name, (value, key, unit) in recorded.items():
        calibrated = _number(given.get(f"instrument.{key}"))
        if value is not None and calibrated:
            pairs[name] = (calibrated, value, unit)
    made = given.get("instrument.date")
    start = dt.datetime.fromisoformat(result.summary.provenance.start).date()
    age = (start - dt.date.fromisoformat(str(made.value))).days if made else None
    return Calibration(pairs, age, _number(given.get("instrument.valid_days")))


def _dark_spots(report: Report) -> bool | None:
    sign = report.settings.get("detection.polarity")
    return None if sign is None or not report.tracks.positions else sign.value == "dark"


def _figures(result: Result) -> dict[str, float | None]:
    """Figures that follow from the saved tables."""
    tracks, frames, particles = result.tracks, result.frames, result.particles
    pixel_um = _number(result.summary.acquisition.get("pixel_size_um")) or math.nan
    background, noise = (frames[name].to_numpy() for name in ("background", "noise"))
    outside = _has(particles["flags"].to_numpy(), Flag.OUTSIDE_RANGE)
    found = {
        "sub_pixel_rms_px": max(
            subpixel.locking_rms(tracks[name].to_numpy() / pixel_um) for name in ("x_um", "y_um")
        ),
        "background_change_sd": steadiness.background_change(background, noise),
        "outside_range_share": float(outside.mean()) if len(outside) else math.nan,
        **steadiness.spots_change(
            tracks["track_id"].to_numpy(),
            tracks["frame"].to_numpy(),
            tracks["snr"].to_numpy(),
            len(frames),
        ),
    }
    return {name: value if math.isfinite(value) else None for name, value in found.items()}

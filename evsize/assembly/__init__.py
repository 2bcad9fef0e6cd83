"""What all stages found, put together into one result."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from evsize.assembly.evidence import NOT_JUDGED, judge, marked
from evsize.physics import Conditions, find_medium
from evsize.preview import draw
from evsize.results import (
    Acquisition,
    Completeness,
    Detections,
    Drift,
    Estimate,
    Likelihoods,
    Position,
    Provenance,
    RecordingInfo,
    Report,
    Result,
    Sizing,
    Tracks,
    TracksSummary,
    Value,
)
from evsize.settings import Settings
from evsize.tables import Flag

__all__ = ["Stages"]

DEPENDENCIES = ("numpy", "scipy", "pandas", "trackpy", "numba", "pims", "tifffile", "av")
NOT_GIVEN = "not given: "
NO_SCALE = (
    f"{NOT_GIVEN}it needs the thickness of the light sheet (--depth) or a calibration with beads "
    "of known concentration (--instrument)"
)


@dataclass
class Stages:
    """What each stage handed on.

    Attributes
    ----------
    rejected : dict of str to int
        Tracks that were left out before the stages saw them, by reason.
    """

    info: RecordingInfo
    acquisition: Acquisition
    conditions: Conditions
    settings: Settings
    detections: Detections
    tracks: Tracks
    likelihoods: Likelihoods
    sizing: Sizing
    completeness: Completeness = field(default_factory=Completeness)
    rejected: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # frames that the camera dropped took their time too
        duration = len(self.tracks.frames) * self.conditions.frame_interval_s
        self.info = self.info.model_copy(update={"duration_s": duration})
        self.rejected = dict(self.rejected) | dict(self.likelihoods.rejected)

    def result(self, start: str, seconds: Mapping[str, float], command: str) -> Result:
        """The whole result."""
        sizing = self.sizing
        summary = self._tracks_summary()
        diagnostics = (
            dict(self.tracks.diagnostics)
            | dict(self.likelihoods.diagnostics)
            | dict(self.completeness.diagnostics)
        )
        effective = self._effective_settings()
        report = Report(
            recording=self.info,
            acquisition=self.acquisition.known() | self._derived(),
            conflicts=list(self.acquisition.conflicts),
            settings=effective,
            tracks=summary,
            positions=self._positions(),
            drift_um_s=self._drift(),
            distribution=sizing.distribution,
            raw=sizing.raw,
            classes=sizing.classes,
            misev=sizing.misev,
            detection_limit_nm=self._detection_limit(),
            concentration_per_ml=sizing.concentration_per_ml,
            concentration_note=self._concentration_note(),
            completeness_note=self.completeness.reason,
            qc=NOT_JUDGED,
            diagnostics=diagnostics,
            provenance=_provenance(start, seconds, command, self.acquisition, effective),
        )
        particles = self._particles()
        result = Result(
            summary=report,
            particles=particles,
            tracks=self.tracks.table,
            frames=self.tracks.frames,
            distribution_table=sizing.distribution_table,
            completeness=self.completeness.table,
            preview=draw(self.detections, self.tracks, self.conditions.pixel_size_um),
        )
        return judge(result, self.settings.qc)

    def _detection_limit(self) -> Estimate | None:
        limit = self.completeness.detection_limit_nm
        return None if limit.value is None else limit

    def _concentration_note(self) -> str:
        if self.completeness.reason:
            return f"{NOT_GIVEN}{self.completeness.reason}"
        if self.settings.sizing.weighting == "seen":
            return f"{NOT_GIVEN}the weighting asked for is per particle seen"
        if not self.completeness.has_scale:
            return NO_SCALE
        if self.sizing.concentration_per_ml is None and len(self.sizing.particles):
            return f"{NOT_GIVEN}many of the particles seen are below the detection limit"
        limit = self.completeness.detection_limit_nm.value
        above = "" if limit is None else f"; particles above {limit:.0f} nm"
        diluted = "" if self.acquisition.dilution is None else ", of the undiluted sample"
        off = self.sizing.choices.get("blank_per_ml")
        less = f"; the blank's {off.value:.3g} per mL taken off" if off else ""
        return f"{self.completeness.basis}{above}{diluted}{less}"

    def _derived(self) -> dict[str, Value]:
        derived = {}
        if self.acquisition.viscosity_mpas is None and self.acquisition.medium is not None:
            medium = find_medium(self.acquisition.medium)
            derived["viscosity_mpas"] = Value(
                value=self.conditions.viscosity_mpas, unit="mPa s", source=medium.source
            )
        if self.acquisition.exposure_ms is None:
            assumed = self.conditions.exposure_fraction * self.conditions.frame_interval_s * 1e3
            derived["exposure_ms"] = Value(
                value=assumed, unit="ms", source="assumed: half the frame (not known)"
            )
        return derived

    def _effective_settings(self) -> dict[str, Value]:
        stages: dict[str, Mapping[str, Value]] = {
            "detection": self.detections.choices,
            "tracking": self.tracks.choices,
            "diffusion": self.likelihoods.choices,
            "sizing": self.sizing.choices,
            "completeness": {"mode": _asked(self.settings.completeness.mode)}
            | dict(self.completeness.choices),
            "instrument": _given_instrument(self.settings),
            "recording": _chosen_part(self.settings),
            "qc": {"profile": _asked(self.settings.qc.profile)},
        }
        return {
            f"{stage}.{name}": value
            for stage, choices in stages.items()
            for name, value in choices.items()
        }

    def _tracks_summary(self) -> TracksSummary:
        table, frames = self.tracks.table, self.detections.frames
        used = self.likelihoods.n_positions
        n_frames = max(len(frames), 1)
        return TracksSummary(
            n=len(used) + sum(self.rejected.values()),
            n_used=len(used),
            rejected=self.rejected,
            positions=len(table),
            particles_per_frame=len(table) / n_frames,
            median_frames=float(np.median(used)) if len(used) else None,
            # a frame that spots fill tells nothing about noise
            false_detections_per_frame=float(frames["false_detections"].mean())
            if frames["false_detections"].notna().any()
            else None,
        )

    def _positions(self) -> list[Position]:
        """Fields of view between the scene cuts; none where there is no cut."""
        cuts = marked(self.tracks.frames, Flag.SCENE_CUT)
        edges = [0, *cuts, len(self.tracks.frames)]
        in_frame = np.bincount(self.tracks.table["frame"], minlength=edges[-1])
        particles = self.sizing.particles
        return [
            Position(
                first_frame=first,
                last_frame=end - 1,
                particles_per_frame=float(in_frame[first:end].mean()),
                tracks_used=int(here.sum()),
                median_diameter_nm=float(particles.loc[here, "diameter_nm"].median())
                if here.any()
                else None,
            )
            for first, end in pairwise(edges if cuts else [])
            for here in (particles["first_frame"].between(first, end - 1),)
        ]

    def _drift(self) -> Drift:
        speed = self.tracks.frames[["flow_x_um_s", "flow_y_um_s"]].mean()
        if not np.isfinite(speed).all() or not len(self.tracks.table):
            return Drift()
        return Drift(x=float(speed.iloc[0]), y=float(speed.iloc[1]))

    def _particles(self) -> pd.DataFrame:
        particles = self.sizing.particles
        medians = self.tracks.table.groupby("track_id")[["brightness", "snr"]].median()
        matched = medians.reindex(particles["track_id"])
        return particles.assign(
            brightness=matched["brightness"].to_numpy(), snr=matched["snr"].to_numpy()
        )


def _asked(value: str) -> Value:
    return Value(value=value, source="given or default")


def _given_instrument(settings: Settings) -> dict[str, Value]:
    """What an instrument file says; nothing where there is none."""
    if settings.instrument == type(settings.instrument)():
        return {}
    known = settings.instrument.model_dump(exclude_none=True)
    return {name: Value(value=value, source="given") for name, value in known.items()}


def _chosen_part(settings: Settings) -> dict[str, Value]:
    frames, roi = settings.recording.frames, settings.recording.roi_px
    spelled = {"frames": frames, "roi_px": roi and ",".join(str(n) for n in roi)}
    return {name: Value(value=text, source="given") for name, text in spelled.items() if text}


def _provenance(
    start: str,
    seconds: Mapping[str, float],
    command: str,
    acquisition: Acquisition,
    settings: Mapping[str, Value],
) -> Provenance:
    text: dict[str, Any] = {
        "acquisition": acquisition.model_dump(exclude={"sources", "conflicts"}),
        "settings": {name: value.value for name, value in settings.items()},
    }
    digest = hashlib.sha256(json.dumps(text, sort_keys=True).encode()).hexdigest()
    return Provenance(
        evsize=importlib.metadata.version("evsize"),
        python=platform.python_version(),
        dependencies={name: importlib.metadata.version(name) for name in DEPENDENCIES},
        command=command or " ".join(sys.argv[:1]),
        start=start,
        seconds=dict(seconds),
        config_hash=digest,
    )

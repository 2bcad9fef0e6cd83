"""The order of the stages, from a recording to a whole result."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from evsize.detection import detect
from evsize.diffusion import estimate_diffusion
from evsize.physics import Conditions, find_medium
from evsize.preview import draw
from evsize.qc import Evidence, assess
from evsize.recording import by_time, part
from evsize.results import (
    Acquisition,
    Detections,
    Drift,
    Frames,
    Likelihoods,
    Position,
    Progress,
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
from evsize.sizing import diameter_grid, size
from evsize.tables import DETECTIONS, Flag
from evsize.tracking import link
from evsize.tracking.given import with_flow

__all__ = ["run", "run_tracks"]

DEPENDENCIES = ("numpy", "scipy", "pandas", "trackpy", "numba", "pims", "tifffile", "av")
GIVEN_VISCOSITY_SE = 0.005
NO_CONCENTRATION = (
    "not given: it needs the depth of the illuminated layer and a count of missed particles"
)
T = TypeVar("T")


class Source(Frames, Protocol):
    """A recording that also says what it is."""

    def info(self) -> RecordingInfo:
        """The recording as it was read."""


def run(
    recording: Source,
    settings: Settings | None = None,
    *,
    acquisition: Acquisition | None = None,
    progress: Progress | None = None,
    command: str = "",
    jobs: int = 1,
) -> Result:
    """Analyse a recording.

    Parameters
    ----------
    recording : Recording
        From `evsize.open_recording`.
    settings : Settings, optional
        Every stage's settings.
    acquisition : Acquisition, optional
        How the recording was made, where it is not the recording's own.
    progress : callable, optional
        Called with the stage, the steps done and their number.
    command : str
        What the user typed, for the record.
    jobs : int
        Frames searched at a time; the result does not depend on it.

    Returns
    -------
    Result

    Raises
    ------
    MissingSettingsError
        If pixel size, frame rate, temperature or medium is not known.
    RecordingError
        If the recording cannot be read.
    """
    settings = settings or Settings()
    recording = by_time(part(recording, settings.recording.frames, settings.recording.roi_px))
    known = acquisition or recording.acquisition
    given = settings.acquisition.model_dump(exclude_none=True)
    known = known.updated(given, "settings file") if acquisition is None else known
    conditions = known.conditions()
    start = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    clock = _Clock()
    detections = clock.time(
        "detection",
        lambda: detect(
            recording,
            settings.detection,
            conditions=conditions,
            smallest_diameter_nm=settings.tracking.smallest_diameter_nm,
            progress=progress,
            jobs=jobs,
        ),
    )
    tracks = clock.time("tracking", lambda: link(detections, conditions, settings.tracking))
    info = clock.time("reading", recording.info)
    stages = _size_tracks(detections, tracks, info, known, settings, clock)
    return stages.result(start, clock.seconds, command)


def run_tracks(
    tracks: Tracks,
    info: RecordingInfo,
    acquisition: Acquisition,
    settings: Settings | None = None,
    *,
    rejected: Mapping[str, int] | None = None,
    command: str = "",
) -> Result:
    """Size tracks that were linked elsewhere or before, without their video.

    Parameters
    ----------
    tracks : Tracks
        From `evsize.trajectories.as_tracks`; the flow is fitted here.
    info : RecordingInfo
        Where they come from.
    acquisition : Acquisition
        How they were recorded.
    settings : Settings, optional
        Those of tracking, diffusion and sizing are used.
    rejected : dict of str to int, optional
        Tracks that were left out before, by reason.
    command : str
        What the user typed, for the record.

    Raises
    ------
    MissingSettingsError
        If pixel size, frame rate, temperature or medium is not known.
    """
    settings = settings or Settings()
    start = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    conditions = acquisition.conditions()
    clock = _Clock()
    if settings.tracking.remove_flow:
        given = tracks
        tracks = clock.time("tracking", lambda: with_flow(given, conditions))
    detections = Detections(DETECTIONS.empty(), tracks.frames, info.height_px, info.width_px, {})
    stages = _size_tracks(detections, tracks, info, acquisition, settings, clock)
    stages.rejected = dict(rejected or {}) | stages.rejected
    return stages.result(start, clock.seconds, command)


def _size_tracks(
    detections: Detections,
    tracks: Tracks,
    info: RecordingInfo,
    known: Acquisition,
    settings: Settings,
    clock: _Clock,
) -> _Stages:
    conditions = known.conditions()
    grid = conditions.stokes_einstein_um3_s / diameter_grid(settings.sizing) * 1e3
    likelihoods = clock.time(
        "diffusion",
        lambda: estimate_diffusion(tracks, conditions, settings.diffusion, d_um2_s=grid),
    )
    sizing = clock.time(
        "sizing",
        lambda: size(
            likelihoods,
            conditions,
            settings.sizing,
            viscosity_se=_viscosity_se(known),
            exposure_known=known.exposure_ms is not None,
        ),
    )
    return _Stages(info, known, conditions, settings, detections, tracks, likelihoods, sizing)


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, stage: str, work: Callable[[], T]) -> T:
        begin = time.perf_counter()
        value = work()
        self.seconds[stage] = round(time.perf_counter() - begin, 3)
        return value


def _viscosity_se(acquisition: Acquisition) -> float:
    if acquisition.viscosity_mpas is not None or acquisition.medium is None:
        return GIVEN_VISCOSITY_SE
    return find_medium(acquisition.medium).relative_error


class _Stages:
    """What all stages found, put together."""

    def __init__(
        self,
        info: RecordingInfo,
        acquisition: Acquisition,
        conditions: Conditions,
        settings: Settings,
        detections: Detections,
        tracks: Tracks,
        likelihoods: Likelihoods,
        sizing: Sizing,
    ) -> None:
        # frames that the camera dropped took their time too
        duration = len(tracks.frames) * conditions.frame_interval_s
        self.info = info.model_copy(update={"duration_s": duration})
        self.acquisition = acquisition
        self.conditions = conditions
        self.settings = settings
        self.detections = detections
        self.tracks = tracks
        self.likelihoods = likelihoods
        self.sizing = sizing
        self.rejected = dict(likelihoods.rejected)

    def result(self, start: str, seconds: Mapping[str, float], command: str) -> Result:
        """The whole result."""
        sizing = self.sizing
        summary = self._tracks_summary()
        diagnostics = dict(self.tracks.diagnostics) | dict(self.likelihoods.diagnostics)
        effective = self._effective_settings()
        report = Report(
            recording=self.info,
            acquisition=self.acquisition.known() | self._derived(),
            settings=effective,
            tracks=summary,
            positions=self._positions(),
            drift_um_s=self._drift(),
            distribution=sizing.distribution,
            raw=sizing.raw,
            classes=sizing.classes,
            misev=sizing.misev,
            concentration_note=NO_CONCENTRATION,
            qc=assess(self._evidence(summary, diagnostics), self.settings.qc),
            diagnostics=diagnostics,
            provenance=_provenance(start, seconds, command, self.acquisition, effective),
        )
        particles = self._particles()
        return Result(
            summary=report,
            particles=particles,
            tracks=self.tracks.table,
            frames=self.tracks.frames,
            distribution_table=sizing.distribution_table,
            preview=draw(self.detections, self.tracks, self.conditions.pixel_size_um),
        )

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
            "recording": _chosen_part(self.settings),
            "qc": {"profile": Value(value=self.settings.qc.profile, source="given or default")},
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
        cuts = self._marked(Flag.SCENE_CUT)
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

    def _evidence(
        self, summary: TracksSummary, diagnostics: Mapping[str, float | None]
    ) -> Evidence:
        flags = self.tracks.table["flags"].to_numpy()
        saturated = float((flags & np.uint32(Flag.SATURATED) > 0).mean()) if len(flags) else None
        known = self.acquisition.exposure_ms is not None
        radius = self.tracks.search_radius_um
        return Evidence(
            duration_s=self.info.duration_s,
            n_used=summary.n_used,
            particles_per_frame=summary.particles_per_frame,
            false_detections_per_frame=summary.false_detections_per_frame,
            exposure_fraction=self.conditions.exposure_fraction if known else None,
            saturated_share=saturated,
            search_radius_um=radius if np.isfinite(radius) else None,
            d50_nm=self.sizing.distribution.d50_nm.value,
            figures=diagnostics,
            notes=tuple(self.info.notes),
            recording=self.info,
            duplicate_frames=self._marked(Flag.DUPLICATE_FRAME),
            conflicts=self.acquisition.conflicts,
            dark_spots=self._dark_spots(),
            sudden_frames={
                "scene_cut": self._marked(Flag.SCENE_CUT),
                "stage_jump": self._marked(Flag.STAGE_JUMP),
                "pulse": self._marked(Flag.PULSE),
            },
        )

    def _marked(self, flag: Flag) -> tuple[int, ...]:
        """Frames that carry a flag."""
        frames = self.tracks.frames
        marked = frames["flags"].to_numpy() & np.uint32(flag) > 0
        return tuple(int(n) for n in frames["frame"].to_numpy()[marked])

    def _dark_spots(self) -> bool | None:
        sign = self.detections.choices.get("polarity")
        return None if sign is None or not len(self.detections.table) else sign.value == "dark"

    def _particles(self) -> pd.DataFrame:
        particles = self.sizing.particles
        medians = self.tracks.table.groupby("track_id")[["brightness", "snr"]].median()
        matched = medians.reindex(particles["track_id"])
        return particles.assign(
            brightness=matched["brightness"].to_numpy(), snr=matched["snr"].to_numpy()
        )


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

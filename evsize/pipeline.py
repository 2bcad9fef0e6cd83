"""The order of the stages, from a recording to a whole result."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from threadpoolctl import threadpool_limits

from evsize.assembly import Stages
from evsize.completeness import measure
from evsize.completeness.selfcheck import common_error
from evsize.detection import detect
from evsize.diffusion import estimate_diffusion
from evsize.errors import UsageError
from evsize.physics import find_medium
from evsize.preview import draw_strip
from evsize.qc import load_profile
from evsize.recording import by_time, part
from evsize.results import (
    Acquisition,
    Blank,
    Completeness,
    Detections,
    Frames,
    Likelihoods,
    Progress,
    RecordingInfo,
    Result,
    Tracks,
    Value,
)
from evsize.settings import CompletenessSettings, Settings
from evsize.sizing import diameter_grid, size
from evsize.tables import DETECTIONS
from evsize.tracking import link
from evsize.tracking.given import with_flow

__all__ = ["run", "run_tracks"]

GIVEN_VISCOSITY_SE = 0.005
NO_VIDEO = Completeness(reason="there is no video to lay simulated particles on")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def one_thread(function: F) -> F:
    """Let it multiply matrices in one thread: sums of many differ in their last digits."""
    return cast("F", threadpool_limits.wrap(limits=1, user_api="blas")(function))


class Source(Frames, Protocol):
    """A recording that also says what it is."""

    def info(self) -> RecordingInfo:
        """The recording as it was read."""


@one_thread
def run(
    recording: Source,
    settings: Settings | None = None,
    *,
    acquisition: Acquisition | None = None,
    progress: Progress | None = None,
    command: str = "",
    jobs: int = 1,
    blank: Result | None = None,
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
    blank : Result, optional
        Of a recording without sample, made alike: taken off the concentrations.

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
    load_profile(settings.qc.profile)  # a wrong one is said before the work, not after it
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
    conclude = partial(_measure, recording, detections, progress=progress)
    stages = _size_tracks(
        detections,
        tracks,
        info,
        known,
        settings,
        clock,
        conclude=conclude,
        blank=None if blank is None else as_blank(blank),
    )
    strip = clock.time(
        "pictures",
        lambda: draw_strip(recording, tracks, stages.sizing.particles, conditions.pixel_size_um),
    )
    return replace(stages.result(start, clock.seconds, command), strip=strip)


@one_thread
def run_tracks(
    tracks: Tracks,
    info: RecordingInfo,
    acquisition: Acquisition,
    settings: Settings | None = None,
    *,
    rejected: Mapping[str, int] | None = None,
    detected: Mapping[str, Value] | None = None,
    completeness: Completeness = NO_VIDEO,
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
    detected : dict of str to Value, optional
        How their spots were found in images, where they were.
    completeness : Completeness, optional
        How deep each size was seen in their video, where that is known.
    command : str
        What the user typed, for the record.

    Raises
    ------
    MissingSettingsError
        If pixel size, frame rate, temperature or medium is not known.
    """
    settings = settings or Settings()
    unasked = CompletenessSettings(mode="off")  # it needs the video
    settings = settings.model_copy(update={"completeness": unasked})
    start = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    conditions = acquisition.conditions()
    clock = _Clock()
    if settings.tracking.remove_flow:
        given = tracks
        tracks = clock.time("tracking", lambda: with_flow(given, conditions))
    detections = Detections(
        DETECTIONS.empty(), tracks.frames, info.height_px, info.width_px, detected or {}
    )
    stages = _size_tracks(
        detections, tracks, info, acquisition, settings, clock, rejected, completeness=completeness
    )
    return stages.result(start, clock.seconds, command)


def _size_tracks(
    detections: Detections,
    tracks: Tracks,
    info: RecordingInfo,
    known: Acquisition,
    settings: Settings,
    clock: _Clock,
    rejected: Mapping[str, int] | None = None,
    conclude: Callable[[Tracks, Likelihoods, Acquisition, Settings], Completeness] | None = None,
    blank: Blank | None = None,
    completeness: Completeness = NO_VIDEO,
) -> Stages:
    conditions = known.conditions()
    grid = conditions.stokes_einstein_um3_s / diameter_grid(settings.sizing) * 1e3
    likelihoods = clock.time(
        "diffusion",
        lambda: estimate_diffusion(tracks, conditions, settings.diffusion, d_um2_s=grid),
    )
    if conclude is not None:
        completeness = clock.time(
            "completeness", lambda: conclude(tracks, likelihoods, known, settings)
        )
    filmed = bool(detections.choices)  # of tracks made elsewhere nothing is known
    common_se = common_error(completeness.diagnostics) if filmed else 0.0
    sizing = clock.time(
        "sizing",
        lambda: size(
            likelihoods,
            conditions,
            settings.sizing,
            viscosity_se=_viscosity_se(known),
            exposure_known=known.exposure_ms is not None,
            completeness=completeness,
            dilution=known.dilution or 1.0,
            blank=blank,
            common_se=common_se,
        ),
    )
    return Stages(
        info,
        known,
        conditions,
        settings,
        detections,
        tracks,
        likelihoods,
        sizing,
        completeness,
        rejected or {},
    )


def as_blank(result: Result) -> Blank:
    """Take what a blank's result says of its particles.

    Raises
    ------
    UsageError
        If it does not say how large its field of view was.
    """
    about, pixel = result.summary.recording, result.summary.acquisition.get("pixel_size_um")
    size_um = float(pixel.value) if pixel and isinstance(pixel.value, int | float) else 0.0
    area_um2 = about.height_px * about.width_px * size_um**2
    if not len(result.frames) or not area_um2 > 0:
        raise UsageError(
            f"the blank {about.path} has no frames or no field of view", "a result of its recording"
        )
    particles = result.particles
    return Blank(
        particles["diameter_nm"].to_numpy(),
        particles["frames"].to_numpy("float64"),
        len(result.frames),
        area_um2,
    )


def _measure(
    recording: Frames,
    detections: Detections,
    tracks: Tracks,
    likelihoods: Likelihoods,
    known: Acquisition,
    settings: Settings,
    *,
    progress: Progress | None,
) -> Completeness:
    return measure(
        recording,
        detections,
        tracks,
        likelihoods,
        known.conditions(),
        settings,
        depth_um=known.depth_um,
        progress=progress,
    )


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

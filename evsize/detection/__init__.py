"""Frames in, spots out.

`detect` finds the spots of a recording with one of the `ENGINES`. All engines share background,
noise, polarity, spot width, thresholds and the control on the negated frame; an engine receives a
frame without background in units of noise and the same behind the matched filter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.detection.again import SecondSearch
from evsize.detection.faint import gather
from evsize.detection.fast_engine import locate as locate_fast
from evsize.detection.model import grey
from evsize.detection.pattern import block_edges, iterate_models, spread_indices
from evsize.detection.plan import Plan, make_plan
from evsize.detection.search import Engine, Searcher
from evsize.detection.table import Rows
from evsize.detection.trackpy_engine import locate as locate_trackpy
from evsize.physics import Conditions
from evsize.results import Detections, Frames, Progress
from evsize.settings import DetectionSettings
from evsize.tables import FRAMES, Flag

ENGINES: Mapping[str, Engine] = {
    "fast": locate_fast,
    "trackpy": locate_trackpy,
}

MODELS_KEPT = 4
"""For a second search (`evsize.completeness`): 12 bytes a pixel each."""

__all__ = ["ENGINES", "Engine", "detect", "search_again"]


def detect(
    recording: Frames,
    settings: DetectionSettings = DetectionSettings(),  # noqa: B008  (frozen)
    *,
    conditions: Conditions | None = None,
    smallest_diameter_nm: float = 50.0,
    progress: Progress | None = None,
    jobs: int = 1,
) -> Detections:
    """Find the spots in all frames of a recording.

    Parameters
    ----------
    recording : Frames
        Grey frames, (height, width) each; read one by one and not changed.
    settings : DetectionSettings, optional
        What is left out follows from the recording.
    conditions : Conditions, optional
        Pixel size, frame interval, exposure and liquid: they tell how far the smallest particle
        smears, hence the localisation window and the lower threshold.
    smallest_diameter_nm : float, optional
        Diameter whose smear the window must cover, nm.
    progress : callable, optional
        Called with ``"detection"``, the frames done and their number.
    jobs : int, optional
        Frames searched at a time; the answer does not depend on it.

    Returns
    -------
    Detections
        Positions in px, averaged over the exposure, with standard errors; spots between the two
        thresholds carry ``Flag.WEAK``. Nothing found is an empty table.

    Raises
    ------
    RecordingError
        If the recording has no frames.
    """
    plan = make_plan(recording, settings, conditions, smallest_diameter_nm)
    # trackpy silences its warnings for the whole process: one frame at a time
    searcher = Searcher(
        plan,
        ENGINES[settings.engine],
        float(recording.white_level),
        jobs if settings.engine == "fast" else 1,
    )
    source = _Reader(recording)
    rows = Rows()
    columns: list[tuple[int, float, float, float, int]] = []
    faint = []
    n_blocks = len(block_edges(len(recording))) - 1
    kept = spread_indices(0, n_blocks, MODELS_KEPT)
    models = {}
    for k, (frames, model) in enumerate(iterate_models(recording, plan.cell_px, plan.first_model)):
        if k in kept:
            models[frames.start] = model
        found_in = searcher.search_all(source.read(frames), model)
        for index, found in zip(frames, found_in, strict=True):
            rows.add(index, found.spots, found.brightness, found.flags)
            counted = (len(found.flags), found.false, found.background, found.noise)
            columns.append((*counted, source.flags[index]))
            faint.append(found.faint)
            if progress is not None:
                progress("detection", index + 1, len(recording))
    height, width = (int(n) for n in recording.frame_shape[:2])
    return Detections(
        table=rows.table(),
        frames=_frames_table(columns, _frame_rate(recording, conditions)),
        height_px=height,
        width_px=width,
        choices=plan.choices,
        preview=source.preview,
        preview_frame=source.middle,
        plan=plan._replace(later_models=models),
        faint=gather(faint, plan.parameters),
    )


def search_again(
    recording: Frames, detections: Detections, settings: DetectionSettings
) -> SecondSearch:
    """Prepare to search altered frames of a recording just as it was searched itself.

    Parameters
    ----------
    recording : Frames
        The recording.
    detections : Detections
        What `detect` found in it.
    settings : DetectionSettings
        With these settings.
    """
    plan = detections.plan
    if not isinstance(plan, Plan):
        raise TypeError("detections of another program cannot be repeated")
    return SecondSearch(recording, detections, plan, ENGINES[settings.engine])


class _Reader:
    """Reads the frames in order, and notes what is to be said of each."""

    def __init__(self, recording: Frames) -> None:
        self._recording = recording
        self._previous: NDArray[Any] | None = None
        self.middle = len(recording) // 2
        self.preview: NDArray[Any] | None = None
        self.flags: list[int] = []

    def read(self, frames: range) -> Iterator[NDArray[Any] | None]:
        """Return frame after frame; None for one not decoded whole, or equal to the one before."""
        for index in frames:
            image = self._recording[index]
            damaged = bool(getattr(image, "metadata", {}).get("corrupt"))
            frame = grey(image)
            if index == self.middle:
                self.preview = np.array(frame)
            same = self._previous is not None and np.array_equal(frame, self._previous)
            if damaged or same:
                # a frame shown twice says nothing of where the particles were: it is a gap
                self.flags.append(int(Flag.CORRUPT_FRAME if damaged else Flag.DUPLICATE_FRAME))
                yield None
                continue
            self.flags.append(0)
            self._previous = frame
            yield frame


def _frame_rate(recording: Frames, conditions: Conditions | None) -> float | None:
    if conditions is not None:
        return 1 / conditions.frame_interval_s
    return recording.acquisition.frame_rate_hz


def _frames_table(
    columns: list[tuple[int, float, float, float, int]], frame_rate_hz: float | None
) -> pd.DataFrame:
    """One row a frame; the flow is filled in by the tracking."""
    number: NDArray[np.int64] = np.arange(len(columns))
    detections, false, background, noise, flags = zip(*columns, strict=True)
    empty = np.full(len(columns), np.nan)
    return FRAMES.build(
        frame=number,
        t_s=number / frame_rate_hz if frame_rate_hz else empty,
        detections=detections,
        false_detections=false,
        background=background,
        noise=noise,
        flow_x_um_s=empty,
        flow_y_um_s=empty,
        flags=flags,
    )

"""Frames in, spots out.

`detect` finds the spots of a recording with one of the `ENGINES`. All engines share background,
noise, polarity, spot width, thresholds and the control on the negated frame; an engine receives a
frame without background in units of noise and the same behind the matched filter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.detection.fast_engine import locate as locate_fast
from evsize.detection.filtering import matched_filter
from evsize.detection.model import grey
from evsize.detection.pattern import iterate_models
from evsize.detection.peaks import keep_strongest, local_maxima
from evsize.detection.plan import Plan, make_plan
from evsize.detection.scaling import Image
from evsize.detection.spots import Parameters, Spots
from evsize.detection.table import Rows, mark_spots
from evsize.detection.trackpy_engine import locate as locate_trackpy
from evsize.physics import Conditions
from evsize.results import Detections, Frames, Progress
from evsize.settings import DetectionSettings
from evsize.tables import FRAMES, Flag

MOST_PEAKS = 20000

Engine = Callable[[tuple[Image, Image, Image], Image, Parameters], Spots]

ENGINES: Mapping[str, Engine] = {
    "fast": locate_fast,
    "trackpy": locate_trackpy,
}

__all__ = ["ENGINES", "Engine", "detect"]


def detect(
    recording: Frames,
    settings: DetectionSettings = DetectionSettings(),  # noqa: B008  (frozen)
    *,
    conditions: Conditions | None = None,
    smallest_diameter_nm: float = 50.0,
    progress: Progress | None = None,
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
    engine = ENGINES[settings.engine]
    n_frames = len(recording)
    found = Rows()
    columns: list[tuple[int, int, float, float, int]] = []
    middle = n_frames // 2
    preview = previous = None
    buffers = np.empty((2, *recording.frame_shape[:2]), np.float32)
    for frames, model in iterate_models(recording, plan.cell_px, plan.first_model):
        for index in frames:
            frame = grey(recording[index])
            scaled = model.scale(frame, plan.sign, buffers[0])
            spots, negated = search_frame(scaled.images, plan, engine, buffers[1])
            flags = mark_spots(spots, frame, plan, float(recording.white_level))
            found.add(index, spots, flags, model.pattern.noise, scaled.noise_factor)
            same = previous is not None and np.array_equal(frame, previous)
            mark = int(Flag.DUPLICATE_FRAME) if same else 0
            columns.append((len(flags), negated, scaled.background, scaled.noise, mark))
            if index == middle:
                preview = np.array(frame)
            previous = frame
            if progress is not None:
                progress("detection", index + 1, n_frames)
    height, width = (int(n) for n in recording.frame_shape[:2])
    return Detections(
        table=found.table(),
        frames=_frames_table(columns, _frame_rate(recording, conditions)),
        height_px=height,
        width_px=width,
        choices=plan.choices,
        preview=preview,
        preview_frame=middle,
    )


def search_frame(
    images: tuple[Image, Image, Image], plan: Plan, engine: Engine, out: Image | None = None
) -> tuple[Spots, int]:
    """Spots of one scaled frame, and the peaks that its negative has above the threshold."""
    parameters = plan.parameters
    filtered = matched_filter(images[0], parameters.filter_sd_px, parameters.filter_noise, out)
    spots = engine(images, filtered, parameters)
    rows, cols = local_maxima(filtered, -1.0, parameters.threshold, MOST_PEAKS)
    heights = -filtered[rows, cols].astype(np.float64)
    reach = np.full(len(rows), parameters.separation_px)
    return spots, int(keep_strongest((rows, cols), heights, reach, parameters.threshold).sum())


def _frame_rate(recording: Frames, conditions: Conditions | None) -> float | None:
    if conditions is not None:
        return 1 / conditions.frame_interval_s
    return recording.acquisition.frame_rate_hz


def _frames_table(
    columns: list[tuple[int, int, float, float, int]], frame_rate_hz: float | None
) -> pd.DataFrame:
    """One row a frame; the flow is filled in by the tracking."""
    number: NDArray[np.int64] = np.arange(len(columns))
    detections, negated, background, noise, flags = zip(*columns, strict=True)
    empty = np.full(len(columns), np.nan)
    return FRAMES.build(
        frame=number,
        t_s=number / frame_rate_hz if frame_rate_hz else empty,
        detections=detections,
        false_detections=negated,
        background=background,
        noise=noise,
        flow_x_um_s=empty,
        flow_y_um_s=empty,
        flags=flags,
    )

"""Spots of a frame as flagged rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.detection.background import Image
from evsize.detection.plan import Plan
from evsize.detection.spots import Spots
from evsize.tables import DETECTIONS, Flag


def crowded(x_px: NDArray[np.float64], y_px: NDArray[np.float64], reach: float) -> NDArray[Any]:
    """Whether another spot lies within ``reach``."""
    if len(x_px) < 2:
        return np.zeros(len(x_px), np.bool_)
    order = np.argsort(x_px, kind="stable")
    xs, ys = x_px[order], y_px[order]
    marked = np.zeros(len(x_px), np.bool_)
    last = np.searchsorted(xs, xs + reach, side="right")
    for i in range(len(xs) - 1):
        near = np.flatnonzero(np.abs(ys[i + 1 : last[i]] - ys[i]) <= reach) + i + 1
        near = near[np.hypot(xs[near] - xs[i], ys[near] - ys[i]) <= reach]
        if len(near):
            marked[order[i]] = True
            marked[order[near]] = True
    return marked


def saturated(
    frame: NDArray[Any], x_px: NDArray[np.float64], y_px: NDArray[np.float64], limits: Any
) -> NDArray[np.bool_]:
    """Whether a pixel next to the centre of a spot is at the end of the camera's range.

    ``limits`` is the sign of the spots, the grey level that ends the range on that side and
    the half width of the square looked at.
    """
    sign, level, reach = limits
    height, width = frame.shape
    clipped = frame >= level if sign > 0 else frame <= level
    marked = np.zeros(len(x_px), np.bool_)
    if not clipped.any():
        return marked
    x, y = np.rint(x_px).astype(np.intp), np.rint(y_px).astype(np.intp)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            marked |= clipped[np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)]
    return marked


def mark_spots(
    spots: Spots, frame: NDArray[Any], plan: Plan, white_level: float
) -> NDArray[np.uint32]:
    """Flags of the spots of one frame."""
    parameters = plan.parameters
    height, width = frame.shape
    x, y = spots.x_px, spots.y_px
    window = parameters.window_px
    border = np.minimum.reduce([x, y, width - 1 - x, height - 1 - y])
    core = max(1, round(parameters.spot_sd_px))
    limits = (plan.sign, white_level if plan.sign > 0 else 0, core)
    flags = np.zeros(len(x), np.uint32)
    for mark, flag in (
        (border < window, Flag.EDGE),
        (saturated(frame, x, y, limits), Flag.SATURATED),
        (crowded(x, y, window), Flag.CROWDED),
        (spots.snr < parameters.threshold, Flag.WEAK),
    ):
        flags[mark] |= np.uint32(flag)
    return flags


def spots_table(index: int, spots: Spots, flags: NDArray[np.uint32], noise: Image) -> pd.DataFrame:
    """Rows of one frame, brightness in grey levels."""
    height, width = noise.shape
    x = np.clip(np.rint(spots.x_px), 0, width - 1).astype(np.intp)
    y = np.clip(np.rint(spots.y_px), 0, height - 1).astype(np.intp)
    return DETECTIONS.build(
        frame=np.full(len(flags), index),
        x_px=spots.x_px,
        y_px=spots.y_px,
        loc_se_px=spots.error_px,
        brightness=spots.flux * noise[y, x],
        snr=spots.snr,
        flags=flags,
    )

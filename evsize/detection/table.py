"""Spots of a frame as flagged rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.detection.peaks import have_neighbour, highest_near
from evsize.detection.plan import Plan
from evsize.detection.spots import Parameters, Spots
from evsize.tables import DETECTIONS, Flag

MERGED_SNR = 20.0
MERGED_WIDTH = 1.0
# the smear of one Brownian path in 2,000 is longer than this many of its standard deviations
MERGED_SMEAR = 3.0


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
    places = (np.rint(y).astype(np.int64), np.rint(x).astype(np.int64))
    extreme = highest_near(frame, places, float(plan.sign), core)
    flags = np.zeros(len(x), np.uint32)
    for mark, flag in (
        (border < window, Flag.EDGE),
        (extreme >= (white_level if plan.sign > 0 else 0.0), Flag.SATURATED),
        (have_neighbour(x, y, float(window)), Flag.CROWDED),
        (spots.snr < parameters.threshold, Flag.WEAK),
        (_merged(spots, parameters), Flag.MERGED),
    ):
        flags[mark] |= np.uint32(flag)
    return flags


def _merged(spots: Spots, parameters: Parameters) -> NDArray[np.bool_]:
    """Spots that are two: longer than motion can smear them, and than their own width explains.

    The faintest spots that are found may be of the smallest particle. Light grows with the sixth
    power of the diameter at most (Rayleigh), hence a brighter particle is larger by the sixth root
    at least, and smears less by the square root of that.
    """
    fainter = np.minimum(parameters.threshold / np.maximum(spots.snr, 1e-9), 1.0)
    smear = MERGED_SMEAR * parameters.smear_sd_px * fainter ** (1 / 12)
    longest = np.hypot(smear, MERGED_WIDTH * parameters.spot_sd_px)
    return np.asarray((spots.snr > MERGED_SNR) & (spots.length_px > longest))


class Rows:
    """Collects the spots frame by frame; the table is made once, at the end."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[Any], ...]] = []

    def add(
        self, index: int, spots: Spots, brightness: NDArray[np.float64], flags: NDArray[np.uint32]
    ) -> None:
        """Add the spots of a frame."""
        frame = np.full(len(flags), index, np.int64)
        self._parts.append(
            (frame, spots.x_px, spots.y_px, spots.error_px, brightness, spots.snr, flags)
        )

    def table(self) -> pd.DataFrame:
        """Return all rows, schema `tables.DETECTIONS`."""
        columns = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        return DETECTIONS.build(**dict(zip(DETECTIONS.names, columns, strict=True)))

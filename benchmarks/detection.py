"""Films in memory, matching with the truth and a quiet trackpy, for the tables."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.results import Acquisition
from evsize.simulation import nanosight, zetaview

REGIMES = {"nanosight": nanosight, "zetaview": zetaview}


class Film:
    """Frames in memory."""

    acquisition = Acquisition()

    def __init__(self, frames: NDArray[Any]) -> None:
        self.frames = frames
        self.frame_shape = frames.shape[1:]
        self.white_level = float(np.iinfo(frames.dtype).max)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, key: int, /) -> NDArray[Any]:
        frame: NDArray[Any] = self.frames[key]
        return frame


def quiet_trackpy() -> Any:
    """Import trackpy without its messages."""
    import trackpy  # noqa: PLC0415 - 2.4 s: only for the tables that compare

    trackpy.quiet()
    warnings.simplefilter("ignore", UserWarning)
    return trackpy


def nearest(
    found: NDArray[np.float64], truth: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Mutually nearest pairs (found, truth) within ``reach``."""
    if not len(found) or not len(truth):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    distance = np.hypot(*(found[:, None] - truth).transpose(2, 0, 1))
    at = distance.argmin(axis=1)
    rows = np.arange(len(found))
    good = (distance[rows, at] < reach) & (distance.argmin(axis=0)[at] == rows)
    return rows[good], at[good]

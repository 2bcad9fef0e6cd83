"""The spots of a recording, as linking sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evsize.tracking.filling import Peaks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Film:
    """The spots of a recording and what is known of it.

    Attributes
    ----------
    frame : ndarray of int, (spots,), ascending
    xy_um : ndarray, (spots, 2)
    weak : ndarray of bool, (spots,)
        Spots that only continue tracks.
    merged : ndarray of bool, (spots,)
        Spots that are two.
    snr : ndarray, (spots,)
        Signal-to-noise ratio of each.
    n_frames : int
    size_um : (float, float)
        Width and height of the image.
    overlap_um : float
        Distance within which spots disturb each other's position.
    blur : float
        R of Berglund.
    max_gap : int
        Frames that a track may miss.
    faint : Peaks or None
        Peaks that are no spots, where they are of use.
    """

    frame: Ints
    xy_um: Floats
    weak: Bools
    merged: Bools
    snr: Floats
    n_frames: int
    size_um: tuple[float, float]
    overlap_um: float
    blur: float
    max_gap: int
    faint: Peaks | None

    @property
    def area_um2(self) -> float:
        """Area of the image, um^2."""
        return self.size_um[0] * self.size_um[1]

    @property
    def inflation(self) -> float:
        """Share by which blur adds to the variance of a sum of many steps of one particle."""
        return 2 * self.blur / (1 - 2 * self.blur)

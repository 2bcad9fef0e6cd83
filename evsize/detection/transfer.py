"""How the noise of a pixel grows with the background: photon transfer.

Shot noise follows the light. What stands still is known pixel by pixel; a background that moves
brings its own noise along. Its variance against its level is a line for a camera that counts
photons (Janesick, Photon Transfer, SPIE Press (2007), chapter 3), measured here on the recording.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evsize.detection.filtering import MAD_TO_SD
from evsize.detection.median import quick_median
from evsize.detection.scaling import BIN_PX, Image, held_spread

LEVELS = 8
STEP_PX = 3
"""Distance of the pixels used: second differences that far apart share no pixel."""
LEAST_CHANGE = 0.15
"""Of the variance, over the levels there are: less makes no difference to any spot."""
SIGNIFICANT = 4.0
"""Standard errors by which the variance has to change."""
LEAST_VARIANCE = 0.1
"""Of the usual one: where it is darker than all that was measured."""


class Transfer(NamedTuple):
    """Variance of a pixel against the background, that at the usual background being 1.

    Attributes
    ----------
    slope : float
        Growth with each unit of the background: the noise of the fixed pattern.
    usual : float
        Usual background above the fixed pattern, in that unit.
    """

    slope: float = 0.0
    usual: float = 0.0

    def noise(self, background: Image) -> Image:
        """Noise where the background is that, against the usual one."""
        variance = 1 + np.float32(self.slope) * (background - np.float32(self.usual))
        return np.asarray(np.sqrt(np.maximum(variance, LEAST_VARIANCE)), np.float32)


def measure_transfer(scaled: Iterable[tuple[Image, Image]]) -> Transfer:
    """How the variance of a pixel grows with the background.

    Parameters
    ----------
    scaled : iterable of (ndarray of float32, ndarray of float32)
        Frames freed of their background, all in one unit, and that background in the unit of the
        noise of the fixed pattern, `BIN_PX` times smaller.

    Returns
    -------
    Transfer
        A slope of 0 where there is no growth to be seen.

    Notes
    -----
    Second differences along rows are blind to what is smooth: remains of the background, flanks
    of spots. They are sorted by the background into `LEVELS` classes, the spread of each is taken
    with what is far off held back, and a line is fitted to their squares.
    """
    levels, rests = zip(*(_second_differences(*each) for each in scaled), strict=True)
    level, rest = np.concatenate(levels), np.concatenate(rests)
    rough = MAD_TO_SD * quick_median(np.abs(rest))
    if len(level) < 100 * LEVELS or rough == 0.0:
        return Transfer()
    classes = np.array_split(np.argsort(level), LEVELS)
    x = np.array([level[k].mean() for k in classes])
    y = np.array([held_spread(rest[k], rough) ** 2 for k in classes])
    usual, variance = float(x.mean()), float(y.mean())
    slope = float(np.polyfit(x - usual, y / variance, 1)[0])
    # of a class: second differences, held, tell half as much as so many normal values
    chance = 2.0 * np.sqrt(2.0 * LEVELS / len(level))
    if slope * (x[-1] - x[0]) < max(LEAST_CHANGE, SIGNIFICANT * chance):
        return Transfer()
    return Transfer(slope, usual)


def _second_differences(
    image: Image, background: Image
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Background, and second differences along the rows, of pixels `STEP_PX` apart."""
    thin = image[::STEP_PX]
    n = (image.shape[1] - 2) // STEP_PX
    left, middle, right = (thin[:, k::STEP_PX][:, :n] for k in range(3))
    rest = (left - 2 * middle + right) / np.float32(np.sqrt(6.0))
    rows = np.minimum(np.arange(len(thin)) * STEP_PX // BIN_PX, len(background) - 1)
    cols = np.minimum((np.arange(n) * STEP_PX + 1) // BIN_PX, background.shape[1] - 1)
    return background[np.ix_(rows, cols)].ravel(), rest.ravel()

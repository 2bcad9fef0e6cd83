"""Background that is slow in space, taken from where nothing stands out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from evsize.detection.median import quick_median
from evsize.detection.scaling import BIN_PX, Image

MASK_AT = 2.5
LEAST_WEIGHT = 1e-3
"""Share of a box that has to be free of spots. Of a hundred bins, the outermost has as much."""


def _smooth(image: Image, box: int) -> Image:
    """Mean over a box, run twice: nearly a Gaussian."""
    once = cv2.blur(image, (box, box), borderType=cv2.BORDER_REFLECT)
    twice: Image = cv2.blur(once, (box, box), borderType=cv2.BORDER_REFLECT)
    return twice


def _weights(rest: Image, limit: float, one_sided: bool) -> Image:
    """Zero for the bins beyond the limit that have a neighbour there, and for all next to them.

    A single bin of noise may stand out; of a spot it has neighbours, or stands out twice as far.
    """
    height = rest if one_sided else np.abs(rest)
    strong = (height > limit).astype(np.uint8)
    strong &= (cv2.blur(strong * np.uint8(9), (3, 3)) >= 2).astype(np.uint8)
    strong |= (height > 2 * limit).astype(np.uint8)
    masked = cv2.dilate(strong, np.ones((3, 3), np.uint8))
    weight: Image = (masked == 0).astype(np.float32)
    return weight


def _local_mean(image: Image, weight: Image, total: Image, box: int) -> Image:
    """Weighted mean over a box, run twice; over ever wider ones where there is no weight.

    ``total`` is the weight smoothed over the box.
    """
    mean = _smooth(image * weight, box)
    if float(total.min()) > LEAST_WEIGHT:
        return np.asarray(mean / total, np.float32)
    if box > max(image.shape):
        seen = image[weight > 0] if weight.any() else image
        farther = np.full_like(image, np.mean(seen))
    else:
        wider = 2 * box + 1
        farther = _local_mean(image, weight, _smooth(weight, wider), wider)
    farther *= np.float32(LEAST_WEIGHT)
    return np.asarray((mean + farther) / (total + np.float32(LEAST_WEIGHT)), np.float32)


def slow_surface(bins: Image, cells: NDArray[np.float32], width_px: int, sign: int) -> Image:
    """Background of a frame, `BIN_PX` times smaller than the frame.

    Parameters
    ----------
    bins : ndarray of float32, (height // `BIN_PX`, width // `BIN_PX`)
        Means of a frame without pattern, in units of the pixel noise.
    cells : ndarray of float32
        Rough background on a coarse grid; it only says what stands out.
    width_px : int
        Width over which the background is averaged.
    sign : int
        +1 for bright spots, -1 for dark ones.

    Returns
    -------
    ndarray of float32, as ``bins``
        A matched filter multiplies an error of the background by its own width, about tenfold:
        so all pixels are used, in bins, but for those that stand out and their neighbours. In a
        crowd the rough background is too high: first only what stands out to the side of the
        spots is left out, then, from that surface, to both sides. The mean is taken once more
        of what the first leaves: a wave longer than twice the width goes with it. Along the
        border, where a mean leans to one side, it is taken a third time.
    """
    rest = bins - cv2.resize(cells, bins.shape[::-1], interpolation=cv2.INTER_LINEAR)
    limit = MASK_AT * 1.4826 * quick_median(np.abs(rest[::2]))
    box = max(3, round(width_px / BIN_PX * 0.75) // 2 * 2 + 1)
    weight = _weights(sign * rest, limit, one_sided=True)
    surface = _local_mean(bins, weight, _smooth(weight, box), box)
    weight = _weights(bins - surface, limit, one_sided=False)
    total = _smooth(weight, box)
    surface = _local_mean(bins, weight, total, box)
    surface = surface + _local_mean(bins - surface, weight, total, box)
    left = _local_mean(bins - surface, weight, total, box)
    left[box // 2 : -(box // 2), box // 2 : -(box // 2)] = 0
    return surface + left

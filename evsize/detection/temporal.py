"""What each pixel shows over time where no particle passes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evsize.detection.scaling import Image, sort_short

CUT_AT = 3.0
INLIER_AT = 2.5


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mean_near(values: NDArray[np.float32], centre: float, reach: float) -> float:
    """Mean of the values within ``reach`` of a centre; the centre itself where there are none."""
    total, n = 0.0, 0
    for value in values:
        if abs(value - centre) <= reach:
            total += value
            n += 1
    return total / n if n > 0 else centre


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def still_moments(
    stack: NDArray[Any],
    offsets: NDArray[np.float32],
    gains: NDArray[np.float32],
    noise: float,
    step: float,
) -> tuple[Image, Image]:
    """Level and spread of each pixel, particles left out.

    Parameters
    ----------
    stack : ndarray, (frames, height, width)
        Frames far apart in time, grey levels.
    offsets, gains : ndarray of float32, (frames,)
        ``(frame - offset) / gain`` brings each to a common level.
    noise : float
        Typical noise of a pixel, grey levels.
    step : float
        Distance of grey levels; 0 for real numbers.

    Returns
    -------
    tuple of ndarray of float32, (height, width)
        The level starts at the median and moves to the mean of what lies within
        `INLIER_AT` typical noises of it: a particle that passes is no inlier, and whole grey
        levels average out. The spread is that of the values within `CUT_AT` of the spread that
        the quartiles tell.
    """
    n, height, width = stack.shape
    mean = np.empty((height, width), np.float32)
    spread = np.empty((height, width), np.float32)
    lines = np.empty((width, n), np.float32)
    values = np.empty(n, np.float32)
    for y in range(height):
        for k in range(n):
            for x in range(width):
                lines[x, k] = (stack[k, y, x] - offsets[k]) / gains[k]
        for x in range(width):
            for k in range(n):  # a slice would compile numpy's shape errors, for seconds
                values[k] = lines[x, k]
            sort_short(values)
            centre = 0.5 * (values[(n - 1) // 2] + values[n // 2])
            rough = (values[(3 * n) // 4] - values[n // 4]) / 1.349 + 0.5 * step
            reach = INLIER_AT * min(rough, 1.2 * noise + 0.25 * step)
            for _ in range(3):
                centre = _mean_near(values, centre, reach)
            square, inside = 0.0, 0
            for value in values:
                if abs(value - centre) <= CUT_AT * rough:
                    square += (value - centre) ** 2
                    inside += 1
            mean[y, x] = centre
            spread[y, x] = np.sqrt(square / max(inside - 1, 1))
    return mean, spread


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_unmasked(
    scaled: Image, mask: NDArray[np.uint8], total: Image, count: NDArray[np.uint16]
) -> None:
    """Add to ``total`` and ``count`` the pixels of a scaled frame that are not masked."""
    height, width = scaled.shape
    cut = np.float32(CUT_AT)
    for y in range(height):
        for x in range(width):
            if mask[y, x] == 0 and abs(scaled[y, x]) < cut:
                total[y, x] += scaled[y, x]
                count[y, x] += 1

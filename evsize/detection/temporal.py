"""What each pixel shows over time where no particle passes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evsize.detection.scaling import Image

CUT_AT = 3.0
INLIER_AT = 2.5
CHUNK_PX = 128
"""Pixels worked on together: all of their values over time fit into the nearest memory."""

Doubles = NDArray[np.float64]


def sorting_network(n: int) -> NDArray[np.int64]:
    """Pairs of places to compare and exchange, one after the other, that sort any n values, (m, 2).

    Batcher's merge exchange: Knuth, The Art of Computer Programming 3 (1998), 5.2.2, algorithm M.
    The same pairs serve all pixels, so that many are sorted at once.
    """
    pairs = []
    top = 1 << max((n - 1).bit_length() - 1, 0)
    p = top
    while p > 0 and n > 1:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(n - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    return np.array(pairs, np.int64).reshape(-1, 2)


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
    mean = np.empty(stack.shape[1:], np.float32)
    spread = np.empty(stack.shape[1:], np.float32)
    _moments(stack, (offsets, gains), sorting_network(len(stack)), (noise, step), mean, spread)
    return mean, spread


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _moments(
    stack: NDArray[Any],
    levels: tuple[NDArray[np.float32], NDArray[np.float32]],
    network: NDArray[np.int64],
    scale: tuple[float, float],
    mean: Image,
    spread: Image,
) -> None:
    """Fill in level and spread, a few pixels of a row at a time; see `still_moments`."""
    n, height, width = stack.shape
    offsets, gains = levels
    noise, step = scale
    lines = np.zeros((n, CHUNK_PX), np.float32)
    centre, rough, reach = np.empty(CHUNK_PX), np.empty(CHUNK_PX), np.empty(CHUNK_PX)
    total, inside = np.empty(CHUNK_PX), np.empty(CHUNK_PX)
    for y in range(height):
        for first in range(0, width, CHUNK_PX):
            size = min(CHUNK_PX, width - first)
            for k in range(n):
                for x in range(size):
                    lines[k, x] = (stack[k, y, first + x] - offsets[k]) / gains[k]
            for k in range(len(network)):
                _order(lines[network[k, 0]], lines[network[k, 1]])
            for x in range(CHUNK_PX):
                centre[x] = 0.5 * (lines[(n - 1) // 2, x] + lines[n // 2, x])
                rough[x] = (lines[(3 * n) // 4, x] - lines[n // 4, x]) / 1.349 + 0.5 * step
                reach[x] = INLIER_AT * min(rough[x], 1.2 * noise + 0.25 * step)
                rough[x] *= CUT_AT
            for _ in range(3):
                _sums_near(lines, centre, reach, 1, total, inside)
                for x in range(CHUNK_PX):
                    if inside[x] > 0.0:
                        centre[x] = total[x] / inside[x]
            _sums_near(lines, centre, rough, 2, total, inside)
            for x in range(size):
                mean[y, first + x] = centre[x]
                spread[y, first + x] = np.sqrt(total[x] / max(inside[x] - 1.0, 1.0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _order(low: NDArray[np.float32], high: NDArray[np.float32]) -> None:
    """Exchange the values of two rows where the first is the higher."""
    for x in range(CHUNK_PX):
        a, b = low[x], high[x]
        low[x] = a if a < b else b
        high[x] = b if a < b else a


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sums_near(
    lines: Image, centre: Doubles, reach: Doubles, power: int, total: Doubles, inside: Doubles
) -> None:
    """Number of the values of each column within reach of its centre, and their sum.

    With a ``power`` of 2 the sum of the squares about the centre.
    """
    for x in range(CHUNK_PX):
        total[x], inside[x] = 0.0, 0.0
    for k in range(len(lines)):
        line = lines[k]
        for x in range(CHUNK_PX):
            value = np.float64(line[x])
            away = value - centre[x]
            near = abs(away) <= reach[x]
            inside[x] += 1.0 if near else 0.0
            total[x] += (value if power == 1 else away * away) if near else 0.0


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

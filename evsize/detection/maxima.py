"""Local maxima of a filtered frame, and those of its negative."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evsize.detection.scaling import Image

Places = NDArray[np.int64]

CHUNK = 64
"""Pixels of a row that are passed over together where nothing stands out."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def maxima_and_minima(
    filtered: Image, low: float, deep: float, limit: int
) -> tuple[tuple[Places, Places], tuple[Places, Places]]:
    """Pixels that no neighbour exceeds, and those that none falls below.

    In one pass: a frame takes as long to fetch as to search.

    Parameters
    ----------
    filtered : ndarray of float32, (height, width)
        Frame behind the matched filter.
    low, deep : float
        How high the maxima are at least, and how far below zero the minima; infinite for none.
    limit : int
        Most places returned of each; the first ones, row by row, are kept.

    Returns
    -------
    maxima, minima : tuple of ndarray
        Rows and columns, in order of rows. Of equal neighbours the last counts.
    """
    height, width = filtered.shape
    rows, cols = np.empty((2, limit), np.int64), np.empty((2, limit), np.int64)
    n, m = 0, 0
    up, down = np.float32(low), np.float32(-deep)
    marked = np.empty(CHUNK, np.bool_)
    for y in range(height):
        for first in range(0, width, CHUNK):
            last = min(first + CHUNK, width)
            if _count_outside(filtered[y, first:last], down, up) == 0:
                continue
            if _mark(filtered, (y, first, last), (down, up), marked) == 0:
                continue
            for x in range(first, last):
                value = filtered[y, x]
                if not marked[x - first]:
                    continue
                if value > up:
                    if n < limit and _is_top(filtered, y, x, np.float32(1.0)):
                        rows[0, n], cols[0, n] = y, x
                        n += 1
                elif value < down and m < limit and _is_top(filtered, y, x, np.float32(-1.0)):
                    rows[1, m], cols[1, m] = y, x
                    m += 1
    return (rows[0, :n], cols[0, :n]), (rows[1, :m], cols[1, :m])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count_outside(line: NDArray[np.float32], low: float, high: float) -> int:
    """Count the pixels of a stretch of a row outside a range; without branches, hence fast."""
    n = np.int32(0)
    for x in range(line.size):
        n += np.int32(line[x] > high) + np.int32(line[x] < low)
    return int(n)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mark(
    filtered: Image,
    part: tuple[int, int, int],
    limits: tuple[float, float],
    marked: NDArray[np.bool_],
) -> int:
    """Mark what may be a place in a part of a row, and count it; again without branches.

    Not marked is what a neighbour above, below, to the left or right exceeds: of all pixels above
    a low limit nearly all, and to look at them one by one takes longest.
    """
    y, first, last = part
    height, width = filtered.shape
    down, up = limits
    # at either end of a row there is no neighbour to look at
    start, stop = max(first, 1), min(last, width - 1)
    line = filtered[y, start:stop]
    left, right = filtered[y, start - 1 : stop - 1], filtered[y, start + 1 : stop + 1]
    above = filtered[max(y - 1, 0), start:stop]
    below = filtered[min(y + 1, height - 1), start:stop]
    inner = marked[start - first :]
    n = np.int32(0)
    for x in range(line.size):
        value = line[x]
        beside = (value >= left[x]) & (value >= right[x])
        top = (value > up) & beside & (value >= above[x]) & (value >= below[x])
        inner[x] = top | (value < down)
        n += np.int32(inner[x])
    if first == 0:
        marked[0] = True
        n += np.int32(1)
    if last == width:
        marked[last - 1 - first] = True
        n += np.int32(1)
    return int(n)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_top(filtered: Image, y: int, x: int, sign: float) -> bool:
    """Whether no neighbour exceeds a pixel; of equal ones the last counts."""
    height, width = filtered.shape
    value = sign * filtered[y, x]
    for v in range(max(y - 1, 0), min(y + 2, height)):
        for u in range(max(x - 1, 0), min(x + 2, width)):
            other = sign * filtered[v, u]
            later = v > y or (v == y and u > x)
            if other > value or (other == value and later):
                return False
    return True

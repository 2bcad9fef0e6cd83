"""Local maxima of a filtered frame, and those of its negative."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Image = NDArray[np.float32]
Places = NDArray[np.int64]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def local_maxima(
    filtered: Image, sign: float, threshold: float, limit: int
) -> tuple[Places, Places]:
    """Rows and columns of the pixels above a threshold that no neighbour exceeds.

    Parameters
    ----------
    filtered : ndarray of float32, (height, width)
        Frame behind the matched filter.
    sign : float
        +1 for maxima, -1 for maxima of the negative.
    threshold : float
        In the units of ``filtered``.
    limit : int
        Most places returned; the first ones, row by row, are kept.

    Returns
    -------
    tuple of ndarray
        Rows and columns, in order of rows. Of equal neighbours the last counts.
    """
    height, width = filtered.shape
    rows = np.empty(limit, np.int64)
    cols = np.empty(limit, np.int64)
    n = 0
    s, low = np.float32(sign), np.float32(threshold)
    for y in range(height):
        for x in range(width):
            value = s * filtered[y, x]
            if value <= low:
                continue
            top = True
            for v in range(max(y - 1, 0), min(y + 2, height)):
                for u in range(max(x - 1, 0), min(x + 2, width)):
                    other = s * filtered[v, u]
                    later = v > y or (v == y and u > x)
                    if other > value or (other == value and later):
                        top = False
            if top and n < limit:
                rows[n], cols[n] = y, x
                n += 1
    return rows[:n], cols[:n]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def keep_strongest(
    rows: Places, cols: Places, heights: NDArray[np.float64], reach: float
) -> NDArray[np.bool_]:
    """Which places have no higher one within ``reach`` (px); ``rows`` must not decrease."""
    n = rows.size
    keep = np.ones(n, np.bool_)
    for i in range(n):
        for step in (-1, 1):
            j = i + step
            while 0 <= j < n and abs(rows[j] - rows[i]) <= reach:
                near = (rows[j] - rows[i]) ** 2 + (cols[j] - cols[i]) ** 2 <= reach * reach
                higher = heights[j] > heights[i] or (heights[j] == heights[i] and j < i)
                if near and higher:
                    keep[i] = False
                j += step
    return keep


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def have_neighbour(
    x_px: NDArray[np.float64], y_px: NDArray[np.float64], reach: float
) -> NDArray[np.bool_]:
    """Whether another point lies within ``reach``."""
    n = x_px.size
    marked = np.zeros(n, np.bool_)
    order = np.argsort(y_px)
    for i in range(n):
        a = order[i]
        for j in range(i + 1, n):
            b = order[j]
            if y_px[b] - y_px[a] > reach:
                break
            if (x_px[b] - x_px[a]) ** 2 + (y_px[b] - y_px[a]) ** 2 <= reach * reach:
                marked[a] = True
                marked[b] = True
    return marked

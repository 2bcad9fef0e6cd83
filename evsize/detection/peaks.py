"""Which of the peaks of a filtered frame are spots of their own, and what is near them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evsize.detection.maxima import Places
from evsize.detection.scaling import Image

BLOCK_PX = 8
SEPARATION_SD = 2.4
FLAT_REACH = 60
"""Largest distance, px, over which a peak may belong to a spot: widest smear or flat top."""


def keep_strongest(
    places: tuple[Places, Places],
    heights: NDArray[np.float64],
    reach: NDArray[np.float64],
    threshold: float,
) -> NDArray[np.bool_]:
    """Go through the places from the highest down; each removes what is its own flank.

    Parameters
    ----------
    places : tuple of ndarray of int, (n,)
        Rows and columns, px.
    heights : ndarray, (n,)
        What is highest first; of equals the first.
    reach : ndarray, (n,)
        Distance within which a place suffers no lower one, px: `SEPARATION_SD` standard
        deviations of the spot.
    threshold : float
        Farther out, a lower place has to rise by this above the flank of the higher, a Gaussian
        as wide as spot and filter together: noise makes peaks there.

    Returns
    -------
    ndarray of bool, (n,)
        The places kept.
    """
    # sorted out here: a sort inside takes seconds to compile
    order = np.argsort(-heights, kind="stable")
    return np.asarray(_strongest(places, heights, order, reach, threshold))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _strongest(
    places: tuple[Places, Places],
    heights: NDArray[np.float64],
    order: Places,
    reach: NDArray[np.float64],
    threshold: float,
) -> NDArray[np.bool_]:
    """See `keep_strongest`."""
    rows, cols = places
    n = rows.size
    keep = np.ones(n, np.bool_)
    for i in range(n):
        a = order[i]
        if not keep[a]:
            continue
        square_reach = reach[a] ** 2
        slope = SEPARATION_SD**2 / (4.0 * square_reach)
        far = 2.5 * reach[a]
        for j in range(i + 1, n):
            b = order[j]
            if abs(rows[a] - rows[b]) > far or not keep[b]:
                continue
            square = (rows[a] - rows[b]) ** 2 + (cols[a] - cols[b]) ** 2
            flank = heights[a] * np.exp(-square * slope)
            if square <= square_reach or heights[b] < flank + threshold * min(1.0, flank):
                keep[b] = False
    return keep


def stand_alone(
    places: tuple[Places, Places],
    ranked: tuple[NDArray[np.float64], NDArray[np.int64]],
    images: tuple[Image, Image, Image],
    noise: tuple[float, ...],
    rise: float,
) -> NDArray[np.bool_]:
    """Whether there is a valley between a place and every higher one that is kept.

    Flat tops (saturated spots), skirts (defocus) and their own noise carry peaks that are no
    particles: on the way from such a peak to the spot it sits on, the filtered image does not
    fall by what noise can make.

    Parameters
    ----------
    places : tuple of ndarray of int, (n,)
        Rows and columns, px of the full frame.
    ranked : tuple of ndarray
        What is highest first, and the image in which each place was found.
    images : tuple of ndarray
        Filtered frame, and those 2 and 4 times smaller.
    noise : tuple of float
        Noise of each.
    rise : float
        How far a peak has to rise above the valley, in units of the noise.

    Returns
    -------
    ndarray of bool, (n,)
    """
    heights, level = ranked
    order = np.argsort(-heights, kind="stable")
    return np.asarray(_alone(places, (order, level), images, noise, rise))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _alone(
    places: tuple[Places, Places],
    ranked: tuple[Places, Places],
    images: tuple[Image, Image, Image],
    noise: tuple[float, float, float],
    rise: float,
) -> NDArray[np.bool_]:
    """See `stand_alone`; ``ranked`` is the order from the highest down, and the image of each."""
    rows, cols = places
    order, level = ranked
    n = rows.size
    keep = np.ones(n, np.bool_)
    for i in range(1, n):
        b = order[i]
        image = images[level[b]]
        scale = 1 << level[b]
        y, x = rows[b] // scale, cols[b] // scale
        for j in range(i):
            a = order[j]
            if not keep[a] or abs(rows[a] - rows[b]) > FLAT_REACH:
                continue
            if abs(cols[a] - cols[b]) > FLAT_REACH:
                continue
            to = (rows[a] // scale, cols[a] // scale)
            if not _valley_between(image, (y, x), to, rise * noise[level[b]]):
                keep[b] = False
                break
    return keep


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _valley_between(image: Image, start: tuple[int, int], to: tuple[int, int], rise: float) -> bool:
    """Whether the image falls on the way to a higher place.

    By ``rise``, by a tenth where that is more (a spot has noise of its own), or to the ground.
    """
    height, width = image.shape
    y, x = start
    steps = max(abs(to[0] - y), abs(to[1] - x))
    top = image[min(y, height - 1), min(x, width - 1)]
    for k in range(1, steps):
        v = y + round((to[0] - y) * k / steps)
        u = x + round((to[1] - x) * k / steps)
        ground = image[min(v, height - 1), min(u, width - 1)]
        if top - ground > min(max(rise, 0.1 * top), 0.75 * top):
            return True
    return False


def have_neighbour(
    x_px: NDArray[np.float64], y_px: NDArray[np.float64], reach: float
) -> NDArray[np.bool_]:
    """Whether another point lies within ``reach``."""
    x_px, y_px = np.ascontiguousarray(x_px), np.ascontiguousarray(y_px)  # one type to compile
    return np.asarray(_neighbours(x_px, y_px, np.argsort(y_px, kind="stable"), reach))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _neighbours(
    x_px: NDArray[np.float64], y_px: NDArray[np.float64], order: Places, reach: float
) -> NDArray[np.bool_]:
    """See `have_neighbour`; ``order`` is that of rising ``y_px``."""
    n = x_px.size
    marked = np.zeros(n, np.bool_)
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


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def highest_near(
    image: NDArray[Any], places: tuple[Places, Places], sign: float, reach: int
) -> NDArray[np.float64]:
    """Highest value of ``sign * image`` in the square of half width ``reach`` about each place."""
    height, width = image.shape
    rows, cols = places
    top = np.empty(rows.size)
    for k in range(rows.size):
        y, x = min(max(rows[k], 0), height - 1), min(max(cols[k], 0), width - 1)
        best = sign * image[y, x]
        for v in range(max(y - reach, 0), min(y + reach + 1, height)):
            for u in range(max(x - reach, 0), min(x + reach + 1, width)):
                best = max(best, sign * image[v, u])
        top[k] = best
    return top


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def highest_and_around(
    image: NDArray[Any], places: tuple[Places, Places]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Highest of the nine pixels at each place, and the sum of the four next to that one."""
    height, width = image.shape
    rows, cols = places
    highest, around = np.empty(rows.size), np.zeros(rows.size)
    for k in range(rows.size):
        y, x = rows[k], cols[k]
        for v in range(max(rows[k] - 1, 0), min(rows[k] + 2, height)):
            for u in range(max(cols[k] - 1, 0), min(cols[k] + 2, width)):
                if image[v, u] > image[y, x]:
                    y, x = v, u
        highest[k] = image[y, x]
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < height and 0 <= u < width:
                around[k] += image[v, u]
    return highest, around


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_free(
    places: tuple[Places, Places],
    spots: tuple[NDArray[np.float64], NDArray[np.float64]],
    halo_px: float,
    shape: tuple[int, int],
) -> tuple[int, float]:
    """Count the places outside the squares of half width ``halo_px`` about spots.

    Parameters
    ----------
    places : tuple of ndarray of int
        Rows and columns, px.
    spots : tuple of ndarray
        x and y, px.
    halo_px : float
        Rounded to blocks of `BLOCK_PX` pixels.
    shape : tuple of int
        Height and width of the frame, px.

    Returns
    -------
    tuple
        Their number, and the share of the frame outside the squares.
    """
    ny, nx = (shape[0] - 1) // BLOCK_PX + 1, (shape[1] - 1) // BLOCK_PX + 1
    free = np.ones((ny, nx), np.bool_)
    x_px, y_px = spots
    for k in range(x_px.size):
        top = max(int((y_px[k] - halo_px) / BLOCK_PX), 0)
        left = max(int((x_px[k] - halo_px) / BLOCK_PX), 0)
        bottom = min(int((y_px[k] + halo_px) / BLOCK_PX) + 1, ny)
        right = min(int((x_px[k] + halo_px) / BLOCK_PX) + 1, nx)
        for i in range(top, bottom):
            for j in range(left, right):
                free[i, j] = False
    n, n_free = 0, 0
    for k in range(places[0].size):
        n += int(free[places[0][k] // BLOCK_PX, places[1][k] // BLOCK_PX])
    for i in range(ny):
        for j in range(nx):
            n_free += int(free[i, j])
    return n, n_free / (ny * nx)

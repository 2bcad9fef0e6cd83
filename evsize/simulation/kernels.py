"""Compiled loops over pixels: spots into an image, electrons into grey levels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from evsize.results import Floats

FAINTEST_E = 1e-4
"""A spot ends where it adds fewer electrons than this to a pixel."""
REACH_SD = (4.0, 5.5)
"""But not nearer than the one nor farther than the other, in standard deviations."""

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile with numba, cached on disk."""
    return cast("F", numba.njit(cache=True, nogil=True)(function))


def spot_reach_px(sd_px: Floats, electrons: Floats) -> Floats:
    """Farthest a Gaussian spot reaches along an axis, px: where `add_gaussian_spots` cuts it."""
    peak_e = electrons / (2 * np.pi * sd_px**2)
    wanted = np.sqrt(2 * np.log(np.maximum(peak_e / FAINTEST_E, 1.0)))
    return np.asarray(np.clip(wanted, *REACH_SD) * sd_px + 0.5)


@compiled
def add_gaussian_spots(
    image: Floats, x_px: Floats, y_px: Floats, sd_px: Floats, electrons: Floats
) -> None:
    """Add pixel-integrated Gaussian spots to an image, in place.

    Parameters
    ----------
    image : ndarray, (height, width)
        Expected electrons.
    x_px, y_px, sd_px, electrons : ndarray, (n,)
        Centre, sd and total of each spot; cut where a pixel gets `FAINTEST_E`, but at 4 to 5.5 sd
        (3e-4 to 3e-7 of the light).
    """
    height, width = image.shape
    along_x, along_y = np.empty(width), np.empty(height)
    for i in range(len(x_px)):
        peak_e = electrons[i] / (2 * math.pi * sd_px[i] ** 2)
        wanted = math.sqrt(2 * math.log(max(peak_e / FAINTEST_E, 1.0)))
        reach = min(max(wanted, REACH_SD[0]), REACH_SD[1]) * sd_px[i] + 0.5
        x0 = max(0, math.ceil(x_px[i] - reach))
        y0 = max(0, math.ceil(y_px[i] - reach))
        n_x = min(width - 1, math.floor(x_px[i] + reach)) - x0 + 1
        n_y = min(height - 1, math.floor(y_px[i] + reach)) - y0 + 1
        if n_x <= 0 or n_y <= 0:
            continue
        scale = 1.0 / (math.sqrt(2.0) * sd_px[i])
        below = math.erf((x0 - 0.5 - x_px[i]) * scale)
        for ix in range(n_x):
            above = math.erf((x0 + ix + 0.5 - x_px[i]) * scale)
            along_x[ix] = 0.5 * (above - below)
            below = above
        below = math.erf((y0 - 0.5 - y_px[i]) * scale)
        for iy in range(n_y):
            above = math.erf((y0 + iy + 0.5 - y_px[i]) * scale)
            along_y[iy] = 0.5 * (above - below) * electrons[i]
            below = above
        for iy in range(n_y):
            row = image[y0 + iy, x0 : x0 + n_x]
            value = along_y[iy]
            for ix in range(n_x):
                row[ix] += value * along_x[ix]


@compiled
def add_tabulated_spots(
    image: Floats,
    x_px: Floats,
    y_px: Floats,
    plane: NDArray[np.int64],
    electrons: Floats,
    share: NDArray[np.float32],
    radius_px: NDArray[np.int64],
    oversampling: int,
) -> None:
    """Add spots from a table of pixel-integrated PSFs to an image, in place.

    Parameters
    ----------
    image : ndarray, (height, width)
        Expected electrons.
    x_px, y_px, electrons : ndarray, (n,)
        Centre and total of each spot.
    plane : ndarray, (n,)
        Plane of the table.
    share, radius_px, oversampling
        See `evsize.simulation.optics.RingTable`.

    Notes
    -----
    Linear interpolation between sub-pixel shifts keeps the sum over pixels at one.
    """
    height, width = image.shape
    last = share.shape[2] - 1
    point, part = np.empty(width, np.int64), np.empty(width)
    line = np.empty(share.shape[2])
    for i in range(len(x_px)):
        table = share[plane[i]]
        reach = radius_px[plane[i]] + 1
        x0 = max(0, math.ceil(x_px[i] - reach))
        y0 = max(0, math.ceil(y_px[i] - reach))
        n_x = min(width - 1, math.floor(x_px[i] + reach)) - x0 + 1
        n_y = min(height - 1, math.floor(y_px[i] + reach)) - y0 + 1
        if n_x <= 0 or n_y <= 0:
            continue
        for ix in range(n_x):
            u = abs(x0 + ix - x_px[i]) * oversampling
            point[ix] = min(int(u), last - 1)
            part[ix] = min(u - point[ix], 1.0)
        n_points = min((reach + 1) * oversampling, last) + 1
        for iy in range(n_y):
            v = abs(y0 + iy - y_px[i]) * oversampling
            j = min(int(v), last - 1)
            b = min(v - j, 1.0)
            above, below = table[j, :n_points], table[j + 1, :n_points]
            for k in range(n_points):
                line[k] = electrons[i] * ((1 - b) * above[k] + b * below[k])
            row = image[y0 + iy, x0 : x0 + n_x]
            for ix in range(n_x):
                at = point[ix]
                row[ix] += line[at] + part[ix] * (line[at + 1] - line[at])


@compiled
def expose(
    electrons: Floats,
    grey: NDArray[Any],
    uniform: Floats,
    bright: NDArray[np.int64],
    read_noise_e: Floats,
    cumulative: Floats,
    guide: NDArray[np.int16],
    gain_e: float,
    offset: float,
    white_level: int,
) -> None:
    """Turn expected electrons into grey levels, in place.

    Parameters
    ----------
    electrons : ndarray, (pixels,)
        Expected photo-electrons, background included.
    grey : ndarray of uint8 or uint16, (pixels,)
        Filled with round(offset + (Poisson + read noise) / gain), clipped to 0 and `white_level`.
    uniform, read_noise_e : ndarray, (pixels,)
        Uniform random numbers, and the read noise in electrons.
    bright : ndarray
        Poisson numbers of the pixels whose mean is beyond the table, in their order.
    cumulative : ndarray, (means, counts)
        Poisson distribution functions of the means 0, 1, 2, ...; one in the last column.
    guide : ndarray, (means, intervals)
        Smallest count to which a probability at the start of each interval may lead.
    gain_e, offset, white_level
        See `evsize.simulation.scene.Camera`.

    Notes
    -----
    A Poisson number of mean k + r is the sum of independent ones of means k (from the table) and
    r (by inversion): exact. The place of the uniform number within the table's step is uniform
    again and serves the second.
    """
    next_bright = 0
    for i in range(len(electrons)):
        whole = int(electrons[i])
        if whole >= cumulative.shape[0]:
            count = bright[next_bright]
            next_bright += 1
        else:
            place = uniform[i]
            count = guide[whole, int(place * guide.shape[1])]
            while cumulative[whole, count] <= place:
                count += 1
            rest = electrons[i] - whole
            if rest > 0:
                below = cumulative[whole, count - 1] if count > 0 else 0.0
                place = (place - below) / (cumulative[whole, count] - below)
                term = math.exp(-rest)
                total = term
                extra = 0
                while place >= total and extra < 60:
                    extra += 1
                    term *= rest / extra
                    total += term
                count += extra
        level = math.floor(offset + (count + read_noise_e[i]) / gain_e + 0.5)
        grey[i] = min(max(level, 0), white_level)

"""Compiled loops over pixels: spots into an image, electrons into grey levels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from evsize.results import Floats

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile with numba, cached on disk."""
    return cast("F", numba.njit(cache=True, nogil=True)(function))


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
        Centre, sd and total of each spot; cut at five sd (1e-6 of the light).
    """
    height, width = image.shape
    along_x, along_y = np.empty(width), np.empty(height)
    for i in range(len(x_px)):
        reach = 5.0 * sd_px[i] + 0.5
        x0 = max(0, math.ceil(x_px[i] - reach))
        x1 = min(width - 1, math.floor(x_px[i] + reach))
        y0 = max(0, math.ceil(y_px[i] - reach))
        y1 = min(height - 1, math.floor(y_px[i] + reach))
        if x0 > x1 or y0 > y1:
            continue
        scale = 1.0 / (math.sqrt(2.0) * sd_px[i])
        below = math.erf((x0 - 0.5 - x_px[i]) * scale)
        for ix in range(x0, x1 + 1):
            above = math.erf((ix + 0.5 - x_px[i]) * scale)
            along_x[ix] = 0.5 * (above - below)
            below = above
        below = math.erf((y0 - 0.5 - y_px[i]) * scale)
        for iy in range(y0, y1 + 1):
            above = math.erf((iy + 0.5 - y_px[i]) * scale)
            along_y[iy] = 0.5 * (above - below) * electrons[i]
            below = above
        for iy in range(y0, y1 + 1):
            row = image[iy]
            value = along_y[iy]
            for ix in range(x0, x1 + 1):
                row[ix] += value * along_x[ix]


@compiled
def add_tabulated_spots(
    image: Floats,
    x_px: Floats,
    y_px: Floats,
    plane: Floats,
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
        Defocus in planes of the table, with its fraction.
    share, radius_px, oversampling
        See `evsize.simulation.optics.RingTable`.

    Notes
    -----
    Linear interpolation between sub-pixel shifts keeps the sum over pixels at one.
    """
    height, width = image.shape
    last = share.shape[1] - 1
    for i in range(len(x_px)):
        low = min(int(plane[i]), share.shape[0] - 2)
        part = min(plane[i] - low, 1.0)
        reach = radius_px[low + 1] + 1
        x0 = max(0, math.ceil(x_px[i] - reach))
        x1 = min(width - 1, math.floor(x_px[i] + reach))
        y0 = max(0, math.ceil(y_px[i] - reach))
        y1 = min(height - 1, math.floor(y_px[i] + reach))
        for iy in range(y0, y1 + 1):
            v = abs(iy - y_px[i]) * oversampling
            j = int(v)
            if j >= last:
                continue
            b = v - j
            for ix in range(x0, x1 + 1):
                u = abs(ix - x_px[i]) * oversampling
                k = int(u)
                if k >= last:
                    continue
                a = u - k
                near = (1 - b) * ((1 - a) * share[low, j, k] + a * share[low, j, k + 1]) + b * (
                    (1 - a) * share[low, j + 1, k] + a * share[low, j + 1, k + 1]
                )
                far = (1 - b) * (
                    (1 - a) * share[low + 1, j, k] + a * share[low + 1, j, k + 1]
                ) + b * ((1 - a) * share[low + 1, j + 1, k] + a * share[low + 1, j + 1, k + 1])
                image[iy, ix] += electrons[i] * ((1 - part) * near + part * far)


@compiled
def draw_poisson(mean: float, cumulative: Floats, rng: np.random.Generator) -> int:
    """Draw one Poisson number: table for the whole part of the mean, inversion for the rest.

    A Poisson number of mean k + r is the sum of independent ones of means k and r: exact.
    """
    whole = int(mean)
    if whole >= cumulative.shape[0]:
        return int(rng.poisson(mean))
    count = 0
    if whole > 0:
        uniform = rng.random()
        # Start where the table's mean is and walk to the wanted step.
        count = whole
        while count > 0 and cumulative[whole, count - 1] > uniform:
            count -= 1
        while count < cumulative.shape[1] - 1 and cumulative[whole, count] <= uniform:
            count += 1
    rest = mean - whole
    if rest > 0:
        uniform = rng.random()
        term = math.exp(-rest)
        total = term
        extra = 0
        while uniform >= total and extra < 60:
            extra += 1
            term *= rest / extra
            total += term
        count += extra
    return count


@compiled
def expose(
    electrons: Floats,
    grey: NDArray[Any],
    cumulative: Floats,
    read_noise_e: float,
    gain_e: float,
    offset: float,
    white_level: int,
    rng: np.random.Generator,
) -> None:
    """Turn expected electrons into grey levels, in place.

    Parameters
    ----------
    electrons : ndarray, (height, width)
        Expected photo-electrons, background included.
    grey : ndarray of uint8 or uint16, (height, width)
        Filled with round(offset + (Poisson + normal) / gain), clipped to 0 and `white_level`.
    cumulative : ndarray, (means, counts)
        Poisson distribution functions of the means 0, 1, 2, ...
    read_noise_e, gain_e, offset, white_level
        See `evsize.simulation.scene.Camera`.
    rng : Generator
        Source of the noise.
    """
    height, width = electrons.shape
    for iy in range(height):
        for ix in range(width):
            value = float(draw_poisson(electrons[iy, ix], cumulative, rng))
            if read_noise_e > 0:
                value += read_noise_e * rng.standard_normal()
            level = math.floor(offset + value / gain_e + 0.5)
            grey[iy, ix] = min(max(level, 0), white_level)

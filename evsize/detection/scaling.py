"""Background and noise taken out of a frame in one pass over its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evsize.detection.median import median

Image = NDArray[np.float32]

BIN_PX = 8
CELL_SAMPLES = 6
HELD_AT = 2.5
# standard deviation of a normal variable held (not cut) at 2.5 of its standard deviations
HELD_SD = 0.9887


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fit_level(
    frame: NDArray[Any], pattern: Image, contrast: Image, step: int, noise: float
) -> tuple[float, float]:
    """Offset and slope of a frame against the fixed pattern, by clipped least squares.

    Parameters
    ----------
    frame : ndarray, (height, width)
        One frame, grey levels.
    pattern, contrast : ndarray of float32
        Every ``step``-th pixel of the fixed pattern, and the same about its median; a contrast
        of zeros leaves the slope 0.
    step : int
        Distance of the pixels used.
    noise : float
        Standard deviation of one pixel, grey levels.

    Returns
    -------
    tuple of float
        ``frame = pattern + offset + slope contrast`` where there are no particles.
    """
    rows, cols = pattern.shape
    coarse = np.empty(((rows + 3) // 4) * ((cols + 3) // 4))
    n = 0
    for i in range(0, rows, 4):
        for j in range(0, cols, 4):
            coarse[n] = frame[i * step, j * step] - pattern[i, j]
            n += 1
    offset = median(coarse[:n])
    spread = 1.4826 * median(np.abs(coarse[:n] - offset))
    slope = 0.0
    mean_contrast, var_contrast = 0.0, 0.0
    for i in range(rows):
        for j in range(cols):
            mean_contrast += contrast[i, j]
            var_contrast += contrast[i, j] ** 2
    mean_contrast /= rows * cols
    var_contrast = var_contrast / (rows * cols) - mean_contrast**2
    for iteration in range(4):
        limit = 3.0 * max(noise, spread if iteration < 2 else 0.0)
        total, cross = 0.0, 0.0
        for i in range(rows):
            for j in range(cols):
                rest = frame[i * step, j * step] - pattern[i, j] - offset - slope * contrast[i, j]
                rest = min(max(rest, -limit), limit)
                total += rest
                cross += rest * (contrast[i, j] - mean_contrast)
        change = 0.0
        if var_contrast > 0.0:
            change = cross / (rows * cols) / var_contrast
            slope += change
        offset += total / (rows * cols) - change * mean_contrast
    return offset, slope


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fit_slope(
    frame: NDArray[Any],
    places: NDArray[np.int64],
    known: tuple[NDArray[np.float32], NDArray[np.float32]],
    offset: float,
) -> float:
    """Slope of a frame against the pixels in which the fixed pattern stands out most.

    Parameters
    ----------
    frame : ndarray, (height, width)
        One frame, grey levels.
    places : ndarray of int, (2, n)
        Rows and columns of those pixels.
    known : tuple of ndarray of float32, (n,)
        Their level in the pattern, and the same about its median.
    offset : float
        Of the frame, grey levels.

    Returns
    -------
    float
        By least squares without what is off by more than three spreads (a particle).
    """
    level, contrast = known
    n = level.size
    rest = np.empty(n)
    slope = 0.0
    for _ in range(3):
        for k in range(n):
            rest[k] = frame[places[0, k], places[1, k]] - level[k] - offset - slope * contrast[k]
        limit = 3.0 * 1.4826 * median(np.abs(rest)) + 0.5
        cross, square = 0.0, 0.0
        for k in range(n):
            if abs(rest[k]) < limit:
                cross += rest[k] * contrast[k]
                square += contrast[k] ** 2
        if square > 0.0:
            slope += cross / square
    return slope


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def scale_pixels(
    frame: NDArray[Any],
    pattern: Image,
    per_noise: Image,
    level: tuple[float, float],
    out: Image,
    bins: Image,
) -> None:
    """Write ``(frame - pattern at its level) / noise`` to ``out``, its means to ``bins``.

    ``level`` is offset and gain of the pattern, ``per_noise`` one over the noise of each pixel;
    a bin is the mean of `BIN_PX` x `BIN_PX` pixels, of those there are where the frame is smaller.
    """
    height, width = frame.shape
    ny, nx = bins.shape
    tall, wide = min(BIN_PX, height), min(BIN_PX, width)
    offset, gain = np.float32(level[0]), np.float32(level[1])
    total = np.zeros(width, np.float32)
    for y in range(height):
        source, fixed, unit, line = frame[y], pattern[y], per_noise[y], out[y]
        for x in range(width):
            value = (np.float32(source[x]) - offset - gain * fixed[x]) * unit[x]
            line[x] = value
            total[x] += value
        if y % tall == tall - 1 and y // tall < ny:
            for k in range(nx):
                part = np.float32(0)
                for x in range(k * wide, (k + 1) * wide):
                    part += total[x]
                bins[y // tall, k] = part / np.float32(tall * wide)
            total[:] = 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sort_short(values: NDArray[np.float32]) -> None:
    """Sort a short array in place, by insertion."""
    for i in range(1, values.size):
        value = values[i]
        j = i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sample_cells(image: Image, grid: Image) -> None:
    """Rough background of each cell of a grid: the mean of samples, those far off held back.

    Parameters
    ----------
    image : ndarray of float32, (height, width)
        Frame without pattern, in units of the pixel noise.
    grid : ndarray of float32, (cells down, cells across)
        Receives the background of each cell.
    """
    ny, nx = grid.shape
    height, width = image.shape
    n = CELL_SAMPLES
    limit = np.float32(HELD_AT)
    values, ordered = np.empty(n * n, np.float32), np.empty(n * n, np.float32)
    for cy in range(ny):
        for cx in range(nx):
            for i in range(n):
                y = int((cy * n + i + 0.5) * height / (ny * n))
                for j in range(n):
                    x = int((cx * n + j + 0.5) * width / (nx * n))
                    values[i * n + j] = ordered[i * n + j] = image[y, x]
            sort_short(ordered)
            middle = 0.5 * (ordered[n * n // 2 - 1] + ordered[n * n // 2])
            total = 0.0
            for k in range(n * n):
                total += min(max(values[k] - middle, -limit), limit)
            grid[cy, cx] = np.float32(middle + total / (n * n))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def held_spread(rest: NDArray[np.float32], noise: float) -> float:
    """Standard deviation of samples, those beyond `HELD_AT` deviations held there.

    The search starts at ``noise`` and stays within a factor of 2 of it.
    """
    spread = noise
    for _ in range(6):
        limit = HELD_AT * spread
        total, square = 0.0, 0.0
        for k in range(rest.size):
            value = min(max(rest[k], -limit), limit)
            total += value
            square += value * value
        mean = total / rest.size
        spread = np.sqrt(max(square / rest.size - mean * mean, 0.0)) / HELD_SD
        spread = min(max(spread, 0.5 * noise), 2.0 * noise)
    return spread


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def subtract_surface(image: Image, surface: Image, factor: Image, half: Image) -> None:
    """Subtract a surface and multiply by a factor, in place.

    Parameters
    ----------
    image : ndarray of float32, (height, width)
    surface, factor : ndarray of float32, (rows, width)
        Of so many rows, evenly spaced; between them they are linear.
    half : ndarray of float32
        Receives the sums of 2 x 2 pixels of the result over two: again in units of their noise.
        An odd last row or column is left out.
    """
    height, width = image.shape
    ny = surface.shape[0]
    for y in range(height):
        at = min(max((y + 0.5) * ny / height - 0.5, 0.0), ny - 1.0)
        top = min(int(at), max(ny - 2, 0))
        bottom = min(top + 1, ny - 1)
        below = np.float32(at - top)
        above = np.float32(1) - below
        upper, lower, line = surface[top], surface[bottom], image[y]
        first, second = factor[top], factor[bottom]
        for x in range(width):
            rest = line[x] - upper[x] * above - lower[x] * below
            line[x] = rest * (first[x] * above + second[x] * below)
        if y % 2 == 1:
            halve_rows(image[y - 1], line, half[y // 2])


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def halve_rows(
    upper: NDArray[np.float32], lower: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Half the sum of each 2 x 2 pixels of two rows."""
    for x in range(min(out.size, upper.size // 2)):
        pair = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1]
        out[x] = np.float32(0.5) * pair


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def halve(image: Image, half: Image) -> None:
    """Half the sum of each 2 x 2 pixels: of an image of unit noise, one of unit noise."""
    for y in range(min(half.shape[0], image.shape[0] // 2)):
        halve_rows(image[2 * y], image[2 * y + 1], half[y])

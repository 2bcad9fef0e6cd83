"""Centre, width and brightness of spots by Gaussian-weighted moments."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ITERATIONS = 12
CLOSE_PX = 0.005
# of drawn smears: these keep spots at rest within 1.2 of the bound and the trend towards the
# brightest part of a smear below a tenth from an SNR of 30 on
SMEAR_SIGNIFICANCE = 4.0
SMEAR_HALF_TRUST_SNR = 10.0
SMEAR_REACH = 10.0


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _weighted_sums(
    window: NDArray[np.float32], dy: float, dx: float, weight_sd: float, sums: Floats
) -> None:
    """Sums over a window of g I (1, x, y, xx, xy, yy), g a Gaussian centred at (dy, dx).

    Coordinates count from the middle of the window, those in the moments from (dy, dx).
    """
    size_y, size_x = window.shape
    middle_y, middle_x = size_y // 2, size_x // 2
    gx = np.empty(size_x)
    for j in range(size_x):
        gx[j] = math.exp(-0.5 * ((j - middle_x - dx) / weight_sd) ** 2)
    sums[:] = 0.0
    for i in range(size_y):
        y = i - middle_y - dy
        r0, r1, r2 = 0.0, 0.0, 0.0
        for j in range(size_x):
            x = j - middle_x - dx
            v = window[i, j] * gx[j]
            r0 += v
            r1 += v * x
            r2 += v * x * x
        gy = math.exp(-0.5 * (y / weight_sd) ** 2)
        sums[0] += gy * r0
        sums[1] += gy * r1
        sums[2] += gy * y * r0
        sums[3] += gy * r2
        sums[4] += gy * y * r1
        sums[5] += gy * y * y * r0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _settle(
    window: NDArray[np.float32],
    start: tuple[float, float],
    sds: tuple[float, float],
    reach: float,
    sums: Floats,
) -> tuple[float, float, bool]:
    """Iterate the weight on to the weighted mean; (dy, dx) from the middle, and whether it held.

    ``sds`` are those of the weight and, roughly, of the spot: a Gaussian spot off by d has the
    weighted mean d w^2 / (w^2 + s^2), so the step is lengthened by the inverse.
    """
    weight_sd, spot_sd = sds
    dy, dx = start
    gain = 1.0 + (spot_sd / weight_sd) ** 2
    for _ in range(ITERATIONS):
        _weighted_sums(window, dy, dx, weight_sd, sums)
        if sums[0] <= 0.0:
            return start[0], start[1], False
        sx, sy = gain * sums[1] / sums[0], gain * sums[2] / sums[0]
        longest = max(abs(sx), abs(sy))
        if longest > spot_sd:
            sx, sy = sx * spot_sd / longest, sy * spot_sd / longest
        dx += sx
        dy += sy
        if (dx - start[1]) ** 2 + (dy - start[0]) ** 2 > reach * reach:
            return start[0], start[1], False
        if longest < CLOSE_PX:
            break
    return dy, dx, True


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _own_variance(sums: Floats, weight_sd: float, largest: float) -> tuple[float, float, float]:
    """Variance of the spot itself, an axis (yy, xx) and along its longest direction, px^2.

    Product of two Gaussians: 1/moment = 1/weight^2 + 1/spot^2.
    """
    w2 = weight_sd**2
    cap = 0.9 * w2
    mxx, mxy, myy = sums[3] / sums[0], sums[4] / sums[0], sums[5] / sums[0]
    half = 0.5 * (mxx + myy)
    spread = math.sqrt(0.25 * (mxx - myy) ** 2 + mxy * mxy)
    long = min(max(half + spread, 0.02), cap)
    mxx, myy = min(max(mxx, 0.02), cap), min(max(myy, 0.02), cap)
    own = 1.0 / (1.0 / long - 1.0 / w2)
    oxx, oyy = 1.0 / (1.0 / mxx - 1.0 / w2), 1.0 / (1.0 / myy - 1.0 / w2)
    top = largest * largest
    return min(oyy, top), min(oxx, top), min(own, top)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _cut_window(
    scaled: NDArray[np.float32], row: int, col: int, radius: int
) -> NDArray[np.float32]:
    """Square around a pixel, zero beyond the border."""
    height, width = scaled.shape
    window = np.zeros((2 * radius + 1, 2 * radius + 1), np.float32)
    for i in range(max(row - radius, 0), min(row + radius + 1, height)):
        for j in range(max(col - radius, 0), min(col + radius + 1, width)):
            window[i - row + radius, j - col + radius] = scaled[i, j]
    return window


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _subtract_neighbour(
    window: NDArray[np.float32], dy: float, dx: float, flux: float, own: tuple[float, float]
) -> None:
    """Take a Gaussian at (dy, dx) from the middle out of a window; ``own`` its variances y, x."""
    size_y, size_x = window.shape
    top = flux / (2 * math.pi * math.sqrt(own[0] * own[1]))
    gx = np.empty(size_x)
    for j in range(size_x):
        gx[j] = math.exp(-0.5 * (j - size_x // 2 - dx) ** 2 / own[1])
    for i in range(size_y):
        gy = top * math.exp(-0.5 * (i - size_y // 2 - dy) ** 2 / own[0])
        if gy > 1e-3:
            for j in range(size_x):
                window[i, j] -= np.float32(gy * gx[j])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _weight_for(long: float, snr: float, widths: tuple[float, float, float]) -> float:
    """Standard deviation of the weight for a spot of variance ``long`` along its longest axis.

    Only what lies beyond the measuring error of a spot at rest counts as smear; of faint spots it
    is followed by halves, since a wide weight gathers noise.
    """
    spot_sd, rest_weight, widest = widths
    beyond = long - spot_sd**2 * (1.0 + SMEAR_SIGNIFICANCE / snr)
    if beyond <= 0.0:
        return rest_weight
    trust = 1.0 / (1.0 + (SMEAR_HALF_TRUST_SNR / snr) ** 2)
    return min(math.sqrt(rest_weight**2 + SMEAR_REACH * trust * beyond), widest)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def measure_spots(
    scaled: NDArray[np.float32],
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    snr: Floats,
    widths: tuple[float, float, float],
) -> Floats:
    """Measure each spot, first as if alone, then without its neighbours and as wide as it is.

    Parameters
    ----------
    scaled : ndarray of float32, (height, width)
        Frame without background in units of the pixel noise.
    places : tuple of ndarray
        Rows and columns of the maxima; rows must not decrease.
    snr : ndarray, (n,)
        Matched-filter amplitudes.
    widths : tuple of float
        Standard deviation of a spot at rest, of the weight for such a spot, and the largest
        standard deviation of a weight, px.

    Returns
    -------
    ndarray, (n, 6)
        Row and column of the centre, flux, variances of the spot along rows and columns (px^2),
        standard error of a coordinate from white noise (px).

    Notes
    -----
    The fixed point of the Gaussian-weighted mean. With a weight as wide as the spot it is the
    least-squares position of a Gaussian; a wider weight sees more noise, ((w^2 + s^2)/(2 w s))^2
    of that error, and moves on towards the plain centre of mass, which of a smear is the position
    averaged over the exposure. So the weight grows with what the spot shows beyond one at rest.
    """
    spot_sd, rest_weight, widest = widths
    n = snr.size
    out = np.empty((n, 6))
    sums = np.empty(6)
    radius = math.ceil(2.5 * rest_weight)
    long = np.empty(n)
    for k in range(n):
        row, col = places[0][k], places[1][k]
        window = _cut_window(scaled, row, col, radius)
        dy, dx, good = _settle(window, (0.0, 0.0), (rest_weight, spot_sd), rest_weight, sums)
        _weighted_sums(window, dy, dx, rest_weight, sums)
        out[k, 0], out[k, 1] = row + dy, col + dx
        _describe(out[k], sums, rest_weight, widest)
        long[k] = _own_variance(sums, rest_weight, widest)[2] if good else spot_sd**2
    first = out.copy()
    for k in range(n):
        row, col = places[0][k], places[1][k]
        weight_sd = _weight_for(long[k], snr[k], widths)
        radius = math.ceil(2.5 * weight_sd)
        window = _cut_window(scaled, row, col, radius)
        crowded = False
        for step in (-1, 1):
            j = k + step
            while 0 <= j < n and abs(places[0][j] - row) <= 2 * radius:
                if abs(places[1][j] - col) <= 2 * radius:
                    crowded = True
                    _subtract_neighbour(
                        window,
                        first[j, 0] - row,
                        first[j, 1] - col,
                        first[j, 2],
                        (first[j, 3], first[j, 4]),
                    )
                j += step
        if not crowded and weight_sd == rest_weight:
            continue
        start = (first[k, 0] - row, first[k, 1] - col)
        width_sd = math.sqrt(0.5 * (first[k, 3] + first[k, 4]))
        dy, dx, good = _settle(window, start, (weight_sd, width_sd), weight_sd, sums)
        if good:
            _weighted_sums(window, dy, dx, weight_sd, sums)
            out[k, 0], out[k, 1] = row + dy, col + dx
            _describe(out[k], sums, weight_sd, widest)
    return out


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _describe(spot: Floats, sums: Floats, weight_sd: float, widest: float) -> None:
    """Fill in flux, variances and standard error from the weighted sums."""
    if sums[0] <= 0.0:
        spot[2], spot[3], spot[4], spot[5] = 0.0, 1.0, 1.0, weight_sd
        return
    w2 = weight_sd**2
    vyy, vxx, _ = _own_variance(sums, weight_sd, widest)
    spot[2] = sums[0] * math.sqrt((w2 + vyy) * (w2 + vxx)) / w2
    spot[3], spot[4] = vyy, vxx
    # noise of the first moment, sqrt(pi/2) w^2, over its change with the position of the spot,
    # sum w^2 / (w^2 + s^2)
    spot[5] = math.sqrt(0.5 * math.pi) * (w2 + 0.5 * (vyy + vxx)) / sums[0]

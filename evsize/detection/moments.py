"""Centre, width and brightness of spots by Gaussian-weighted moments."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evsize.detection.peaks import have_neighbour

Floats = NDArray[np.float64]

ITERATIONS = 10
CLOSE_PX = 0.01
NEIGHBOUR_TURNS = 3
# of drawn smears: these keep spots at rest within 1.2 of the bound and the trend towards the
# brightest part of a smear below a tenth from an SNR of 30 on
SMEAR_SIGNIFICANCE = 4.0
SMEAR_HALF_TRUST_SNR = 10.0
SMEAR_REACH = 10.0
# one Brownian path in 2,000 is longer than this many of its standard deviations; stronger spots may
# be wide for another reason (defocus), and are seen well enough to tell
SMEAR_LONGEST = 3.0
SMEAR_CERTAIN_SNR = 20.0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _weighted_sums(
    window: NDArray[np.float32], dy: float, dx: float, weight_sd: float, sums: Floats
) -> None:
    """Sums over a window of g I (1, x, y, xx, xy, yy), g a Gaussian centred at (dy, dx).

    Coordinates count from the middle of the window, those in the moments from (dy, dx). All rows
    are summed up side by side, column by column.
    """
    size, padded = window.shape
    middle = size // 2
    rows = np.zeros((3, padded))
    r0, r1, r2 = rows[0], rows[1], rows[2]
    for j in range(size):
        x = j - middle - dx
        gx = math.exp(-0.5 * (x / weight_sd) ** 2)
        column = window[j]
        for i in range(padded):
            v = column[i] * gx
            r0[i] += v
            r1[i] += v * x
            r2[i] += v * x * x
    for k in range(6):
        sums[k] = 0.0
    for i in range(size):
        y = i - middle - dy
        gy = math.exp(-0.5 * (y / weight_sd) ** 2)
        sums[0] += gy * r0[i]
        sums[1] += gy * r1[i]
        sums[2] += gy * y * r0[i]
        sums[3] += gy * r2[i]
        sums[4] += gy * y * r1[i]
        sums[5] += gy * y * y * r0[i]


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
    weighted mean d w^2 / (w^2 + s^2), so the step is lengthened by the inverse. Of a spot that is
    narrower, or hardly wider than a pixel, that is too long: the step is halved where it turns.
    """
    weight_sd, spot_sd = sds
    dy, dx = start
    gain_y = gain_x = 1.0 + (spot_sd / weight_sd) ** 2
    last_y = last_x = 0.0
    for _ in range(ITERATIONS):
        _weighted_sums(window, dy, dx, weight_sd, sums)
        if sums[0] <= 0.0:
            return start[0], start[1], False
        if sums[1] * last_x < 0.0:
            gain_x *= 0.5
        if sums[2] * last_y < 0.0:
            gain_y *= 0.5
        last_x, last_y = sums[1], sums[2]
        sx, sy = gain_x * sums[1] / sums[0], gain_y * sums[2] / sums[0]
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
def _own_variance(
    sums: Floats, weight_sd: float, largest: float
) -> tuple[float, float, float, float]:
    """Variance of the spot itself, an axis (yy, xx), along its longest and its shortest, px^2.

    Product of two Gaussians: 1/moment = 1/weight^2 + 1/spot^2.
    """
    w2 = weight_sd**2
    cap = 0.9 * w2
    mxx, mxy, myy = sums[3] / sums[0], sums[4] / sums[0], sums[5] / sums[0]
    half = 0.5 * (mxx + myy)
    spread = math.sqrt(0.25 * (mxx - myy) ** 2 + mxy * mxy)
    long = min(max(half + spread, 0.02), cap)
    short = min(max(half - spread, 0.02), cap)
    mxx, myy = min(max(mxx, 0.02), cap), min(max(myy, 0.02), cap)
    own, thin = 1.0 / (1.0 / long - 1.0 / w2), 1.0 / (1.0 / short - 1.0 / w2)
    oxx, oyy = 1.0 / (1.0 / mxx - 1.0 / w2), 1.0 / (1.0 / myy - 1.0 / w2)
    top = largest * largest
    return min(oyy, top), min(oxx, top), min(own, top), min(thin, top)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _cut_window(
    scaled: NDArray[np.float32], row: int, col: int, radius: int
) -> NDArray[np.float32]:
    """Square around a pixel, zero beyond the border; its columns first, then its rows.

    Rows of zeros follow, up to a multiple of eight: as many as are summed up at a time.
    """
    height, width = scaled.shape
    window = np.zeros((2 * radius + 1, (2 * radius // 8 + 1) * 8), np.float32)
    for i in range(max(row - radius, 0), min(row + radius + 1, height)):
        for j in range(max(col - radius, 0), min(col + radius + 1, width)):
            window[j - col + radius, i - row + radius] = scaled[i, j]
    return window


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _subtract_neighbour(
    window: NDArray[np.float32], dy: float, dx: float, flux: float, own: tuple[float, float]
) -> None:
    """Take a Gaussian at (dy, dx) from the middle out of a window; ``own`` its variances y, x."""
    size = window.shape[0]
    top = flux / (2 * math.pi * math.sqrt(own[0] * own[1]))
    gx = np.empty(size)
    for j in range(size):
        gx[j] = math.exp(-0.5 * (j - size // 2 - dx) ** 2 / own[1])
    for i in range(size):
        gy = top * math.exp(-0.5 * (i - size // 2 - dy) ** 2 / own[0])
        if gy > 1e-3:
            for j in range(size):
                window[j, i] -= np.float32(gy * gx[j])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _weight_for(long: float, snr: float, widths: tuple[float, float, float, float]) -> float:
    """Standard deviation of the weight for a spot of variance ``long`` along its longest axis.

    Only what lies beyond the measuring error of a spot at rest counts as smear; of faint spots it
    is followed by halves, since a wide weight gathers noise, and no farther than particles move.
    """
    spot_sd, rest_weight, widest, smear_sd = widths
    beyond = long - spot_sd**2 * (1.0 + SMEAR_SIGNIFICANCE / snr)
    if snr < SMEAR_CERTAIN_SNR:
        beyond = min(beyond, (SMEAR_LONGEST * smear_sd) ** 2)
    if beyond <= 0.0:
        return rest_weight
    trust = 1.0 / (1.0 + (SMEAR_HALF_TRUST_SNR / snr) ** 2)
    return min(math.sqrt(rest_weight**2 + SMEAR_REACH * trust * beyond), widest)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _take_out_neighbours(
    window: NDArray[np.float32],
    first: Floats,
    place: tuple[int, float, float],
    reach: float,
    scale: float,
) -> bool:
    """Subtract from the window of spot ``place[0]`` all others within ``reach`` px of its middle.

    ``first`` are first measurements of all spots, by rows, in px of the frame; ``place`` holds
    the number of the spot and the middle of the window there; one pixel of the window is
    ``scale`` px wide. Returns whether there were any.
    """
    k, row, col = place
    found = False
    for step in (-1, 1):
        j = k + step
        while 0 <= j < first.shape[0] and abs(first[j, 0] - row) <= 2 * reach:
            if abs(first[j, 0] - row) <= reach and abs(first[j, 1] - col) <= reach:
                found = True
                own = (first[j, 3] / scale**2, first[j, 4] / scale**2)
                dy, dx = (first[j, 0] - row) / scale, (first[j, 1] - col) / scale
                _subtract_neighbour(window, dy, dx, first[j, 2] / scale, own)
            j += step
    return found


def measure_spots(
    images: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    level: NDArray[np.int64],
    snr: Floats,
    widths: tuple[float, float, float, float],
) -> Floats:
    """Measure each spot, first as if alone, then without its neighbours and as wide as it is.

    Parameters
    ----------
    images : tuple of ndarray of float32, (height, width)
        Frame without background in units of the pixel noise, and smaller ones, pixels averaged
        and again in units of their noise.
    places : tuple of ndarray
        Rows and columns of the maxima, px of the full frame; rows must not decrease.
    level : ndarray of int, (n,)
        Image in which to measure each spot.
    snr : ndarray, (n,)
        Matched-filter amplitudes.
    widths : tuple of float
        Standard deviation of a spot at rest, of the weight for such a spot, largest standard
        deviation of a weight, and that of the smear of the fastest particles, an axis, px of the
        image in which the spot is measured.

    Returns
    -------
    ndarray, (n, 7)
        Row and column of the centre, flux, variances of the spot along rows and columns (px^2),
        standard error of a coordinate from white noise (px), variance along the longest direction
        beyond that across it (px^2).

    Notes
    -----
    The fixed point of the Gaussian-weighted mean. With a weight as wide as the spot it is the
    least-squares position of a Gaussian; a wider weight sees more noise, ((w^2 + s^2)/(2 w s))^2
    of that error, and moves on towards the plain centre of mass, which of a smear is the position
    averaged over the exposure. So the weight grows with what the spot shows beyond one at rest.
    """
    out: Floats
    out, long = _measure_alone(images, places, level, widths)
    near = have_neighbour(out[:, 1], out[:, 0], 4.0 * widths[1])
    _measure_apart(images, places, (level, snr, near), widths, out, long)
    return out


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _measure_alone(
    images: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    level: NDArray[np.int64],
    widths: tuple[float, float, float, float],
) -> tuple[Floats, Floats]:
    """Measure each spot as if alone; also its variance along its longest axis, in its level."""
    spot_sd, rest_weight, widest, _ = widths
    n = level.size
    out, long, sums = np.empty((n, 7)), np.empty(n), np.empty(6)
    small = math.ceil(2.5 * rest_weight)
    for k in range(n):
        image = images[level[k]]
        row, col, scale = _in_level(places[0][k], places[1][k], images[0], image)
        window = _cut_window(image, row, col, small)
        dy, dx, good = _settle(window, (0.0, 0.0), (rest_weight, spot_sd), rest_weight, sums)
        _weighted_sums(window, dy, dx, rest_weight, sums)
        _describe(out[k], sums, rest_weight, widest)
        _to_frame(out[k], row + dy, col + dx, scale)
        long[k] = _own_variance(sums, rest_weight, widest)[2] if good else spot_sd**2
    return out, long


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _measure_apart(
    images: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    spots: tuple[NDArray[np.int64], Floats, NDArray[np.bool_]],
    widths: tuple[float, float, float, float],
    out: Floats,
    long: Floats,
) -> None:
    """Measure them again in place, without their neighbours and as wide as they are.

    ``spots`` are the level of each, its SNR, and whether there may be a neighbour.
    """
    level, snr, near = spots
    _, rest_weight, widest, _ = widths
    n, sums = snr.size, np.empty(6)
    crowded = np.ones(n, np.bool_)
    for turn in range(NEIGHBOUR_TURNS):
        first = out.copy()
        for k in range(n):
            if not crowded[k]:
                continue
            image = images[level[k]]
            row, col, scale = _in_level(places[0][k], places[1][k], images[0], image)
            # between neighbours a spot looks wide: its own width shows once they are taken out
            last = turn == NEIGHBOUR_TURNS - 1 or not near[k]
            weight_sd = _weight_for(long[k], snr[k], widths) if last else rest_weight
            radius = math.ceil(2.5 * weight_sd)
            window = _cut_window(image, row, col, radius)
            middle = (k, (row + 0.5) * scale - 0.5, (col + 0.5) * scale - 0.5)
            crowded[k] = _take_out_neighbours(window, first, middle, 1.5 * radius * scale, scale)
            if turn == 0 and not crowded[k] and weight_sd == rest_weight:
                continue
            y, x = (first[k, 0] + 0.5) / scale - 0.5 - row, (first[k, 1] + 0.5) / scale - 0.5 - col
            width_sd = math.sqrt(0.5 * (first[k, 3] + first[k, 4])) / scale
            dy, dx, good = _settle(window, (y, x), (weight_sd, width_sd), weight_sd, sums)
            if good:
                _weighted_sums(window, dy, dx, weight_sd, sums)
                _describe(out[k], sums, weight_sd, widest)
                _to_frame(out[k], row + dy, col + dx, scale)
                long[k] = _own_variance(sums, weight_sd, widest)[2]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _in_level(
    row: int, col: int, frame: NDArray[np.float32], image: NDArray[np.float32]
) -> tuple[int, int, float]:
    """Return the pixel of a smaller image that holds one of the frame, and its width in px."""
    scale = float(round(frame.shape[0] / image.shape[0]))
    return int((row + 0.5) / scale), int((col + 0.5) / scale), scale


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _to_frame(spot: Floats, row: float, col: float, scale: float) -> None:
    """Enter the centre, and turn flux, variances and error from pixels of a level to the frame."""
    spot[0], spot[1] = (row + 0.5) * scale - 0.5, (col + 0.5) * scale - 0.5
    spot[2] *= scale
    spot[3] *= scale**2
    spot[4] *= scale**2
    spot[5] *= scale
    spot[6] *= scale**2


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _describe(spot: Floats, sums: Floats, weight_sd: float, widest: float) -> None:
    """Fill in flux, variances, standard error and elongation from the weighted sums."""
    if sums[0] <= 0.0:
        spot[2], spot[3], spot[4], spot[5], spot[6] = 0.0, 1.0, 1.0, weight_sd, 0.0
        return
    w2 = weight_sd**2
    vyy, vxx, long, short = _own_variance(sums, weight_sd, widest)
    spot[2] = sums[0] * math.sqrt((w2 + vyy) * (w2 + vxx)) / w2
    spot[3], spot[4], spot[6] = vyy, vxx, long - short
    # noise of the first moment, sqrt(pi/2) w^2, over its change with the position of the spot,
    # sum w^2 / (w^2 + s^2)
    spot[5] = math.sqrt(0.5 * math.pi) * (w2 + 0.5 * (vyy + vxx)) / sums[0]

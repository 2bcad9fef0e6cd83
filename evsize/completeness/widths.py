"""How spots widen and fade away from the focal plane, read from the recording itself.

A spot's brightness over its matched-filter SNR tells its width. Along the track of a particle that
diffuses in depth, width and brightness change together: both go with the square of the depth, so
their ratio ties the defocus to the thickness of the light sheet, whatever the size.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LAGS_BRIGHT = (4, 6, 8)
LAGS = (8, 12, 16)
"""Frames between two positions that are compared: long enough for a change of depth, longer where
noise is large."""
LOWEST_SNR = 5.0
"""Of the neighbours of a position used. Choosing by its own would keep what noise brightened."""
BRIGHT_SNR = 20.0
"""Median along a track from which on the threshold keeps hardly anything out: such tracks are
asked first, all of them only where these know too little."""
TOLD = 0.15
"""Relative error with which the bright tracks have to know."""
WIDEST_BRIGHT = 3.0
WIDEST = 2.2
"""Spread of spot and filter, over that in focus, beyond which wider filters took over."""
WIDTH_NOISE = 1.2
"""Relative error of brightness over SNR, times the SNR."""
LEAST_SIGMAS = 4.0
SHARP = 0.1
SHARP_SD = 1.2816
"""Quantile of the widths taken for the focus, and how far noise alone moves it, in deviations."""


class Widths(NamedTuple):
    """Spots in focus and away from it.

    Attributes
    ----------
    focus_px2 : float
        Variance of a spot in focus, pixel included, px^2.
    fading_per_px2 : float or None
        Fall of ln(brightness) for each px^2 by which defocus widens a spot; None where the
        recording does not tell.
    error_per_px2 : float
        Its standard error.
    """

    focus_px2: float
    fading_per_px2: float | None
    error_per_px2: float


def spot_variance_px2(
    brightness: Floats, snr: Floats, noise: Floats, filter_sd_px: float
) -> Floats:
    """Variance of each spot along an axis, motion included, px^2.

    Parameters
    ----------
    brightness, snr : ndarray, (n,)
        Sum over the spot, and its matched-filter amplitude over its noise.
    noise : ndarray, (n,)
        Noise behind the filter of unit sum of squares, in the units of `brightness`.
    filter_sd_px : float
        Standard deviation of the filter, px.

    Notes
    -----
    A Gaussian spot of variance s^2 and sum F answers a Gaussian filter of width w, whose squares
    sum to 1, with F w / (sqrt(pi) (s^2 + w^2)).
    """
    answered = brightness / (snr * noise)
    return np.asarray(answered * filter_sd_px / np.sqrt(np.pi) - filter_sd_px**2)


def sharp_px2(variance_px2: Floats, snr: Floats, filter_sd_px: float) -> float:
    """Variance of a spot in focus: the low end of the widths of strong spots, noise allowed for."""
    strong = snr >= max(12.0, float(np.median(snr)))
    use = strong if strong.sum() >= 50 else np.ones(len(snr), bool)
    low = float(np.quantile(variance_px2[use], SHARP))
    noise = WIDTH_NOISE / float(np.median(snr[use]))
    total = (low + filter_sd_px**2) / max(1 - SHARP_SD * noise, 0.5)
    return max(total - filter_sd_px**2, 0.2)


def fading(
    track: Ints,
    frame: Ints,
    log_brightness: Floats,
    variance_px2: Floats,
    snr: Floats,
    widest_px2: float,
    lags: Sequence[int] = LAGS,
) -> tuple[float | None, float]:
    """Fall of ln(brightness) with the variance of the spot, along tracks, and its error.

    Parameters
    ----------
    track, frame : ndarray of int, (n,)
        Sorted by track, then frame.
    log_brightness, variance_px2, snr : ndarray, (n,)
        Of each position.
    widest_px2 : float
        Variance beyond which neighbours are not used.
    lags : sequence of int
        Frames between the positions compared.

    Notes
    -----
    Instrumental variables: the change from one position to another is regressed with the change
    between the frame before the one and the frame after the other. The noise of single frames
    (photons, the particle's path within the exposure) then drops out.
    """
    key = track * (int(frame.max(initial=0)) + 100) + frame

    def at(wanted: Ints) -> Ints:
        place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        return np.where(key[place] == wanted, place, -1)

    if len(key) < 100:
        return None, np.inf
    parts = []
    for lag in lags:
        four = np.stack([np.arange(len(key)), at(key + lag), at(key - 1), at(key + lag + 1)])
        a, b, before, after = four[:, (four >= 0).all(axis=0)]
        use = np.minimum(snr[before], snr[after]) > LOWEST_SNR
        use &= np.maximum(variance_px2[before], variance_px2[after]) < widest_px2
        a, b, before, after = (rows[use] for rows in (a, b, before, after))
        parts.append(
            (
                variance_px2[after] - variance_px2[before],
                variance_px2[b] - variance_px2[a],
                log_brightness[b] - log_brightness[a],
                track[a],
            )
        )
    told, wider, brighter, owner = (np.concatenate(part) for part in zip(*parts, strict=True))
    if len(np.unique(owner)) < 20:
        return None, np.inf
    told = np.clip(told, -3 * np.std(told), 3 * np.std(told))
    common = float(told @ wider)
    slope = float(told @ brighter) / common
    # positions of one track are not independent: the error is that of sums over tracks
    each = np.bincount(owner, told * (brighter - slope * wider))
    error = float(np.sqrt((each**2).sum()) / abs(common))
    if common <= 0 or slope > -LEAST_SIGMAS * error:
        return None, error
    return -slope, error


def measure_widths(
    track: Ints,
    frame: Ints,
    brightness: Floats,
    snr: Floats,
    variance_px2: Floats,
    filter_sd_px: float,
) -> Widths:
    """Focus and defocus from good positions (unsaturated, alone, inside), motion taken off."""
    focus = sharp_px2(variance_px2, snr, filter_sd_px)
    total = focus + filter_sd_px**2
    light = np.log(brightness)
    bright = _median_along(track, snr) > BRIGHT_SNR
    slope, error = fading(
        track[bright],
        frame[bright],
        light[bright],
        variance_px2[bright],
        snr[bright],
        WIDEST_BRIGHT * total - filter_sd_px**2,
        LAGS_BRIGHT,
    )
    if slope is None or error > TOLD * slope:
        widest = WIDEST * total - filter_sd_px**2
        slope, error = fading(track, frame, light, variance_px2, snr, widest)
    return Widths(focus, slope, error)


def _median_along(track: Ints, values: Floats) -> Floats:
    """Median over the track of each position; sorted by track."""
    bounds = np.flatnonzero(np.diff(track, prepend=-1, append=track.max(initial=0) + 1))
    medians = [np.median(values[a:b]) for a, b in pairwise(bounds)]
    return np.repeat(np.asarray(medians, np.float64), np.diff(bounds))

"""How spots widen and fade away from the focal plane, read from the recording itself.

A spot's brightness over its matched-filter SNR tells its width. Along the track of a particle that
diffuses in depth, brightness and SNR change together: where spots widen the SNR falls faster than
the brightness, whatever the size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LAGS = (4, 8, 12)
"""Frames between two positions that are compared: long enough for a change of depth."""
LOWEST_SNR = 5.0
"""Of the neighbours of a position used. Choosing by its own would keep what noise brightened."""
JUMP, JUMP_NOISES = 0.4, 2.0
"""Change of ln(brightness) from one position to the next, and noises more, at which a track may
have gone over to another particle: nothing is compared across it. A few such tracks outweigh all
others, as brightness changes most in them."""
TRACKS_ALIKE = 2.0
"""Tracks that tell as much as one: a particle comes back, and leaves several."""
FEWEST_TRACKS = 20
LARGEST_ERROR = 0.3
WIDEST = 2.2
"""Spread of spot and filter, over that in focus, beyond which wider filters took over."""
WIDTH_NOISE = 1.2
"""Relative error of brightness over SNR, times the SNR."""
SHARP = 0.1
SHARP_SD = 1.2816
"""Quantile of the widths taken for the focus, and how far noise alone moves it, in deviations."""


class Widths(NamedTuple):
    """Spots in focus and away from it.

    Attributes
    ----------
    focus_px2 : float
        Variance of a spot in focus, pixel included, px^2.
    fall : float or None
        Fall of ln(SNR) with ln(brightness) away from the focus; None where the recording does not
        tell.
    fall_se : float
        Its standard error.
    """

    focus_px2: float
    fall: float | None
    fall_se: float


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


def fall(
    track: Ints,
    frame: Ints,
    log_brightness: Floats,
    log_snr: Floats,
    lags: Sequence[int] = LAGS,
) -> tuple[float | None, float]:
    """How much ln(SNR) falls with ln(brightness) along tracks, and its error.

    Parameters
    ----------
    track, frame : ndarray of int, (n,)
        Sorted by track, then frame.
    log_brightness, log_snr : ndarray, (n,)
        Of each position.
    lags : sequence of int
        Frames between the positions compared.

    Returns
    -------
    float or None, float
        1 where spots keep their width, more where they widen as they fade; None where the
        recording does not tell.

    Notes
    -----
    Instrumental variables: the change from one position to another is regressed with the change
    between the frame before the one and the frame after the other. The noise of single frames
    (photons, the particle's path within the exposure) then drops out.
    """
    key = track * (int(frame.max(initial=0)) + 100) + frame
    noise = np.hypot(np.exp(-log_snr[1:]), np.exp(-log_snr[:-1]))
    jumps = np.zeros(len(key), np.int64)
    jumps[1:] = np.cumsum(np.abs(np.diff(log_brightness)) > JUMP + JUMP_NOISES * noise)

    def at(wanted: Ints) -> Ints:
        place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        return np.where(key[place] == wanted, place, -1)

    if len(key) < 100:
        return None, np.inf
    parts = []
    for lag in lags:
        four = np.stack([np.arange(len(key)), at(key + lag), at(key - 1), at(key + lag + 1)])
        a, b, before, after = four[:, (four >= 0).all(axis=0)]
        use = np.minimum(log_snr[before], log_snr[after]) > np.log(LOWEST_SNR)
        use &= jumps[before] == jumps[after]
        a, b, before, after = (rows[use] for rows in (a, b, before, after))
        told = log_brightness[after] - log_brightness[before]
        fainter, lower = log_brightness[b] - log_brightness[a], log_snr[b] - log_snr[a]
        parts.append((told, fainter, lower, track[a]))
    told, fainter, lower, owner = (np.concatenate(part) for part in zip(*parts, strict=True))
    if len(np.unique(owner)) < FEWEST_TRACKS:
        return None, np.inf
    told = np.clip(told, -3 * np.std(told), 3 * np.std(told))
    common = float(told @ fainter)
    slope = float(told @ lower) / common
    # positions of one track are not independent: the error is that of sums over tracks
    each = np.bincount(owner, told * (lower - slope * fainter))
    error = float(np.sqrt(TRACKS_ALIKE * (each**2).sum()) / abs(common))
    return (slope, error) if common > 0 and error < LARGEST_ERROR else (None, np.inf)

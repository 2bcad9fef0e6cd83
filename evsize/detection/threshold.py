"""How often noise alone looks like a spot."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def noise_peaks_per_px(threshold: float, sd: float) -> float:
    """Expected peaks of filtered noise above a threshold, a pixel.

    Parameters
    ----------
    threshold : float
        In units of the noise of the filtered image.
    sd : float
        Standard deviation of the Gaussian filter, px.

    Returns
    -------
    float
        Density of the local maxima of a Gaussian random field whose autocorrelation is that of
        white noise behind the filter, exp(-r^2 / (4 sd^2)). Adler, The Geometry of Random
        Fields (1981), section 6.3: exact for high thresholds.
    """
    second_moment = 1 / (2 * sd**2)
    density = second_moment * threshold * math.exp(-(threshold**2) / 2)
    return density / float((2 * math.pi) ** 1.5)


def noise_density(snr: NDArray[np.float32], sd: float) -> NDArray[np.float64]:
    """Expected peaks of filtered noise of just this height, a pixel and unit of SNR.

    Parameters
    ----------
    snr : ndarray
        Heights above 1, in units of the noise of the filtered image.
    sd : float
        Standard deviation of the Gaussian filter, px.

    Returns
    -------
    ndarray
        Minus the derivative of `noise_peaks_per_px`.
    """
    square = snr.astype(np.float64) ** 2
    return np.asarray((square - 1) * np.exp(-square / 2) / (2 * sd**2) / (2 * math.pi) ** 1.5)


def threshold_for(peaks_per_px: float, sd: float) -> float:
    """Threshold above which noise has the given density of peaks; at least 2."""
    low, high = 2.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        if noise_peaks_per_px(middle, sd) > peaks_per_px:
            low = middle
        else:
            high = middle
    return high

"""What engines receive and hand back: numbers and arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Parameters(NamedTuple):
    """Numbers that hold for a whole recording.

    Attributes
    ----------
    spot_sd_px : float
        Standard deviation of a spot at rest, px.
    smear_sd_px : float
        Standard deviation of the smear of the smallest particle, an axis, px.
    filter_sd_px : float
        Standard deviation of the matched filter, px.
    threshold, weak_threshold : float
        In units of the noise of the filtered frame.
    window_px : int
        Half width of the localisation window.
    separation_px : float
        Nearest distance of two spots.
    weight_sd_px, widest_weight_px : float
        Standard deviation of the weight for a spot at rest, and its upper end.
    filter_noise : float
        Noise of a frame behind the filter against that expected of white noise.
    coarse_noise : tuple of float
        The same for the frames two and four times smaller.
    """

    spot_sd_px: float
    smear_sd_px: float
    filter_sd_px: float
    threshold: float
    weak_threshold: float
    window_px: int
    separation_px: float
    weight_sd_px: float
    widest_weight_px: float
    filter_noise: float
    coarse_noise: tuple[float, ...]


class Filtered(NamedTuple):
    """A frame behind the matched filter, in units of its noise.

    Attributes
    ----------
    image : ndarray of float32, (height, width)
    maxima : tuple of ndarray of int, (n,)
        Rows and columns of its local maxima, by rows, above the lowest SNR that anything is
        looked for.
    """

    image: NDArray[np.float32]
    maxima: tuple[NDArray[np.int64], NDArray[np.int64]]


class Spots(NamedTuple):
    """The spots of one frame, one array element each.

    Attributes
    ----------
    x_px, y_px : ndarray
        Centre, averaged over the exposure; the centre of the first pixel is (0, 0).
    snr : ndarray
        Matched-filter amplitude in units of its noise.
    flux : ndarray
        Sum over the spot, in units of the pixel noise.
    error_px : ndarray
        Standard error of each coordinate.
    length_px : ndarray
        By how much it is longer than wide: root of the difference of the variances.
    """

    x_px: Floats
    y_px: Floats
    snr: Floats
    flux: Floats
    error_px: Floats
    length_px: Floats

    @staticmethod
    def none() -> Spots:
        """Nothing found."""
        empty = np.empty(0)
        return Spots(empty, empty, empty, empty, empty, empty)


def cramer_rao_error(snr: Floats, sd_px: float) -> Floats:
    """Smallest standard error of an unbiased position in noise that the spot does not change.

    A Gaussian spot of standard deviation s whose matched-filter amplitude is SNR noises carries
    the information SNR^2 / (2 s^2) on each coordinate.
    """
    result: Floats = np.sqrt(2.0) * sd_px / snr
    return result


def centroid_error(snr: Floats, spot_sd_px: float, smear_sd_px: float) -> Floats:
    """Standard error of a centre of mass taken on a filtered frame.

    The bound for a spot as wide as spot and smear together, times 1.6: what drawn spots show
    for the iterated centroid (the bound itself would need weights that follow each smear).
    """
    return 1.6 * cramer_rao_error(snr, float(np.hypot(spot_sd_px, smear_sd_px)))

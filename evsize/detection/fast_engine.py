"""Fast engine: local maxima behind the matched filter, adaptive Gaussian-weighted moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evsize.detection.filtering import gaussian_kernel
from evsize.detection.moments import measure_spots
from evsize.detection.peaks import keep_strongest, local_maxima
from evsize.detection.scaling import Image
from evsize.detection.spots import Parameters, Spots

MOST_SPOTS = 20000


def locate(scaled: Image, filtered: Image, parameters: Parameters) -> Spots:
    """Find and localise the spots of one frame.

    Parameters
    ----------
    scaled : ndarray of float32, (height, width)
        Frame without background, spots positive, in units of the pixel noise.
    filtered : ndarray of float32, (height, width)
        The same behind the matched filter, in units of its noise.
    parameters : Parameters
        Numbers that hold for the whole recording.

    Returns
    -------
    Spots
        See `moments.measure_spots` for what the position of a smear is.
    """
    rows, cols = local_maxima(filtered, 1.0, parameters.weak_threshold, MOST_SPOTS)
    snr = filtered[rows, cols].astype(np.float64)
    keep = keep_strongest(rows, cols, snr, parameters.separation_px)
    keep &= ~is_single_pixel(scaled, (rows, cols), snr, parameters)
    rows, cols, snr = rows[keep], cols[keep], snr[keep]
    widths = (parameters.spot_sd_px, parameters.weight_sd_px, parameters.widest_weight_px)
    found = measure_spots(scaled, (rows, cols), snr, widths)
    return Spots(found[:, 1], found[:, 0], snr, found[:, 2], found[:, 5])


def is_single_pixel(
    scaled: Image,
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    snr: NDArray[np.float64],
    parameters: Parameters,
) -> NDArray[np.bool_]:
    """Whether a maximum is the answer of the filter to one bright pixel (hot, cosmic ray).

    A pixel of height h answers h k with k the middle of the filter's kernel; a spot answers with
    about 1/k of its highest pixel. What explains more than six tenths of the answer is a pixel.
    """
    middle = float(gaussian_kernel(parameters.filter_sd_px).max()) ** 2
    height, width = scaled.shape
    highest = np.zeros(len(snr))
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            y = np.clip(places[0] + dy, 0, height - 1)
            x = np.clip(places[1] + dx, 0, width - 1)
            highest = np.maximum(highest, scaled[y, x])
    single: NDArray[np.bool_] = highest * middle > 0.6 * snr * parameters.filter_noise
    return single

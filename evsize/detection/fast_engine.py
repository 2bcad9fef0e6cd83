"""Fast engine: local maxima behind the matched filter, adaptive Gaussian-weighted moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evsize.detection.filtering import gaussian_kernel, matched_filter
from evsize.detection.maxima import Places, maxima_and_minima
from evsize.detection.moments import measure_spots
from evsize.detection.peaks import highest_and_around, keep_strongest, stand_alone
from evsize.detection.scaling import Image
from evsize.detection.spots import Filtered, Floats, Parameters, Spots

MOST_SPOTS = 20000
COARSE_FACTORS = (2, 4)
COARSE_ADVANTAGE = 1.2
LIGHT_AROUND = 0.25
"""Of the highest pixel, together in the four next to it: with less it is a hot one by itself."""


def locate(images: tuple[Image, Image, Image], filtered: Filtered, parameters: Parameters) -> Spots:
    """Find and localise the spots of one frame.

    Parameters
    ----------
    images : tuple of ndarray of float32
        Frame without background, spots positive, in units of the pixel noise, and the same two
        and four times smaller.
    filtered : Filtered
        The frame behind the matched filter, and its maxima.
    parameters : Parameters
        Numbers that hold for the whole recording.

    Returns
    -------
    Spots
        See `moments.measure_spots` for what the position of a smear is.
    """
    sd = parameters.filter_sd_px
    levels = (filtered.image, matched_filter(images[1], sd), matched_filter(images[2], sd))
    rows, cols, snr, level = _find(images[0], levels, filtered.maxima, parameters)
    widths = (
        parameters.spot_sd_px,
        parameters.weight_sd_px,
        parameters.widest_weight_px,
        parameters.smear_sd_px,
    )
    found = measure_spots(images, (rows, cols), level, snr, widths)
    length = np.sqrt(np.maximum(found[:, 6], 0.0))
    return Spots(found[:, 1], found[:, 0], snr, found[:, 2], found[:, 5], length)


def _find(
    scaled: Image,
    levels: tuple[Image, Image, Image],
    maxima: tuple[Places, Places],
    parameters: Parameters,
) -> tuple[Places, Places, Floats, Places]:
    """Rows, columns, SNR and level of the spots, by rows.

    A wide spot is found best by a wide filter, and its own noise makes it rough for a narrow one:
    over all widths the strongest answer counts, and nothing weaker near it. A coarse answer has to
    be a fifth stronger than a fine one, as it is for spots twice as wide, lest it merge pairs.
    """
    rows, cols = maxima
    height = levels[0][rows, cols]
    enough = height > np.float32(parameters.weak_threshold)
    rows, cols, snr = rows[enough], cols[enough], height[enough].astype(np.float64)
    single = is_single_pixel(scaled, (rows, cols), snr, parameters)
    places = [(rows, cols, snr, np.zeros(len(rows), np.int64), single)]
    for k, factor in enumerate(COARSE_FACTORS):
        noise = parameters.coarse_noise[k]
        threshold = COARSE_ADVANTAGE * parameters.threshold * noise
        (y, x), _ = maxima_and_minima(levels[k + 1], threshold, np.inf, MOST_SPOTS)
        strength = levels[k + 1][y, x].astype(np.float64) / noise
        middle = factor // 2
        y, x, n = y * factor + middle, x * factor + middle, len(y)
        places.append((y, x, strength, np.full(n, k + 1), np.zeros(n, np.bool_)))
    rows, cols, snr, level, single = (np.concatenate(parts) for parts in zip(*places, strict=True))
    rank = np.where(level > 0, snr / COARSE_ADVANTAGE, snr)
    reach = parameters.separation_px * np.asarray((1, *COARSE_FACTORS), np.float64)[level]
    kept = np.flatnonzero(keep_strongest((rows, cols), rank, reach, parameters.weak_threshold))
    alone = stand_alone(
        (rows[kept], cols[kept]),
        (rank[kept], level[kept]),
        levels,
        (1.0, *parameters.coarse_noise),
        parameters.weak_threshold,
    )
    kept = kept[alone]
    # single pixels are left out last: they keep wider filters from finding the same once more
    kept = kept[~single[kept]]
    kept = kept[np.argsort(rows[kept], kind="stable")]
    return rows[kept], cols[kept], snr[kept], level[kept]


def is_single_pixel(
    scaled: Image,
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    snr: NDArray[np.float64],
    parameters: Parameters,
) -> NDArray[np.bool_]:
    """Whether a maximum is the answer of the filter to one bright pixel (hot, cosmic ray).

    A pixel of height h answers h k with k the middle of the filter's kernel; a spot answers with
    about 1/k of its highest pixel. What explains more than six tenths of the answer is a pixel,
    unless there is light next to it: of a spot of 0.3 px the four next to its middle hold a fifth
    of what that does together, of one of 0.4 px a half.
    """
    middle = float(gaussian_kernel(parameters.filter_sd_px).max()) ** 2
    highest, around = highest_and_around(scaled, places)
    most = highest * middle > 0.6 * snr * parameters.filter_noise
    single: NDArray[np.bool_] = most & (around < LIGHT_AROUND * highest)
    return single

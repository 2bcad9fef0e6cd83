"""The matched filter at two and four times its width, on frames two and four times smaller."""

from __future__ import annotations

import cv2
import numpy as np

from evsize.detection.filtering import matched_filter
from evsize.detection.scaling import Image

COARSE_FACTORS = (2, 4)


def shrink(scaled: Image) -> tuple[Image, Image]:
    """Frames two and four times smaller, cropped to whole blocks, in units of their noise."""
    levels = []
    for factor in COARSE_FACTORS:
        height, width = (max(1, n // factor) for n in scaled.shape)
        block = scaled[: height * factor, : width * factor]
        smaller = cv2.resize(block, (width, height), interpolation=cv2.INTER_AREA)
        levels.append(smaller * np.float32(factor))
    return levels[0], levels[1]


def coarse_levels(scaled: Image, sd: float) -> tuple[tuple[Image, Image], tuple[Image, Image]]:
    """Smaller frames and the same behind the filter: for spots out of focus or saturated.

    Parameters
    ----------
    scaled : ndarray of float32, (height, width)
        Background-free frame in units of the pixel noise.
    sd : float
        Standard deviation of the filter of the full frame, px.

    Returns
    -------
    tuple of tuple of ndarray of float32
        The frames of `shrink`, and each behind the filter, in units of the noise expected of
        white noise.
    """
    smaller = shrink(scaled)
    return smaller, (matched_filter(smaller[0], sd), matched_filter(smaller[1], sd))

"""The matched filter, its noise, and its peaks."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from evsize.detection.median import quick_median, quick_quantiles
from evsize.detection.scaling import Image

REACH_SD = 2.2
MAD_TO_SD = 1.4826


@lru_cache(maxsize=32)
def gaussian_kernel(sd: float) -> NDArray[np.float32]:
    """One axis of the matched filter: a Gaussian whose squares sum to 1.

    Beyond `REACH_SD` lies 0.2 % of the sum of the squares, hence 0.1 % of the SNR.
    """
    radius = math.ceil(REACH_SD * sd)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sd) ** 2)
    unit: NDArray[np.float32] = (kernel / np.sqrt(np.sum(kernel**2))).astype(np.float32)
    unit.flags.writeable = False  # each frame asks for it, and gets the same
    return unit


def matched_filter(image: Image, sd: float, noise: float = 1.0, out: Image | None = None) -> Image:
    """Amplitude of a Gaussian spot at each pixel, in units of its own noise.

    Parameters
    ----------
    image : ndarray of float32, (height, width)
        Background-free frame in units of the pixel noise.
    sd : float
        Standard deviation of the spot, px.
    noise : float
        Noise behind the filter against that of white noise: the output is divided by it.
    out : ndarray of float32, optional
        Receives the result.

    Returns
    -------
    ndarray of float32, (height, width)
        For white noise of variance 1 the output has variance 1, less at the border, beyond which
        there is nothing (Turin, IRE Trans. 6, 311 (1960)).
    """
    kernel = gaussian_kernel(sd) / np.float32(np.sqrt(noise))
    result: Image = cv2.sepFilter2D(
        image, cv2.CV_32F, kernel, kernel, dst=out, borderType=cv2.BORDER_CONSTANT
    )
    return result


def find_peaks(
    filtered: Image, threshold: float, radius: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the local maxima above a threshold, none closer than ``radius``."""
    size = 2 * radius + 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    dilated = cv2.dilate(filtered, element)
    y, x = np.nonzero((filtered >= dilated) & (filtered > threshold))
    return y.astype(np.int64), x.astype(np.int64)


def far_from(strong: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """Pixels farther than ``distance`` from those marked."""
    element = np.ones((2 * distance + 1, 2 * distance + 1), np.uint8)
    free: NDArray[np.bool_] = cv2.dilate(strong.astype(np.uint8), element) == 0
    return free


def filter_noise(filtered: Image, distance: int, level: float = 4.0) -> float:
    """Noise of a filtered frame, from the pixels that no strong spot reaches.

    The half below the median is measured: spots too faint to be seen singly widen the other.
    """
    thin = filtered[:: max(1, round((filtered.size / 80000) ** 0.5))]
    scale = MAD_TO_SD * quick_median(np.abs(thin)) or 1.0
    free = far_from(np.abs(filtered) > level * scale, distance)
    enough = np.count_nonzero(free) > 0.05 * free.size
    values = filtered[free] if enough else filtered.ravel()
    low, median = quick_quantiles(values[:: max(1, values.size // 80000)], (0.15866, 0.5))
    return median - low or 1.0

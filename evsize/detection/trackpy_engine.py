"""Reference engine: trackpy's local maxima and its iterated centre of mass.

Crocker & Grier, J. Colloid Interface Sci. 179, 298 (1996), in the implementation of trackpy
(Allan et al., doi:10.5281/zenodo.1213240).
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.detection.scaling import Image
from evsize.detection.spots import Filtered, Parameters, Spots, centroid_error

STEPS_PER_NOISE = 100
FLOOR_SNR = 1.0


def load_trackpy() -> Any:
    """Import trackpy without the log handler that it installs for its own messages."""
    loaded = "trackpy" in sys.modules
    import trackpy  # noqa: PLC0415  (2.4 s: only for those who ask for it)

    if not loaded:
        trackpy.ignore_logging()
    return trackpy


def find_maxima(filtered: Image, threshold: float, separation: float) -> NDArray[np.int64]:
    """Rows and columns of the maxima of a filtered frame, (n, 2), by trackpy's dilation."""
    find = load_trackpy().find
    levels = np.where(filtered > threshold, filtered * STEPS_PER_NOISE, 0.0).astype(np.int32)
    if not levels.any():
        return np.empty((0, 2), np.int64)
    with warnings.catch_warnings():
        # trackpy warns where nothing is found; here that is an answer
        warnings.simplefilter("ignore", UserWarning)
        found = find.grey_dilation(levels, separation, percentile=0, margin=0)
    return np.asarray(found, np.int64).reshape(-1, 2)


def locate(images: tuple[Image, Image, Image], filtered: Filtered, parameters: Parameters) -> Spots:
    """Find and localise the spots of one frame.

    Parameters
    ----------
    images : tuple of ndarray of float32
        Frame without background, spots positive, in units of the pixel noise; smaller ones are
        not used.
    filtered : Filtered
        The frame behind the matched filter.
    parameters : Parameters
        Numbers that hold for the whole recording.

    Returns
    -------
    Spots
        Centre of mass of the filtered frame, iterated until the window is centred on it. The
        window covers the smear, so that for strong spots it is the position averaged over the
        exposure; what lies below one noise is cut off, which keeps faint spots from wandering
        and leaves their error to be measured (`centroid_error`).
    """
    maxima = find_maxima(filtered.image, parameters.weak_threshold, parameters.separation_px)
    if not len(maxima):
        return Spots.none()
    refine = load_trackpy().refine
    scaled = images[0]
    radius = parameters.window_px
    height, width = scaled.shape
    above = np.maximum(filtered.image - FLOOR_SNR, 0.0)
    padded = np.pad(above, radius)
    raw = np.pad(scaled, radius)
    snr = filtered.image[maxima[:, 0], maxima[:, 1]].astype(np.float64)
    found = refine.refine_com_arr(
        raw, padded, (radius, radius), maxima + radius, max_iterations=10, engine="numba"
    )
    y = np.clip(found[:, 0] - radius, 0, height - 1)
    x = np.clip(found[:, 1] - radius, 0, width - 1)
    error = centroid_error(snr, parameters.spot_sd_px, parameters.smear_sd_px)
    # trackpy gives one eccentricity for all widths: nothing is said of the length
    return Spots(x, y, snr, found[:, 6].astype(np.float64), error, np.zeros(len(x)))

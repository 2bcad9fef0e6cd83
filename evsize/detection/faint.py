"""Peaks too weak to be spots: where a particle that is followed may be, but none begins."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evsize.detection.maxima import Places
from evsize.detection.spots import Filtered, Floats, Parameters, Spots
from evsize.detection.threshold import noise_density, threshold_for
from evsize.results import FaintPeaks

LOWEST_SNR = 2.2
"""Below, noise makes a peak in every second of the places in which a particle is looked for."""
LEAST_SMEAR = 0.45
"""Smear of the smallest particle, in widths of a spot at rest. With less, the SNR falls by less
than a tenth: no particle is lost because it moves, and a faint peak would add an error alone."""
MOST_A_FRAME = 2000
MOST_PEAKS = 4_000_000
"""Of a recording: 20 bytes each."""

Numbers = NDArray[np.float32]
Bools = NDArray[np.bool_]


class Faint(NamedTuple):
    """Faint peaks of one frame: x and y in px, and SNR."""

    x_px: Numbers
    y_px: Numbers
    snr: Numbers

    @staticmethod
    def none() -> Faint:
        """Nothing found."""
        empty = np.zeros(0, np.float32)
        return Faint(empty, empty, empty)


def lowest_snr(n_px: int, n_frames: int, parameters: Parameters) -> float:
    """SNR from which on faint peaks are kept, infinite where they are of no use.

    Above it noise alone makes no more of them than can be kept.
    """
    if parameters.smear_sd_px < LEAST_SMEAR * parameters.spot_sd_px:
        return math.inf
    most = min(MOST_A_FRAME, MOST_PEAKS / n_frames)
    return max(LOWEST_SNR, threshold_for(most / n_px, parameters.filter_sd_px))


def find_faint(
    filtered: Filtered, snr: tuple[float, float], spots: Spots, reach_px: float
) -> Faint:
    """Find the local maxima of a filtered frame between two SNRs, away from its spots.

    The place is the top of the parabola through the maximum and its neighbours along each axis.
    The outermost pixels are left out.

    Parameters
    ----------
    filtered : Filtered
        Frame behind the matched filter, and its maxima.
    snr : (float, float)
        Lowest and highest.
    spots : Spots
        What is nearer than `reach_px` to one of them is its flank.
    reach_px : float

    Notes
    -----
    No more than twice `MOST_A_FRAME` peaks are kept, row by row.
    """
    lowest, highest = snr
    if lowest >= highest:
        return Faint.none()
    image = filtered.image
    rows, cols = (places[: 2 * MOST_A_FRAME] for places in filtered.maxima)
    height = image[rows, cols]
    inner = (rows > 0) & (cols > 0) & (rows < len(image) - 1) & (cols < image.shape[1] - 1)
    kept = inner & (height > lowest) & (height < highest)
    kept[kept] = _apart(rows[kept], cols[kept], spots.x_px, spots.y_px, reach_px)
    rows, cols, height = rows[kept], cols[kept], height[kept]
    x = cols + _top(image[rows, cols - 1], height, image[rows, cols + 1])
    y = rows + _top(image[rows - 1, cols], height, image[rows + 1, cols])
    return Faint(x.astype(np.float32), y.astype(np.float32), height)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _apart(rows: Places, cols: Places, x_px: Floats, y_px: Floats, reach: float) -> Bools:
    """Whether no spot is within reach."""
    result = np.ones(rows.size, np.bool_)
    for k in range(rows.size):
        for j in range(x_px.size):
            if (rows[k] - y_px[j]) ** 2 + (cols[k] - x_px[j]) ** 2 <= reach * reach:
                result[k] = False
                break
    return result


def _top(before: Numbers, middle: Numbers, after: Numbers) -> NDArray[np.float64]:
    """Where the parabola through three values is highest, from the middle one, in px."""
    bend = 2.0 * middle - before - after
    rise = 0.5 * (after.astype(np.float64) - before)
    return np.asarray(np.clip(rise / np.maximum(bend, 1e-6), -0.5, 0.5))


def gather(parts: list[Faint], parameters: Parameters) -> FaintPeaks:
    """Faint peaks of all frames, from those of each.

    Standard error and brightness are those of a Gaussian as wide as a spot with its smear: the
    Cramer-Rao bound, and the flux that gives this SNR behind the filter.
    """
    filter_sd = parameters.filter_sd_px
    wide = math.hypot(parameters.spot_sd_px, parameters.smear_sd_px)
    x, y, snr = (np.concatenate(column) for column in zip(*parts, strict=True))
    return FaintPeaks(
        frame=np.repeat(np.arange(len(parts), dtype=np.int32), [len(p.snr) for p in parts]),
        x_px=x,
        y_px=y,
        snr=snr,
        noise_per_px=noise_density(snr, filter_sd).astype(np.float32),
        unit_error_px=math.sqrt(2) * wide,
        unit_brightness=math.sqrt(math.pi) * (wide**2 + filter_sd**2) / filter_sd,
    )

"""Gaps of tracks filled with peaks too weak to be spots.

A particle is missed in the frames in which it smeared, hence moved, most: the steps that are left
are too small. Between two positions of a track it must have passed somewhere near; a faint peak
there is the particle rather than noise where its odds say so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LONGEST = 2
"""Frames of a gap that is filled."""
HIDDEN = 0.01
"""Share of the positions lost for other reasons than noise: behind a neighbour, for example."""
MOST = 64
"""Peaks tried in a frame."""
REACH = 4.29
"""Standard deviations of the path between two positions; an axis each."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """Faint peaks, in order of frames.

    Attributes
    ----------
    start : ndarray of int, (n_frames + 1,)
        First peak of each frame; the last entry is the number of peaks.
    xy_um : ndarray, (n, 2)
    snr : ndarray, (n,)
    log_noise : ndarray, (n,)
        Logarithm of the peaks of that SNR that noise makes, 1/um^2 and unit of SNR.
    error_um2 : ndarray, (n,)
        Variance of each place, an axis.
    lowest_snr : float
        Lower ones are not kept.
    """

    start: Ints
    xy_um: Floats
    snr: Floats
    log_noise: Floats
    error_um2: Floats
    lowest_snr: float


@dataclass(frozen=True, slots=True)
class Gaps:
    """Gaps of one or two frames.

    Attributes
    ----------
    frame : ndarray of int, (n,)
        Frame before each gap.
    missed : ndarray of int, (n,)
        Frames missed.
    before_um, after_um : ndarray, (n, 2)
        Positions before and after.
    flow_um : ndarray, (n, LONGEST + 1, 2)
        How far the flow carries the first position over 1, 2, 3 frames.
    step_um2 : ndarray, (n, LONGEST + 1)
        Variance of an axis's step of that particle over 1, 2, 3 frames.
    snr, snr_sd : ndarray, (n,)
        SNR expected of that particle, and its standard deviation.
    """

    frame: Ints
    missed: Ints
    before_um: Floats
    after_um: Floats
    flow_um: Floats
    step_um2: Floats
    snr: Floats
    snr_sd: Floats


def fill(gaps: Gaps, peaks: Peaks) -> Ints:
    """Most likely peak of each frame missed.

    Compared are all paths through the peaks near by: the densities of their steps, times for each
    peak that the particle makes one of that SNR (a Gaussian about what is expected of it) against
    that noise does; for a frame without a peak that the particle leaves none.

    Returns
    -------
    ndarray of int, (n, LONGEST)
        Numbers of the peaks; -1 where there is none.
    """
    chosen = np.full((len(gaps.frame), LONGEST), -1, np.int64)
    none = ndtr((peaks.lowest_snr - gaps.snr) / gaps.snr_sd) + HIDDEN
    usual = -np.log(none * math.sqrt(2 * math.pi) * gaps.snr_sd)
    paths = (gaps.frame, gaps.missed, gaps.before_um, gaps.after_um, gaps.flow_um, gaps.step_um2)
    places = (peaks.start, peaks.xy_um, peaks.snr, peaks.log_noise, peaks.error_um2)
    _fill(paths, (gaps.snr, gaps.snr_sd, usual), places, chosen)
    return chosen


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _fill(
    gaps: tuple[Ints, Ints, Floats, Floats, Floats, Floats],
    strengths: tuple[Floats, Floats, Floats],
    peaks: tuple[Ints, Floats, Floats, Floats, Floats],
    chosen: Ints,
) -> None:
    """See `fill`; coordinates go with the flow from the position before the gap on."""
    frame, missed, before, after, flow, step = gaps
    expected, sd, usual = strengths
    start, place, snr, log_noise, error = peaks
    number = np.empty((2, MOST), np.int64)
    x, y, gain = np.empty((2, MOST)), np.empty((2, MOST)), np.empty((2, MOST))
    for k in range(frame.size):
        n = missed[k]
        bx = after[k, 0] - before[k, 0] - flow[k, n, 0]
        by = after[k, 1] - before[k, 1] - flow[k, n, 1]
        count = np.zeros(2, np.int64)
        for m in range(n):
            share = (m + 1) / (n + 1)
            wide = step[k, 0] * (m + 1) * (n - m) / (n + 1)
            first, last = start[frame[k] + 1 + m], start[frame[k] + 2 + m]
            for p in range(first, last):
                px = place[p, 0] - before[k, 0] - flow[k, m, 0]
                py = place[p, 1] - before[k, 1] - flow[k, m, 1]
                square = (px - share * bx) ** 2 + (py - share * by) ** 2
                if square < REACH**2 * (wide + error[p]) and count[m] < MOST:
                    c = count[m]
                    number[m, c], x[m, c], y[m, c] = p, px, py
                    off = (snr[p] - expected[k]) / sd[k]
                    gain[m, c] = usual[k] - 0.5 * off * off - log_noise[p]
                    count[m] += 1
        best = _log_density(bx, by, step[k, n])
        for i in range(-1, count[0]):
            for j in range(-1, count[1]):
                if i < 0 and j < 0:
                    continue
                score, ax, ay, at, extra = 0.0, 0.0, 0.0, -1, 0.0
                for m in range(2):
                    c = i if m == 0 else j
                    if c < 0:
                        continue
                    p = number[m, c]
                    variance = step[k, m - at - 1] + error[p] + extra
                    score += gain[m, c] + _log_density(x[m, c] - ax, y[m, c] - ay, variance)
                    ax, ay, at, extra = x[m, c], y[m, c], m, error[p]
                score += _log_density(bx - ax, by - ay, step[k, n - at - 1] + extra)
                if score > best:
                    best = score
                    chosen[k, 0] = number[0, i] if i >= 0 else -1
                    chosen[k, 1] = number[1, j] if j >= 0 else -1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _log_density(x: float, y: float, variance: float) -> float:
    """Logarithm of the density of a plane step."""
    return -(x * x + y * y) / (2 * variance) - math.log(2 * math.pi * variance)

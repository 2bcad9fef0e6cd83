"""Gaps of tracks, and the peaks too weak to be spots that fill them.

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
MOST_SURE = 50.0
"""Log-odds at which sums are held: beyond, numbers would overflow."""
MOST = 64
"""Peaks tried in a frame."""
REACH = 4.29
"""Standard deviations of the path between two positions; an axis each."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """Faint peaks, in order of frames, those of a frame in order of rows.

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
    lowest_snr, highest_snr : float
        Lower ones are not kept, higher ones are spots.
    row_um : float
        Distance of two rows.
    """

    start: Ints
    xy_um: Floats
    snr: Floats
    log_noise: Floats
    error_um2: Floats
    lowest_snr: float
    highest_snr: float
    row_um: float


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
    return _paths(gaps, peaks)[0]


def support(gaps: Gaps, peaks: Peaks) -> Floats:
    """Log-odds that the peaks in the frames missed lend to each gap being one particle's.

    All paths through them, and the one without a peak, against nothing but noise.

    Returns
    -------
    ndarray, (n,)
    """
    share = unseen_of_missed(gaps.snr, gaps.snr_sd, peaks)
    return np.asarray(np.log1p(_paths(gaps, peaks)[1]) + gaps.missed * np.log(share))


def unseen_share(snr: Floats, snr_sd: Floats, peaks: Peaks) -> Floats:
    """Share of the frames in which a particle leaves not even a faint peak."""
    return np.asarray(ndtr((peaks.lowest_snr - snr) / snr_sd) + HIDDEN)


def unseen_of_missed(snr: Floats, snr_sd: Floats, peaks: Peaks) -> Floats:
    """Share, of the frames in which a particle is no spot, of those without a faint peak."""
    missed = ndtr((peaks.highest_snr - snr) / snr_sd) + HIDDEN
    return np.asarray(unseen_share(snr, snr_sd, peaks) / missed)


def _paths(gaps: Gaps, peaks: Peaks) -> tuple[Ints, Floats]:
    """Most likely path of each gap, and the odds of all with a peak against the one without."""
    chosen = np.full((len(gaps.frame), LONGEST), -1, np.int64)
    sums = np.zeros(len(gaps.frame))
    usual = peak_odds(gaps.snr, gaps.snr_sd, peaks)
    paths = (gaps.frame, gaps.missed, gaps.before_um, gaps.after_um, gaps.flow_um, gaps.step_um2)
    places = (peaks.start, peaks.xy_um, peaks.snr, peaks.log_noise, peaks.error_um2)
    _weigh(paths, (gaps.snr, gaps.snr_sd, usual), places, widest(peaks), chosen, sums)
    return chosen, sums


def peak_odds(snr: Floats, snr_sd: Floats, peaks: Peaks) -> Floats:
    """Log density of a peak as strong as expected, against that of no peak."""
    return -np.log(unseen_share(snr, snr_sd, peaks) * math.sqrt(2 * math.pi) * snr_sd)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _weigh(
    gaps: tuple[Ints, Ints, Floats, Floats, Floats, Floats],
    strengths: tuple[Floats, Floats, Floats],
    peaks: tuple[Ints, Floats, Floats, Floats, Floats],
    margins: tuple[float, float],
    chosen: Ints,
    sums: Floats,
) -> None:
    """Find the best path of each gap, and sum the odds of all that hold a peak."""
    _, missed, before, after, flow, step = gaps
    error = peaks[4]
    number = np.empty((2, MOST), np.int64)
    place, gain = np.empty((2, 2, MOST)), np.empty((2, MOST))
    for k in range(missed.size):
        n = missed[k]
        bx = after[k, 0] - before[k, 0] - flow[k, n, 0]
        by = after[k, 1] - before[k, 1] - flow[k, n, 1]
        count = _near(k, (bx, by), gaps, strengths, peaks, margins, number, place, gain)
        none = _log_density(bx, by, step[k, n])
        best = none
        for i in range(-1, count[0]):
            for j in range(-1, count[1]):
                if i < 0 and j < 0:
                    continue
                score, ax, ay, at, extra = 0.0, 0.0, 0.0, -1, 0.0
                for m in range(2):
                    c = i if m == 0 else j
                    if c < 0:
                        continue
                    x, y, wide = place[m, 0, c], place[m, 1, c], error[number[m, c]]
                    variance = step[k, m - at - 1] + wide + extra
                    score += gain[m, c] + _log_density(x - ax, y - ay, variance)
                    ax, ay, at, extra = x, y, m, wide
                score += _log_density(bx - ax, by - ay, step[k, n - at - 1] + extra)
                sums[k] += math.exp(min(score - none, MOST_SURE))
                if score > best:
                    best = score
                    chosen[k, 0] = number[0, i] if i >= 0 else -1
                    chosen[k, 1] = number[1, j] if j >= 0 else -1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _near(
    k: int,
    way: tuple[float, float],
    gaps: tuple[Ints, Ints, Floats, Floats, Floats, Floats],
    strengths: tuple[Floats, Floats, Floats],
    peaks: tuple[Ints, Floats, Floats, Floats, Floats],
    margins: tuple[float, float],
    number: Ints,
    place: Floats,
    gain: Floats,
) -> Ints:
    """Peaks near the way of a gap: number, place and log-odds; returns how many a frame.

    Places go with the flow from the position before the gap on.
    """
    frame, missed, before, _, flow, step = gaps
    expected, sd, usual = strengths
    start, xy, snr, log_noise, error = peaks
    n = missed[k]
    count = np.zeros(2, np.int64)
    for m in range(n):
        share = (m + 1) / (n + 1)
        wide = step[k, 0] * (m + 1) * (n - m) / (n + 1)
        row = before[k, 1] + flow[k, m, 1] + share * way[1]
        reach = REACH * math.sqrt(wide + margins[0]) + margins[1]
        stop = start[frame[k] + 2 + m]
        for p in range(first_row(xy, start[frame[k] + 1 + m], stop, row - reach), stop):
            if xy[p, 1] > row + reach:
                break
            x = xy[p, 0] - before[k, 0] - flow[k, m, 0]
            y = xy[p, 1] - before[k, 1] - flow[k, m, 1]
            square = (x - share * way[0]) ** 2 + (y - share * way[1]) ** 2
            if square < REACH**2 * (wide + error[p]) and count[m] < MOST:
                c = count[m]
                number[m, c], place[m, 0, c], place[m, 1, c] = p, x, y
                off = (snr[p] - expected[k]) / sd[k]
                gain[m, c] = usual[k] - 0.5 * off * off - log_noise[p]
                count[m] += 1
    return count


def widest(peaks: Peaks) -> tuple[float, float]:
    """Largest variance of a place, and by how much the places of a frame are out of order."""
    return float(peaks.error_um2.max(initial=0.0)), peaks.row_um


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def first_row(xy: Floats, start: int, stop: int, lowest: float) -> int:
    """First of the places from start to stop, in order of y, with y at least `lowest`."""
    while start < stop:
        middle = (start + stop) // 2
        if xy[middle, 1] < lowest:
            start = middle + 1
        else:
            stop = middle
    return start


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _log_density(x: float, y: float, variance: float) -> float:
    """Logarithm of the density of a plane step."""
    return -(x * x + y * y) / (2 * variance) - math.log(2 * math.pi * variance)

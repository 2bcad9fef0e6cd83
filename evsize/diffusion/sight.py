"""How particles move in the frames in which they are seen, and in those in which they are not.

A particle that moves far while the shutter is open smears, and the filter answers less: it is
missed, or weak. So the frames in which it is seen are those in which it moved little. Brownian
increments of different frames are independent, and whether a frame shows the particle depends on
its path in that exposure alone: what seeing does to the steps follows from three moments of the
path of one exposure, for each way in which it can be seen. They are drawn here, for unit paths.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPOT, FAINT, MISSED = range(3)
"""Ways to be seen: as a spot, as a faint peak that fills a gap, not at all."""
HALF, HALVES, WHOLE = range(3)
"""What is averaged: see `Moments`."""
N_PATHS, N_TIMES, CLIMBS = 3000, 32, 6
SMEARS = np.concatenate([[0.0], np.geomspace(0.02, 20.0, 13)])
"""Mean squared way of an axis within the exposure, in the width of the filter's answer, squared."""
STRENGTHS = np.concatenate([np.arange(1.0, 12.0, 0.5), np.geomspace(12.0, 100.0, 12)])
"""SNR at rest."""
MOSTLY_SEEN = 0.5
"""Share of the frames in which a particle that is followed is seen, at least."""
HIDDEN = 0.2
"""Share of the frames in which a particle is no spot for another reason: a neighbour, a link not
made, a peak of noise taken for it. Of drawn films of 60 nm (shutter open for 75 and 100 %, 0.166
and 0.713 um/px) the true steps found have, with it, mean squares within 5 % of those that follow
from here, or within their errors: from spot to spot, to and from faint peaks, and over gaps (0.8
to 1.1 times the usual)."""
RARE = 1e-4
"""Probability of being seen in any way, at least: averages over hardly any path are noise."""
NEIGHBOURS = 6
"""Positions to either side over which the SNR of spots is averaged: defocus changes slowly."""
FINENESS = 20
"""Classes of observed SNR for each unit of it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What it takes to be seen.

    Attributes
    ----------
    answer_sd_um : float
        Standard deviation of the filter's answer to a spot at rest, um.
    spot_snr, faint_snr : float
        Lowest SNR of a spot, and of a faint peak that fills a gap.
    """

    answer_sd_um: float
    spot_snr: float
    faint_snr: float


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of the path of one exposure of duration t, less 1: 0 where seeing tells nothing.

    Attributes
    ----------
    half : ndarray, (2, classes, g)
        Mean squared way from either end of the path to its mean position, in 2 D t/3, for spots
        and for faint peaks.
    halves : ndarray, (2, classes, g)
        Mean product of the ways to the mean position and on from there, in 2 D t/6.
    missed : ndarray, (classes, g)
        Mean squared way from end to end where the particle is not seen, in 2 D t.
    strength : ndarray of int, (positions,)
        Class of each position: the SNR of the spots about it.
    way : ndarray of int, (positions,)
        `SPOT` or `FAINT`.
    """

    half: Floats
    halves: Floats
    missed: Floats
    strength: Ints
    way: Ints

    @staticmethod
    def alike(n_positions: int, n_sizes: int) -> Moments:
        """Those of positions of which nothing is known."""
        zero, none = np.zeros((2, 1, n_sizes)), np.zeros(n_positions, np.int64)
        return Moments(zero, zero, zero[0], none, none)


def moments(
    sight: Sight,
    start: Ints,
    snr: Floats,
    faint: NDArray[np.bool_],
    d_um2_s: Floats,
    exposure_s: float,
) -> Moments:
    """Moments of the paths of particles of each observed strength and diffusion coefficient.

    Parameters
    ----------
    sight : Sight
    start : ndarray of int, (tracks + 1,)
        First position of each track, and the end of the last.
    snr : ndarray, (positions,)
        SNR of each position.
    faint : ndarray of bool, (positions,)
        Whether it is a faint peak that fills a gap.
    d_um2_s : ndarray, (g,)
        Diffusion coefficients, um^2/s.
    exposure_s : float
        How long the shutter is open, s.

    Notes
    -----
    The SNR at rest is the one that gives the spots found their mean SNR, given how far such a
    particle smears, and at least one at which it is seen in `MOSTLY_SEEN` of the frames.
    """
    share, mean_snr, path = _draw(sight.spot_snr, sight.faint_snr)
    number, strength = _classes(_about(start, snr, ~faint) - sight.spot_snr)
    observed = sight.spot_snr + (number + 0.5) / FINENESS
    nodes = np.empty((3, 3, len(observed), len(SMEARS)))
    for k in range(len(SMEARS)):
        least = np.interp(MOSTLY_SEEN, 1 - share[k, MISSED], STRENGTHS)
        rest = np.maximum(np.interp(observed, mean_snr[k], STRENGTHS), least)
        told = share[k] / (share[k] + HIDDEN)
        told[SPOT] = 1.0
        for way, moment in np.ndindex(3, 3):
            row = told[way] * path[k, way, moment]
            nodes[moment, way, :, k] = np.interp(rest, STRENGTHS, row)
    smear = 2 * d_um2_s * exposure_s / sight.answer_sd_um**2
    grid = np.empty((3, 3, len(observed), len(d_um2_s)))
    for place in np.ndindex(grid.shape[:3]):
        grid[place] = np.interp(smear, SMEARS, nodes[place])
    return Moments(
        grid[HALF, :MISSED],
        grid[HALVES, :MISSED],
        grid[WHOLE, MISSED],
        strength,
        np.where(faint, FAINT, SPOT).astype(np.int64),
    )


def _classes(above: Floats) -> tuple[Ints, Ints]:
    """Number of each class of SNRs above a spot's lowest, and class of each position."""
    number = np.floor(np.clip(above, 0.0, STRENGTHS[-1]) * FINENESS).astype(np.int64)
    classes, of_position = np.unique(number, return_inverse=True)
    return classes, of_position.astype(np.int64)


def _about(start: Ints, snr: Floats, spot: NDArray[np.bool_]) -> Floats:
    """Usual SNR of the spots of each position's track about it; 0 without any.

    A mean over few spots is off by noise. It is drawn to that of all tracks by as much as its
    logarithm scatters by chance rather than from place to place (empirical Bayes): an SNR has the
    noise 1.
    """
    n = len(snr)
    length = np.diff(start)
    low = np.maximum(np.arange(n) - NEIGHBOURS, np.repeat(start[:-1], length))
    high = np.minimum(np.arange(n) + NEIGHBOURS + 1, np.repeat(start[1:], length))
    total, count = (
        np.diff(np.concatenate([[0.0], np.cumsum(column)])[[low, high]], axis=0)[0]
        for column in (np.where(spot, snr, 0.0), spot)
    )
    known = count > 0
    if not known.any():
        return np.zeros(n)
    mean = total[known] / count[known]
    by_chance = 1 / (count[known] * mean**2)
    usual = np.log(mean).mean()
    real = max(float(np.log(mean).var() - by_chance.mean()), 0.0)
    result = np.full(n, math.exp(usual))
    trust = real / (real + by_chance)
    result[known] = np.exp(usual + trust * (np.log(mean) - usual))
    return result


@functools.lru_cache(maxsize=4)
def _draw(spot_snr: float, faint_snr: float) -> tuple[Floats, Floats, Floats]:
    """Share of the frames, mean SNR of the spots, and moments of the path less 1.

    Returns
    -------
    share : ndarray, (smears, ways, strengths)
    mean_snr : ndarray, (smears, strengths)
    path : ndarray, (smears, ways, moments, strengths)
    """
    way = _unit_paths()
    squares = _moments_of(way)
    share = np.empty((len(SMEARS), 3, len(STRENGTHS)))
    mean_snr = np.empty((len(SMEARS), len(STRENGTHS)))
    path = np.empty((len(SMEARS), 3, 3, len(STRENGTHS)))
    for k, smear in enumerate(SMEARS):
        snr = STRENGTHS[:, None] * _answer(math.sqrt(smear) * way)
        above_spot, above_faint = ndtr(snr - spot_snr), ndtr(snr - faint_snr)
        each = np.stack([above_spot, above_faint - above_spot, 1 - above_faint])
        share[k] = each.mean(axis=2)
        # where a way hardly occurs, nothing is made of the few paths that have it
        weight = each + RARE
        path[k] = (weight @ squares / weight.sum(axis=2, keepdims=True)).swapaxes(1, 2) - 1
        tail = np.exp(-0.5 * (snr - spot_snr) ** 2) / math.sqrt(2 * math.pi)
        mean_snr[k] = (snr * above_spot + tail).sum(axis=1) / above_spot.sum(axis=1)
    return share, mean_snr, path


def _unit_paths() -> Floats:
    """Brownian paths of duration and mean squared way 1, (paths, axes, times + 1)."""
    steps = np.random.default_rng(0).normal(size=(N_PATHS, 2, N_TIMES)) / math.sqrt(N_TIMES)
    return np.concatenate([np.zeros((N_PATHS, 2, 1)), np.cumsum(steps, axis=2)], axis=2)


def _moments_of(way: Floats) -> Floats:
    """Half, product of halves and whole squared of each path, over their means, (paths, 3)."""
    mean = 0.5 * (way[:, :, 1:] + way[:, :, :-1]).mean(axis=2)
    end = way[:, :, -1]
    on = end - mean
    each = [0.5 * (mean**2 + on**2), mean * on, end**2]
    found = np.stack([square.mean(axis=1) for square in each], axis=1)
    return np.asarray(found / found.mean(axis=0))


def _answer(way: Floats) -> Floats:
    """Highest answer of the filter to a spot that went such ways, in that at rest, (paths,).

    Ways in the width of the answer. It is highest where its slope vanishes: at the mean of the
    way, weighted with the answer that each point gives there.
    """
    place = way.mean(axis=2, keepdims=True)
    for _ in range(CLIMBS):
        each = np.exp(-0.5 * np.square(way - place).sum(axis=1, keepdims=True))
        place = (way * each).sum(axis=2, keepdims=True) / each.sum(axis=2, keepdims=True)
    return np.asarray(np.exp(-0.5 * np.square(way - place).sum(axis=1)).mean(axis=1))

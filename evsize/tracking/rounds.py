"""Link, see how the particles and the liquid move, and link again with what was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evsize.tracking import filling, joint, linking, odds, pieces, radius, unseen
from evsize.tracking.film import Film
from evsize.tracking.motion import Motion, apart_um, fit_motion
from evsize.tracking.steps import Steps, longer, snr_spread, snr_variation, variances

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 6
UNKNOWN_GAP = 1
"""Frames that a track may miss where too few are linked for odds: with more, noise makes tracks."""
LONGEST_SPAN = 3
"""Frames from one position of a track to the next: a meeting of two particles may hide two."""
BORDER = 2.5 / radius.REACH
"""Width of the border in search radii: 2.5 standard deviations of the step of the fastest
particles, which leaves 1/20 of the border's bias."""


@dataclass(frozen=True, slots=True)
class Radius:
    """A search radius and its reason; `most_um` is the largest allowed."""

    radius_um: float
    most_um: float
    fixed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Linked:
    """Tracks, and all with which they were made.

    Attributes
    ----------
    order : ndarray of int, (positions,)
        The spots kept, sorted by track and frame.
    track : ndarray of int, (positions,)
        Track of each.
    whole : ndarray of int, (spots,)
        Track of every spot, before anything was cut or left out.
    doubts : ndarray of int, (spots,)
        Where they differ between two spots of a track, it is rather two particles.
    motion : Motion
        With whose flow the spots were predicted.
    radius : Radius
    truncated : float or None
        Share of steps that the radius cuts off.
    border_um : float
    in_company : float
        Share of the spots merged with another, or too close to one, to be used.
    """

    order: Ints
    track: Ints
    whole: Ints
    doubts: Ints
    motion: Motion
    radius: Radius
    truncated: float | None
    border_um: float
    in_company: float


@dataclass(frozen=True, slots=True)
class Known:
    """What the tracks of a round tell of the particles.

    Attributes
    ----------
    odds : Odds
    step_um2 : float
        Variance of an axis's step of a usual particle over one frame.
    snr_variation : float
        Relative variance of a particle's SNR from frame to frame, beyond noise.
    """

    odds: odds.Odds
    step_um2: float
    snr_variation: float


def link_rounds(film: Film, motion: Motion, first: Radius, *, fit_flow: bool) -> Linked:
    """Link until flow and radius, refined from the tracks of the round before, have settled."""
    current, known, max_gap = first, None, film.max_gap
    for turn in range(ROUNDS):
        whole, doubts = _link_all(film, motion, current, known, max_gap)
        order, track, border, company = _cut(film, whole, motion, current)
        found = _look(film, order, track, motion, fit_flow=fit_flow)
        linked = Linked(order, track, whole, doubts, motion, current, None, border, company)
        if found is None:
            if max_gap <= UNKNOWN_GAP:
                return linked
            max_gap = UNKNOWN_GAP
            continue
        refined, variance, n_steps = found
        truncated = radius.truncated_share(variance, n_steps, current.radius_um)
        linked = replace(linked, truncated=truncated)
        wanted = _next_radius(current, variance, n_steps)
        same_radius = abs(wanted.radius_um / current.radius_um - 1) < 0.05
        same_motion = apart_um(refined.field, motion.field, film) < 0.02 * current.radius_um
        if turn == ROUNDS - 1 or (turn > 0 and same_radius and same_motion):
            break
        motion, current = refined, wanted
        known = _learn(film, whole, motion, (variance, n_steps), current)
        max_gap = film.max_gap if known else min(film.max_gap, UNKNOWN_GAP)
    return linked


def _link_all(
    film: Film, motion: Motion, current: Radius, known: Known | None, max_gap: int
) -> tuple[Ints, Ints]:
    """Track of every spot, and where links are in doubt."""
    spans = range(1, max_gap + 2)
    ahead = np.stack([motion.field.over_step(film.frame, m, film.xy_um) for m in spans])
    if known is None:
        whole = linking.link(
            film.frame,
            film.xy_um,
            film.n_frames,
            current.radius_um,
            max_gap,
            ahead_um=ahead,
            cuts=motion.cuts,
        )
        return whole, np.zeros(len(whole), np.int64)
    if film.faint is None:
        return joint.link(film.frame, film.xy_um, known.odds, ahead, motion.cuts)
    support = partial(_support, film, film.faint, ahead, known)
    alone = _alone(film, film.faint, ahead[0], known)
    return joint.link(film.frame, film.xy_um, known.odds, ahead, motion.cuts, support, alone)


def _alone(
    film: Film, faint: filling.Peaks, ahead_um: Floats, known: Known
) -> tuple[Floats, Floats]:
    """Log-odds that faint peaks lend to each spot's being a track's last, and its first."""
    strength = film.snr, snr_spread(film.snr, known.snr_variation)
    look = partial(
        unseen.still_there,
        strength=strength,
        peaks=faint,
        step_um2=known.step_um2,
    )
    last = look(film.frame + 1, film.xy_um + ahead_um)
    return last, look(film.frame - 1, film.xy_um - ahead_um)


def _learn(
    film: Film, whole: Ints, motion: Motion, variances_um2: tuple[Floats, Ints], current: Radius
) -> Known | None:
    """What the tracks of a round tell of the particles."""
    order = np.lexsort((film.frame, whole))
    track = whole[order]
    square = np.full(len(order), np.nan)
    steps = Steps.of(film, order, track)
    square[order[:-1][np.diff(track) == 0]] = (steps.less(motion.field) ** 2).mean(axis=1)
    learnt = odds.learn(
        film.frame,
        film.snr,
        whole,
        square,
        variances_um2,
        (film.area_um2, film.n_frames, film.blur),
        current.radius_um,
        film.max_gap,
    )
    if learnt is None:
        return None
    variance, n_steps = variances_um2
    variation = snr_variation(film.snr[order], film.frame[order], track)
    return Known(learnt, float(variance @ n_steps) / float(n_steps.sum()), variation)


def _support(
    film: Film,
    faint: filling.Peaks,
    ahead_um: Floats,
    known: Known,
    source: Ints,
    span: int,
    target: Ints,
) -> Floats:
    """Log-odds that faint peaks lend to links over missed frames."""
    times = longer(filling.LONGEST + 1, film.blur)
    expected = 0.5 * (film.snr[source] + film.snr[target])
    flow = np.zeros((len(source), len(times), 2))
    flow[:, :span] = ahead_um[:span, source].transpose(1, 0, 2)
    gaps = filling.Gaps(
        film.frame[source],
        np.full(len(source), span - 1),
        film.xy_um[source],
        film.xy_um[target],
        flow,
        np.tile(known.step_um2 * times, (len(source), 1)),
        expected,
        snr_spread(expected, known.snr_variation),
    )
    return filling.support(gaps, faint)


def _cut(
    film: Film, whole: Ints, motion: Motion, current: Radius
) -> tuple[Ints, Ints, float, float]:
    """Positions that count, sorted by track and frame, their tracks, border and company share."""
    track = whole.copy()
    order = np.lexsort((film.frame, track))
    order = order[pieces.drop_weak_starts(track[order], film.weak[order])]
    company = film.merged | pieces.in_company(film.frame, film.xy_um, film.overlap_um)
    order = order[~company[order]]
    track[order] = pieces.split(track[order], film.frame[order], LONGEST_SPAN)
    border = BORDER * current.radius_um + motion.field.fastest_um(film.size_um)
    border = min(border, min(film.size_um) / 4)
    inside = pieces.inside_border(film.xy_um[order], film.size_um, border)
    track[order], keep = pieces.cut_where_not(track[order], inside)
    order = order[keep]
    share = float(company.mean()) if len(company) else 0.0
    return order, track[order], border, share


def _look(
    film: Film, order: Ints, track: Ints, motion: Motion, *, fit_flow: bool
) -> tuple[Motion, Floats, Ints] | None:
    """Motion and step variances (with their numbers of steps) that tracks show."""
    steps = Steps.of(film, order, track)
    if not len(steps.frame):
        return None
    if fit_flow:
        motion = fit_motion(film, motion, steps)
    single = steps.single
    found = variances(steps.owner[single], steps.less(motion.field)[single])
    return None if found is None else (motion, found[0], found[1])


def _next_radius(current: Radius, variance: Floats, n_steps: Ints) -> Radius:
    if current.fixed:
        return current
    wanted = radius.from_tracks(variance, n_steps)
    reason = "the step that the fastest 0.5 % of the particles found exceed once in 10,000"
    if wanted > current.most_um:
        return replace(current, radius_um=current.most_um)
    return replace(current, radius_um=wanted, reason=reason)

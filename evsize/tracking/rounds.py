"""Link, see how the particles and the liquid move, and link again with what was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evsize.tracking import events, flow, linking, odds, pieces, radius
from evsize.tracking.field import SPACING, FlowField, fit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROUNDS = 6
MIN_STEPS = 4
FINEST = 3
"""Frames for a spline coefficient of the flow that finer ones are not tried below."""
UNKNOWN_GAP = 1
"""Frames that a track may miss where too few are linked for odds: with more, noise makes tracks."""
LONGEST_SPAN = 3
"""Frames from one position of a track to the next: a meeting of two particles may hide two."""
BORDER = 2.5 / radius.REACH
"""Width of the border in search radii: 2.5 standard deviations of the step of the fastest
particles, which leaves 1/20 of the border's bias."""


@dataclass(frozen=True, slots=True)
class Film:
    """The spots of a recording and what is known of it.

    Attributes
    ----------
    frame : ndarray of int, (spots,), ascending
    xy_um : ndarray, (spots, 2)
    weak : ndarray of bool, (spots,)
        Spots that only continue tracks.
    merged : ndarray of bool, (spots,)
        Spots that are two.
    snr : ndarray, (spots,)
        Signal-to-noise ratio of each.
    n_frames : int
    size_um : (float, float)
        Width and height of the image.
    overlap_um : float
        Distance within which spots disturb each other's position.
    blur : float
        R of Berglund.
    max_gap : int
        Frames that a track may miss.
    """

    frame: Ints
    xy_um: Floats
    weak: Bools
    merged: Bools
    snr: Floats
    n_frames: int
    size_um: tuple[float, float]
    overlap_um: float
    blur: float
    max_gap: int

    @property
    def area_um2(self) -> float:
        """Area of the image, um^2."""
        return self.size_um[0] * self.size_um[1]

    @property
    def inflation(self) -> float:
        """Share by which blur adds to the variance of a sum of many steps of one particle."""
        return 2 * self.blur / (1 - 2 * self.blur)


@dataclass(frozen=True, slots=True)
class Radius:
    """A search radius and its reason; `most_um` is the largest allowed."""

    radius_um: float
    most_um: float
    fixed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Motion:
    """How everything moves together: the flow, the scene cuts and the sudden intervals.

    Attributes
    ----------
    field : FlowField
    cuts : ndarray of bool, (n_frames,)
        Frames that show another scene than the one before.
    sudden : ndarray of int
        Frames from which to the next all particles moved suddenly.
    """

    field: FlowField
    cuts: Bools
    sudden: Ints


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
    motion: Motion
    radius: Radius
    truncated: float | None
    border_um: float
    in_company: float


def before_linking(film: Film, reach_um: float, kernel_um: float) -> Motion:
    """Flow, scene cuts and stage jumps from the spots alone."""
    centre = np.asarray(film.size_um) / 2
    field = flow.before_linking(film.frame, film.xy_um, film.n_frames, reach_um, kernel_um, centre)
    cuts, sudden = np.zeros(film.n_frames, bool), []
    jump = np.zeros((film.n_frames, 2))
    ahead = film.xy_um + field.over_step(film.frame, 1, film.xy_um)
    bounds = np.searchsorted(film.frame, np.arange(film.n_frames + 1))
    for now in events.broken_intervals(film.frame, film.xy_um, field, kernel_um, film.area_um2):
        here, there = slice(*bounds[now : now + 2]), slice(*bounds[now + 1 : now + 3])
        moved = events.shared_displacement(ahead[here], film.xy_um[there], kernel_um, film.area_um2)
        if moved is None:
            cuts[now + 1] = True
        else:
            jump[now] = moved
            sudden.append(now)
    return Motion(replace(field, jump_um=jump), cuts, np.array(sudden, np.int64))


def no_motion(n_frames: int) -> Motion:
    """Nothing moves but the particles by themselves."""
    return Motion(FlowField.none(n_frames), np.zeros(n_frames, bool), np.zeros(0, np.int64))


def link_rounds(film: Film, motion: Motion, first: Radius, *, fit_flow: bool) -> Linked:
    """Link until flow and radius, refined from the tracks of the round before, have settled."""
    current, known, max_gap = first, None, film.max_gap
    for turn in range(ROUNDS):
        whole = _link_all(film, motion, current, known, max_gap)
        order, track, border, company = _cut(film, whole, motion, current)
        found = _look(film, order, track, motion, fit_flow=fit_flow)
        linked = Linked(order, track, whole, motion, current, None, border, company)
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
        same_motion = _apart_um(refined.field, motion.field, film) < 0.02 * current.radius_um
        if turn == ROUNDS - 1 or (turn > 0 and same_radius and same_motion):
            break
        motion, current = refined, wanted
        known = odds.learn(
            film.frame,
            film.snr,
            whole,
            (variance, n_steps),
            (film.area_um2, film.n_frames, film.blur),
            current.radius_um,
            film.max_gap,
        )
        max_gap = film.max_gap if known else min(film.max_gap, UNKNOWN_GAP)
    return linked


def _link_all(
    film: Film, motion: Motion, current: Radius, known: odds.Odds | None, max_gap: int
) -> Ints:
    """Track of every spot."""
    spans = range(1, max_gap + 2)
    ahead = np.stack([motion.field.over_step(film.frame, m, film.xy_um) for m in spans])
    return linking.link(
        film.frame,
        film.xy_um,
        film.n_frames,
        current.radius_um,
        max_gap,
        ahead_um=ahead,
        cuts=motion.cuts,
        odds=known,
    )


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
    same = track[1:] == track[:-1]
    if not same.any():
        return None
    start = order[:-1][same]
    steps = _Steps(
        film.frame[start],
        np.diff(film.frame[order])[same],
        film.xy_um[start],
        np.diff(film.xy_um[order], axis=0)[same],
        track[:-1][same],
    )
    if fit_flow:
        motion = _fit_motion(film, motion, steps)
    single = steps.span == 1
    found = _variances(steps.owner[single], steps.less(motion.field)[single])
    return None if found is None else (motion, found[0], found[1])


@dataclass(frozen=True, slots=True)
class _Steps:
    """Steps of all tracks: start, frames spanned, displacement and track."""

    frame: Ints
    span: Ints
    place_um: Floats
    step_um: Floats
    owner: Ints

    def less(self, field: FlowField) -> Floats:
        """The steps without the flow, um."""
        return self.step_um - field.over_step(self.frame, self.span, self.place_um)


def _fit_motion(film: Film, motion: Motion, steps: _Steps) -> Motion:
    """Fit the flow; give sudden intervals their own displacement, and finer splines if needed."""
    single = steps.span == 1
    sudden, spacing = motion.sudden, SPACING
    field = _fit(film, motion, steps, sudden, spacing)
    if not single.any():
        return replace(motion, field=field)
    for _ in range(ROUNDS):
        residual = steps.less(field)[single]
        sd = _sd_of_steps(steps.owner[single], residual)
        finer = _fit(film, motion, steps, sudden, spacing // 2)
        finer_residual = steps.less(finer)[single]
        gain = _steady_gain(steps.frame[single], residual, finer_residual, sd)
        more = 2 * (finer.parameters - field.parameters)
        if spacing > FINEST and gain > (1 + film.inflation) * (more + 5 * np.sqrt(2 * more)):
            field, spacing = finer, spacing // 2
            continue
        found = events.sudden_motion(steps.frame[single], residual, sd, film.n_frames, film.blur)
        if not len(np.setdiff1d(found, sudden)):
            break
        sudden = np.union1d(sudden, found)
        field = _fit(film, motion, steps, sudden, spacing)
    return Motion(field, motion.cuts, sudden)


def _fit(film: Film, motion: Motion, steps: _Steps, sudden: Ints, spacing: int) -> FlowField:
    return fit(
        steps.frame,
        steps.span,
        steps.place_um,
        steps.step_um,
        film.n_frames,
        cuts=motion.cuts,
        sudden=sudden,
        spacing=spacing,
    )


def _steady_gain(frame: Ints, before: Floats, after: Floats, sd: Floats) -> float:
    """Fall of the standardised sum of squares, the twentieth of the frames with most left out.

    A flow that changes all the time is fitted better in all frames; a pulse, which is to be found
    as such, in a few. Steps far out count as if they were at the limit.
    """
    limit = events.CLIP**2
    fall = np.minimum((before / sd[:, None]) ** 2, limit)
    fall -= np.minimum((after / sd[:, None]) ** 2, limit)
    each = np.sort(np.bincount(frame, fall.sum(axis=1)))
    return float(each[: -(len(each) // 20) or None].sum())


def _variances(owner: Ints, step: Floats) -> tuple[Floats, Ints] | None:
    """Step variance of each track with enough steps, and their number."""
    count = np.bincount(owner, minlength=1)
    square = np.bincount(owner, (step**2).mean(axis=1), minlength=1)
    enough = count >= MIN_STEPS
    if enough.sum() < 5:
        return None
    n = count[enough].astype(np.int64)
    return radius.step_variances(square[enough] / n, n), n


def _sd_of_steps(owner: Ints, step: Floats) -> Floats:
    """Standard deviation of the steps of each step's particle; the usual one for short tracks."""
    return np.asarray(np.sqrt(variance_of_tracks(owner, step, 1)[owner]))


def variance_of_tracks(owner: Ints, step: Floats, n_tracks: int) -> Floats:
    """Variance of the steps of each of at least `n_tracks` tracks; the usual one for short ones.

    Parameters
    ----------
    owner : ndarray of int, (steps,)
        Track of each step over one frame.
    step : ndarray, (steps, 2)
        The steps, um.
    n_tracks : int
    """
    count = np.bincount(owner, minlength=n_tracks)
    variance = np.full(len(count), max(float((step**2).mean()), 1e-12))
    found = _variances(owner, step)
    if found is not None:
        variance[count >= MIN_STEPS] = found[0]
    return variance


def _next_radius(current: Radius, variance: Floats, n_steps: Ints) -> Radius:
    if current.fixed:
        return current
    wanted = radius.from_tracks(variance, n_steps)
    reason = "the step that the fastest 0.5 % of the particles found exceed once in 10,000"
    if wanted > current.most_um:
        return replace(current, radius_um=current.most_um)
    return replace(current, radius_um=wanted, reason=reason)


def _apart_um(one: FlowField, other: FlowField, film: Film) -> float:
    """Largest difference of two flows over a frame, at the corners of the image, um."""
    width, height = film.size_um
    frames = np.arange(film.n_frames)
    largest = 0.0
    for corner in ((0.0, 0.0), (width, 0.0), (0.0, height), (width, height)):
        place = np.broadcast_to(np.array(corner), (film.n_frames, 2))
        difference = one.over_step(frames, 1, place) - other.over_step(frames, 1, place)
        largest = max(largest, float(np.hypot(*difference.T).max(initial=0.0)))
    return largest

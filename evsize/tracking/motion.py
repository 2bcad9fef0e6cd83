"""How everything moves together: flow, scene cuts and sudden motion."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evsize.tracking import events, flow
from evsize.tracking.field import SPACING, FlowField, fit
from evsize.tracking.film import Film
from evsize.tracking.steps import Steps, sd_of_steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TRIES = 6
FINEST = 3
"""Frames for a spline coefficient of the flow that finer ones are not tried below."""


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


def fit_motion(film: Film, motion: Motion, steps: Steps) -> Motion:
    """Fit the flow; give sudden intervals their own displacement, and finer splines if needed."""
    single = steps.single
    sudden, spacing = motion.sudden, SPACING
    field = _fit(film, motion, steps, sudden, spacing)
    if not single.any():
        return replace(motion, field=field)
    for _ in range(TRIES):
        residual = steps.less(field)[single]
        sd = sd_of_steps(steps.owner[single], residual)
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


def _fit(film: Film, motion: Motion, steps: Steps, sudden: Ints, spacing: int) -> FlowField:
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


def apart_um(one: FlowField, other: FlowField, film: Film) -> float:
    """Largest difference of two flows over a frame, at the corners of the image, um."""
    width, height = film.size_um
    frames = np.arange(film.n_frames)
    largest = 0.0
    for corner in ((0.0, 0.0), (width, 0.0), (0.0, height), (width, height)):
        place = np.broadcast_to(np.array(corner), (film.n_frames, 2))
        difference = one.over_step(frames, 1, place) - other.over_step(frames, 1, place)
        largest = max(largest, float(np.hypot(*difference.T).max(initial=0.0)))
    return largest

"""A flow that is smooth in time and linear in space, fitted to all steps at once.

Never a per-frame mean, which would remove the diffusion of the few particles it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.interpolate import BSpline

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

STEPS_PER_FRAME = 8
"""A spline coefficient for every 25 frames needs 200 steps behind it."""
SPACING = 25
STEPS_FOR_SPACE = 4000
OUTLIER = 4.0


@dataclass(frozen=True, slots=True)
class FlowField:
    """A flow smooth in time and linear in space.

    Attributes
    ----------
    per_frame_um : ndarray, (n_frames, 2)
        Displacement from each frame to the next at `centre_um`, um.
    jump_um : ndarray, (n_frames, 2)
        What comes on top in the intervals in which all particles moved suddenly, um.
    gradient : ndarray, (2, 2)
        Change of the displacement with position, per frame: row the axis moved along.
    centre_um : ndarray, (2,)
    parameters : int
        Parameters fitted for each axis.
    """

    per_frame_um: Floats
    jump_um: Floats
    gradient: Floats
    centre_um: Floats
    parameters: int

    @classmethod
    def none(cls, n_frames: int) -> FlowField:
        """No flow at all."""
        still = np.zeros((n_frames, 2))
        return cls(still, still, np.zeros((2, 2)), np.zeros(2), 0)

    def over_step(self, frame: Ints, span: Ints | int, xy_um: Floats) -> Floats:
        """Displacement by the flow over steps that start at `xy_um` in `frame`, um."""
        moved = np.cumsum(self.per_frame_um + self.jump_um, axis=0)
        path = np.concatenate([np.zeros((1, 2)), moved])
        end = np.minimum(frame + span, len(path) - 1)
        local = (xy_um - self.centre_um) @ self.gradient.T * np.reshape(span, (-1, 1))
        return np.asarray(path[end] - path[frame] + local)

    def fastest_um(self, size_um: tuple[float, float]) -> float:
        """Largest displacement by the flow over a frame in the image, jumps left out, um."""
        sides = np.array([[x, y] for x in (0.0, size_um[0]) for y in (0.0, size_um[1])])
        local = (sides - self.centre_um) @ self.gradient.T
        moved = self.per_frame_um[:, None, :] + local
        return float(np.hypot(*moved.reshape(-1, 2).T).max(initial=0.0))


def fit(
    frame: Ints,
    span: Ints,
    xy_um: Floats,
    step_um: Floats,
    n_frames: int,
    *,
    cuts: Bools | None = None,
    sudden: Ints | None = None,
    spacing: int = SPACING,
) -> FlowField:
    """Fit cubic splines in time, linear in x and y, to all steps at once.

    Steps far from the rest (a wrong link) are left out of the fit.

    Parameters
    ----------
    frame, span : ndarray of int, (steps,)
        First frame of each step and the frames it spans.
    xy_um, step_um : ndarray, (steps, 2)
        Where each step starts, and the step, um.
    n_frames : int
        Frames of the recording.
    cuts : ndarray of bool, (n_frames,), optional
        Frames at which another scene, with its own flow, begins.
    sudden : ndarray of int, optional
        Frames from which to the next all particles moved suddenly: each has a displacement of
        its own.
    spacing : int
        Frames for each coefficient of the splines, at least; as many times eight steps.
    """
    centre = xy_um.mean(axis=0) if len(xy_um) else np.zeros(2)
    sudden = np.zeros(0, np.int64) if sudden is None else sudden
    scenes = _scenes(n_frames, cuts)
    counts = [int(((frame >= a) & (frame < b)).sum()) for a, b in scenes]
    smooth = _time_basis(frame + span / 2, scenes, counts, spacing)
    own = _own_basis(frame, span, sudden)
    own_seen = np.flatnonzero(np.asarray(own.sum(axis=0)).ravel() > 0)
    space = (xy_um - centre) if len(frame) >= STEPS_FOR_SPACE else xy_um[:, :0]
    parts = [smooth, own[:, own_seen], sparse.csr_array(space)]
    coefficients = _robust_least_squares(
        sparse.csr_array(sparse.hstack(parts)), span, step_um / span[:, None]
    )
    n_time, n_own = smooth.shape[1], len(own_seen)
    middle = np.arange(n_frames, dtype=np.float64) + 0.5
    per_frame = _time_basis(middle, scenes, counts, spacing) @ coefficients[:n_time]
    jump = np.zeros((n_frames, 2))
    jump[sudden[own_seen]] = coefficients[n_time : n_time + n_own]
    gradient = coefficients[n_time + n_own :].T if space.shape[1] else np.zeros((2, 2))
    return FlowField(per_frame, jump, gradient, centre, len(coefficients))


def _robust_least_squares(matrix: sparse.csr_array, span: Ints, rate: Floats) -> Floats:
    good = np.ones(len(rate), bool)
    coefficients = np.zeros((matrix.shape[1], 2))
    for _ in range(3):
        weight = span * good  # a step over m frames has m times the variance, a rate 1/m
        weighted = matrix.multiply(weight[:, None]).tocsr()
        normal, right = (weighted.T @ matrix).toarray(), weighted.T @ rate
        coefficients = np.linalg.lstsq(normal, right, rcond=None)[0]
        residual = (rate - matrix @ coefficients) * np.sqrt(span)[:, None]
        scale = 1.4826 * np.median(np.abs(residual), axis=0)
        good = np.all(np.abs(residual) <= OUTLIER * np.maximum(scale, 1e-12), axis=1)
    return coefficients


def _scenes(n_frames: int, cuts: Bools | None) -> list[tuple[int, int]]:
    inner = np.flatnonzero(cuts) if cuts is not None else np.zeros(0, int)
    edges = np.unique(np.concatenate([[0], inner, [n_frames]]))
    return [(int(a), int(b)) for a, b in pairwise(edges)]


def _time_basis(
    time: Floats, scenes: list[tuple[int, int]], counts: list[int], spacing: int
) -> sparse.csr_array:
    """Splines of each scene, side by side.

    A scene with too few frames or steps for a spline has a constant.
    """
    blocks = []
    for (begin, end), n_steps in zip(scenes, counts, strict=True):
        within = (time >= begin) & (time < end)
        n = int(min((end - begin) // spacing, n_steps // (STEPS_PER_FRAME * spacing), 2000))
        rows = np.flatnonzero(within)
        if n < 5:
            block = sparse.csr_array(np.ones((len(rows), 1)))
        else:
            knots = np.concatenate(
                [np.full(3, begin), np.linspace(begin, end, n - 2), np.full(3, end)]
            ).astype(np.float64)
            block = sparse.csr_array(BSpline.design_matrix(time[rows], knots, 3))
        place = sparse.csr_array(
            (np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(len(time), len(rows))
        )
        blocks.append(place @ block)
    return sparse.csr_array(sparse.hstack(blocks))


def _own_basis(frame: Ints, span: Ints, sudden: Ints) -> sparse.csr_array:
    """Share of each step's time that lies in each interval with a displacement of its own."""
    inside = (frame[:, None] <= sudden) & (sudden < (frame + span)[:, None])
    return sparse.csr_array(inside / span[:, None])

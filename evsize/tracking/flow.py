"""Flow of the liquid: found before linking, then fitted to all steps at once.

Never a per-frame mean, which would remove the diffusion of the few particles it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.interpolate import BSpline
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PAIRS_PER_BLOCK = 400
STEPS_PER_COEFFICIENT = 200
OUTLIER = 4.0


def displacements(frame: Ints, xy_um: Floats, reach_um: float) -> tuple[Ints, Floats]:
    """All displacements up to `reach_um` between spots of neighbouring frames.

    Parameters
    ----------
    frame : ndarray of int, (spots,), ascending
        Frame of each spot.
    xy_um : ndarray, (spots, 2)
        Positions, um.
    reach_um : float
        Largest displacement, um.

    Returns
    -------
    frame : ndarray of int, (pairs,)
        The earlier frame of each pair.
    displacement_um : ndarray, (pairs, 2)
    """
    numbers, first = np.unique(frame, return_index=True)
    bounds = np.append(first, len(frame))
    trees = [cKDTree(xy_um[a:b]) for a, b in pairwise(bounds)]
    frames, moved = [], []
    for index in np.flatnonzero(np.diff(numbers) == 1):
        pairs = trees[index].sparse_distance_matrix(
            trees[index + 1], reach_um, output_type="ndarray"
        )
        a, b = bounds[index] + pairs["i"], bounds[index + 1] + pairs["j"]
        moved.append(xy_um[b] - xy_um[a])
        frames.append(np.full(len(a), numbers[index]))
    if not moved:
        return np.zeros(0, np.int64), np.zeros((0, 2))
    return np.concatenate(frames).astype(np.int64), np.concatenate(moved)


def peak_displacement(displacement_um: Floats, reach_um: float, kernel_um: float) -> Floats:
    """Displacement about which most pairs gather: the flow over one frame.

    Pairs of the same particle gather about the flow with the spread of diffusion; all others are
    spread evenly. The highest kernel density is found on a grid and refined by mean shift.

    Returns
    -------
    ndarray, (2,)
        Displacement, um; zero where the gathering is no more than chance.
    """
    if len(displacement_um) < 20:
        return np.zeros(2)
    n = int(np.clip(2 * reach_um / (0.5 * kernel_um), 9, 201)) | 1
    edges = np.linspace(-reach_um, reach_um, n + 1)
    counts = np.histogram2d(displacement_um[:, 0], displacement_um[:, 1], bins=[edges, edges])[0]
    width = edges[1] - edges[0]
    density = gaussian_filter(counts, kernel_um / width, mode="constant")
    centres = (edges[1:] + edges[:-1]) / 2
    inside = np.hypot(*np.meshgrid(centres, centres, indexing="ij")) < reach_um - 2 * kernel_um
    if not inside.any():
        return np.zeros(2)
    top = np.unravel_index(np.argmax(np.where(inside, density, 0)), density.shape)
    background = float(np.median(density[inside]))
    # counts under the kernel are Poisson: variance density * width^2 / (4 pi kernel^2)
    chance = np.sqrt(max(background, 1e-9) * width**2 / (4 * np.pi * kernel_um**2))
    if density[top] < background + 6 * chance:
        return np.zeros(2)
    centre = np.array([centres[top[0]], centres[top[1]]])
    return mean_shift(displacement_um, centre, kernel_um, reach_um)


def mean_shift(displacement_um: Floats, start: Floats, kernel_um: float, reach_um: float) -> Floats:
    """Climb to the nearest top of the kernel density from `start`, (2,) um."""
    centre = start
    for _ in range(50):
        # a symmetric window about the centre keeps the even background from pulling
        radius = min(3 * kernel_um, reach_um - float(np.hypot(*centre)))
        if radius <= 0:
            return start
        away = displacement_um - centre
        square = (away**2).sum(axis=1)
        weight = np.exp(-square / (2 * kernel_um**2)) * (square < radius**2)
        if weight.sum() < 1e-9:
            return centre
        shift = (weight[:, None] * away).sum(axis=0) / weight.sum()
        centre = centre + shift
        if float(np.hypot(*shift)) < 1e-4 * kernel_um:
            break
    return np.asarray(centre)


def before_linking(
    frame: Ints, xy_um: Floats, n_frames: int, reach_um: float, kernel_um: float
) -> Floats:
    """Displacement by the flow over each frame, found without links.

    Returns
    -------
    ndarray, (n_frames, 2)
        Displacement from each frame to the next, um: blocks of frames that hold some hundred
        pairs each, joined by straight lines.
    """
    when, moved = displacements(frame, xy_um, reach_um)
    overall = peak_displacement(moved, reach_um, kernel_um)
    near = ((moved - overall) ** 2).sum(axis=1) < (3 * kernel_um) ** 2
    n_blocks = int(np.clip(near.sum() // PAIRS_PER_BLOCK, 1, max(1, n_frames // 25)))
    if not overall.any() or n_blocks == 1:
        return np.tile(overall, (n_frames, 1))
    edges = np.linspace(0, n_frames, n_blocks + 1)
    values = np.array(
        [
            mean_shift(moved[(when >= a) & (when < b)], overall, kernel_um, reach_um)
            for a, b in pairwise(edges)
        ]
    )
    centres = (edges[1:] + edges[:-1]) / 2
    frames = np.arange(n_frames)
    return np.column_stack([np.interp(frames, centres, values[:, axis]) for axis in (0, 1)])


@dataclass(frozen=True, slots=True)
class FlowField:
    """A flow smooth in time and linear in space.

    Attributes
    ----------
    per_frame_um : ndarray, (n_frames, 2)
        Displacement over each frame at `centre_um`, um.
    gradient : ndarray, (2, 2)
        Change of that displacement with position, per frame: row the axis moved along.
    centre_um : ndarray, (2,)
    parameters : int
        Parameters fitted for each axis.
    """

    per_frame_um: Floats
    gradient: Floats
    centre_um: Floats
    parameters: int

    def over_step(self, frame: Ints, span: Ints, xy_um: Floats) -> Floats:
        """Displacement by the flow over steps that start at `xy_um` in `frame`, um."""
        path = np.concatenate([np.zeros((1, 2)), np.cumsum(self.per_frame_um, axis=0)])
        end = np.minimum(frame + span, len(path) - 1)
        local = (xy_um - self.centre_um) @ self.gradient.T * span[:, None]
        return np.asarray(path[end] - path[frame] + local)


def fit(frame: Ints, span: Ints, xy_um: Floats, step_um: Floats, n_frames: int) -> FlowField:
    """Fit a flow to all steps at once: cubic spline in time, linear in x and y.

    Steps far from the rest (a wrong link, a stage jump) are left out of the fit.

    Parameters
    ----------
    frame, span : ndarray of int, (steps,)
        First frame of each step and the frames it spans.
    xy_um, step_um : ndarray, (steps, 2)
        Where each step starts, and the step, um.
    n_frames : int
        Frames of the recording.
    """
    centre = xy_um.mean(axis=0) if len(xy_um) else np.zeros(2)
    design = _time_basis(frame + span / 2, n_frames, len(frame))
    n_time = design.shape[1]
    space = (xy_um - centre) if len(frame) >= 20 * STEPS_PER_COEFFICIENT else xy_um[:, :0]
    matrix = sparse.csr_array(sparse.hstack([design, sparse.csr_array(space)]))
    rate = step_um / span[:, None]
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
    times = _time_basis(np.arange(n_frames, dtype=np.float64) + 0.5, n_frames, len(frame))
    gradient = coefficients[n_time:].T if space.shape[1] else np.zeros((2, 2))
    return FlowField(times @ coefficients[:n_time], gradient, centre, matrix.shape[1])


def _time_basis(time: Floats, n_frames: int, n_steps: int) -> sparse.csr_array:
    """Cubic B-splines with at least 25 frames and 200 steps each; a constant if too few."""
    n = int(min(n_frames // 25, n_steps // STEPS_PER_COEFFICIENT, 200))
    if n < 5:
        return sparse.csr_array(np.ones((len(time), 1)))
    inner = np.linspace(0, n_frames, n - 2)
    knots = np.concatenate([np.zeros(3), inner, np.full(3, float(n_frames))])
    clipped = np.clip(time, 0, n_frames * (1 - 1e-12))
    return sparse.csr_array(BSpline.design_matrix(clipped, knots, 3))

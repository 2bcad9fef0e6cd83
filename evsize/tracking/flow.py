"""The flow before any link is made: where displacements between neighbouring frames gather."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from evsize.tracking.field import FlowField

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PAIRS_PER_BLOCK = 400
MOST_PAIRS = 200_000


def displacements(frame: Ints, xy_um: Floats, reach_um: float) -> tuple[Ints, Floats, Floats]:
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
    start_um, displacement_um : ndarray, (pairs, 2)
        Of a crowded film, those of every second, third ... frame only.
    """
    numbers, first = np.unique(frame, return_index=True)
    bounds = np.append(first, len(frame))
    trees = [cKDTree(xy_um[a:b]) for a, b in pairwise(bounds)]
    frames, starts, moved = [], [], []
    followed = np.flatnonzero(np.diff(numbers) == 1)
    every = 1
    for turn, index in enumerate(followed):
        if turn % every:
            continue
        pairs = trees[index].sparse_distance_matrix(
            trees[index + 1], reach_um, output_type="ndarray"
        )
        a, b = bounds[index] + pairs["i"], bounds[index + 1] + pairs["j"]
        starts.append(xy_um[a])
        moved.append(xy_um[b] - xy_um[a])
        frames.append(np.full(len(a), numbers[index]))
        if turn == 0:
            every = 1 + len(followed) * len(a) // MOST_PAIRS
    if not moved:
        return np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 2))
    return np.concatenate(frames).astype(np.int64), np.concatenate(starts), np.concatenate(moved)


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
    for _ in range(100):
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
        if float(np.hypot(*shift)) < 1e-7 * kernel_um:
            break
    return np.asarray(centre)


def spatial_gradient(
    start_um: Floats, displacement_um: Floats, overall_um: Floats, kernel_um: float
) -> Floats:
    """Change of the flow over a frame with position, (2, 2): a mean shift on a plane.

    Pairs are weighted by their distance from the plane found so far; the plane grows outwards
    from where it crosses the overall displacement.

    Parameters
    ----------
    start_um, displacement_um : ndarray, (pairs, 2)
        Where each pair starts, from the centre of the image, and its displacement, um.
    overall_um : ndarray, (2,)
        Displacement about which most pairs gather, um.
    kernel_um : float
        Width of the weights, um.
    """
    design = np.column_stack([np.ones(len(start_um)), start_um])
    plane = np.zeros((3, 2))
    plane[0] = overall_um
    scale = np.array([1.0, *start_um.std(axis=0)])
    for _ in range(100):
        away = displacement_um - design @ plane
        square = (away**2).sum(axis=1)
        weight = np.exp(-square / (2 * kernel_um**2)) * (square < (3 * kernel_um) ** 2)
        weighted = design * weight[:, None]
        change = np.linalg.lstsq(weighted.T @ design, weighted.T @ away, rcond=None)[0]
        plane = plane + change
        if float(np.abs(change * scale[:, None]).max()) < 1e-7 * kernel_um:
            break
    return plane[1:].T


def before_linking(
    frame: Ints,
    xy_um: Floats,
    n_frames: int,
    reach_um: float,
    kernel_um: float,
    centre_um: Floats,
) -> FlowField:
    """Find the flow without links: smooth in time, linear in space.

    Parameters
    ----------
    frame, xy_um, n_frames
        The spots, as in `displacements`.
    reach_um : float
        Largest displacement looked at, um.
    kernel_um : float
        Spread of the particles' own steps, um.
    centre_um : ndarray, (2,)
        Centre of the image, um.

    Returns
    -------
    FlowField
        In time, blocks of frames that hold some hundred pairs each, joined by straight lines. No
        flow where displacements gather nowhere.
    """
    when, start, moved = displacements(frame, xy_um, reach_um)
    overall = peak_displacement(moved, reach_um, kernel_um)
    none = FlowField.none(n_frames)
    if not overall.any():
        return none
    gradient = np.zeros((2, 2))
    if len(np.unique(frame)) > 1 and len(moved) >= PAIRS_PER_BLOCK:
        gradient = spatial_gradient(start - centre_um, moved, overall, kernel_um)
    moved = moved - (start - centre_um) @ gradient.T
    near = ((moved - overall) ** 2).sum(axis=1) < (3 * kernel_um) ** 2
    n_blocks = int(np.clip(near.sum() // PAIRS_PER_BLOCK, 1, max(1, n_frames // 25)))
    edges = np.linspace(0, n_frames, n_blocks + 1)
    values = np.array(
        [
            mean_shift(moved[(when >= a) & (when < b)], overall, kernel_um, reach_um)
            for a, b in pairwise(edges)
        ]
    )
    centres = (edges[1:] + edges[:-1]) / 2
    frames = np.arange(n_frames)
    along = np.column_stack([np.interp(frames, centres, values[:, axis]) for axis in (0, 1)])
    return FlowField(along, none.jump_um, gradient, centre_um, 0)

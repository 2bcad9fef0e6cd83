"""Brownian tracks, spots and likelihoods made here, and the bounds that theory sets on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evsize.physics import Conditions, water_viscosity_mpas
from evsize.results import Detections, Likelihoods, Tracks
from evsize.tables import DETECTIONS, FRAMES, TRACKS
from tests.theory import sine_transform

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WATER = Conditions(0.166, 0.04, 0.5, 22.0, water_viscosity_mpas(22.0))
"""A usual instrument: 25 frames/s, 0.166 um/px, shutter open for half the frame."""


def conditions(exposure_fraction: float) -> Conditions:
    return replace(WATER, exposure_fraction=exposure_fraction)


def tracks_of(
    xy_um: Floats, *, seen: NDArray[np.bool_] | None = None, loc_se_nm: float = np.nan
) -> Tracks:
    """Tracks (tracks, positions, 2) as the tracking stage would hand them on, without flow."""
    n_tracks, n_positions = xy_um.shape[:2]
    seen = np.ones((n_tracks, n_positions), bool) if seen is None else seen
    track, frame = np.nonzero(seen)
    n = len(track)
    table = TRACKS.build(
        track_id=track,
        frame=frame,
        t_s=frame * WATER.frame_interval_s,
        x_um=xy_um[seen][:, 0],
        y_um=xy_um[seen][:, 1],
        loc_se_nm=np.full(n, loc_se_nm),
        brightness=np.full(n, 1e3),
        snr=np.full(n, 20.0),
        flags=np.zeros(n),
    )
    return Tracks(table, np.zeros((n, 2)), 0, frames_of(n_positions), 5.0, {})


def frames_of(n_frames: int):
    zeros = np.zeros(n_frames)
    return FRAMES.build(
        frame=np.arange(n_frames),
        t_s=np.arange(n_frames) * WATER.frame_interval_s,
        detections=zeros,
        false_detections=zeros,
        background=zeros,
        noise=zeros,
        flow_x_um_s=zeros * np.nan,
        flow_y_um_s=zeros * np.nan,
        flags=zeros,
    )


def detections_of(
    frame: Ints, xy_um: Floats, n_frames: int, size_um: tuple[float, float], flags: Ints | int = 0
) -> Detections:
    """Spots as the detection stage would hand them on; the image is `size_um` wide and high."""
    n = len(frame)
    table = DETECTIONS.build(
        frame=frame,
        x_px=xy_um[:, 0] / WATER.pixel_size_um,
        y_px=xy_um[:, 1] / WATER.pixel_size_um,
        loc_se_px=np.full(n, 0.01),
        brightness=np.full(n, 1e3),
        snr=np.full(n, 20.0),
        flags=np.broadcast_to(flags, n),
    )
    width_px, height_px = (round(side / WATER.pixel_size_um) for side in size_um)
    return Detections(table, frames_of(n_frames), height_px, width_px, {})


def film(
    rng: np.random.Generator,
    per_frame: float,
    n_frames: int,
    size_um: tuple[float, float],
    step_um: float,
    flow_um: Floats | None = None,
    gradient: Floats | None = None,
) -> tuple[Ints, Floats, Ints]:
    """Plane Brownian particles seen through a window: frame, position and identity of each spot.

    The particles live in a larger box with periodic sides; who crosses a side, well outside the
    window, comes back as somebody else. Number in the window: Poisson about `per_frame`.

    Parameters
    ----------
    step_um : float
        Standard deviation of one axis's step.
    flow_um : ndarray, (n_frames, 2)
        Displacement from each frame to the next.
    gradient : ndarray, (2, 2)
        Its change with the distance from the window's centre.
    """
    window = np.asarray(size_um)
    margin = 8 * step_um + (np.abs(flow_um).max() * 4 if flow_um is not None else 0.0)
    box = window + 2 * margin
    n = rng.poisson(per_frame * box.prod() / window.prod())
    xy = rng.uniform(-margin, window + margin, (n, 2))
    identity = np.arange(n)
    frames, places, names = [], [], []
    for now in range(n_frames):
        inside = np.all((xy >= 0) & (xy < window), axis=1)
        frames.append(np.full(inside.sum(), now))
        places.append(xy[inside])
        names.append(identity[inside])
        moved = step_um * rng.standard_normal((n, 2))
        if flow_um is not None:
            moved = moved + flow_um[now]
        if gradient is not None:
            moved = moved + (xy - window / 2) @ gradient.T
        wrapped = (xy + moved + margin) % box - margin
        crossed = np.any(np.abs(wrapped - xy - moved) > 1e-6, axis=1)
        identity = np.where(crossed, identity + n, identity)
        xy = wrapped
    return np.concatenate(frames), np.concatenate(places), np.concatenate(names)


def likelihoods_of(
    d_true_um2_s: Floats,
    n_steps: Ints,
    loc_sd_um: float,
    where: Conditions,
    rng: np.random.Generator,
    diameter_nm: Floats | None = None,
) -> Likelihoods:
    """Likelihoods of simulated tracks, their step power drawn from its exact law.

    The power of two axes in each sine mode is lambda_k times a chi-square variable with two
    degrees of freedom. Tracks are strewn evenly over 50 um and 60 s.
    """
    diameter = np.geomspace(10, 3000, 240) if diameter_nm is None else diameter_nm
    grid = where.stokes_einstein_um3_s / diameter * 1e3
    log_l = np.zeros((len(n_steps), len(grid)))
    timing = (where.frame_interval_s, where.blur)
    for n in np.unique(n_steps):
        rows = np.flatnonzero(n_steps == n)
        spectrum = sine_transform.step_spectrum(d_true_um2_s[rows], loc_sd_um**2, int(n), *timing)
        power = spectrum * rng.chisquare(2, spectrum.shape)
        log_l[rows] = sine_transform.log_likelihood(power, 2, grid, loc_sd_um**2, *timing)
    n_tracks = len(n_steps)
    return Likelihoods(
        track_id=np.arange(n_tracks),
        n_positions=n_steps + 1,
        first_frame=rng.integers(0, 1500, n_tracks),
        x_um=rng.uniform(0, 50, n_tracks),
        y_um=rng.uniform(0, 50, n_tracks),
        d_um2_s=grid,
        log_likelihood=log_l,
        d_cov_um2_s=np.full(n_tracks, np.nan),
        loc_sd_um=np.full(n_tracks, loc_sd_um),
        flags=np.zeros(n_tracks, np.uint32),
        rejected={},
        choices={},
    )


def information(
    d_um2_s: float, loc_var_um2: float, n_steps: int, interval_s: float, blur: float
) -> Floats:
    """Fisher information (2, 2) on D and the localisation variance from one axis of one track.

    1/2 sum_k (d lambda_k/d a)(d lambda_k/d b)/lambda_k^2: the steps are Gaussian and
    diagonal in the sine transform (Michalet & Berglund 2012).
    """
    cosine = np.cos(np.arange(1, n_steps + 1) * np.pi / (n_steps + 1))
    travel = 2 * d_um2_s * interval_s
    spectrum = travel * (1 - 2 * blur + 2 * blur * cosine) + 2 * loc_var_um2 * (1 - cosine)
    slopes = np.array([2 * interval_s * (1 - 2 * blur + 2 * blur * cosine), 2 * (1 - cosine)])
    return np.asarray(0.5 * (slopes / spectrum**2) @ slopes.T)


def maximum(log_likelihood: Floats, grid: Floats) -> tuple[float, float]:
    """Place of the maximum of one log-likelihood and its standard error from the curvature.

    A parabola in ln(grid) through the three highest points of a fine, logarithmic grid.
    """
    top = int(np.argmax(log_likelihood))
    assert 0 < top < len(grid) - 1, "the maximum lies at the end of the grid"
    left, middle, right = log_likelihood[top - 1 : top + 2]
    step = abs(np.log(grid[1] / grid[0]))
    curvature = left - 2 * middle + right
    shift = 0.5 * (left - right) / curvature
    best = float(np.exp(np.log(grid[top]) + shift * np.log(grid[1] / grid[0])))
    return best, best * step / float(np.sqrt(-curvature))


def covariance_errors(
    d_um2_s: float, loc_var_um2: float, n_steps: float, interval_s: float, blur: float
) -> tuple[float, float]:
    """Give the standard errors of both estimates of `evsize.diffusion.covariance`, pooled.

    From `n_steps` steps of all axes, for long tracks and one diffusion coefficient: the moments'
    covariances of a Gaussian process with neighbour correlation, carried through its two linear
    formulas.
    """
    a = 2 * d_um2_s * interval_s * (1 - 2 * blur) + 2 * loc_var_um2
    b = 2 * d_um2_s * interval_s * blur - loc_var_um2
    square = 2 * a**2 + 4 * b**2
    product = a**2 + 3 * b**2
    cross = 4 * a * b
    weights_d = np.array([1 / (2 * interval_s), 1 / interval_s])
    weights_s = np.array([blur, 2 * blur - 1])
    covariance = np.array([[square, cross], [cross, product]]) / max(n_steps, 1)
    return (
        float(np.sqrt(max(weights_d @ covariance @ weights_d, 0.0))),
        float(np.sqrt(max(weights_s @ covariance @ weights_s, 0.0))),
    )

"""Tracks without pictures, for tests of estimators."""

from __future__ import annotations

import numpy as np

from evsize.errors import UsageError
from evsize.results import Floats


def simulate_tracks(
    d_um2_s: float | Floats,
    n_positions: int,
    frame_interval_s: float,
    exposure_fraction: float,
    loc_sd_um: float | Floats,
    rng: np.random.Generator,
    *,
    n_tracks: int | None = None,
) -> Floats:
    """Simulate the positions that a camera sees of Brownian particles.

    Parameters
    ----------
    d_um2_s : float or ndarray, (n_tracks,)
        Diffusion coefficient of each track, um^2/s.
    n_positions : int
        Positions of a track.
    frame_interval_s : float
        Time from frame to frame, s.
    exposure_fraction : float
        Share of it for which the shutter is open, 0 to 1.
    loc_sd_um : float or ndarray, (n_tracks,)
        Sd of the localisation error along an axis, um.
    rng : Generator
        Source of randomness.
    n_tracks : int, optional
        Number of tracks where `d_um2_s` is one number.

    Returns
    -------
    ndarray, (n_tracks, n_positions, 2)
        Positions averaged over the exposure plus localisation error, um; they start near 0.

    Notes
    -----
    The average over the exposure is drawn exactly, not in steps: given the ends a, b of the open
    time h it is normal with mean (a + b)/2 and variance D h / 6 along an axis (Brownian bridge).
    Steps then have the covariance of Berglund, Phys. Rev. E 82, 011917 (2010) with
    R = exposure_fraction / 6.
    """
    if not 0 <= exposure_fraction <= 1 or n_positions < 1 or frame_interval_s <= 0:
        raise UsageError(
            f"{n_positions} positions, interval {frame_interval_s} s, exposure {exposure_fraction}",
            "at least one position, a positive interval, an exposure of 0 to 1 of the frame",
        )
    diffusion = np.broadcast_to(np.asarray(d_um2_s, dtype=np.float64), _count(d_um2_s, n_tracks))
    noise = np.broadcast_to(np.asarray(loc_sd_um, dtype=np.float64), diffusion.shape)
    diffusion, noise = diffusion[:, None, None], noise[:, None, None]
    shape = (len(diffusion), n_positions, 2)
    open_s = exposure_fraction * frame_interval_s
    moved_open = np.sqrt(2 * diffusion * open_s) * rng.standard_normal(shape)
    moved_shut = np.sqrt(2 * diffusion * (frame_interval_s - open_s)) * rng.standard_normal(shape)
    ends = np.cumsum(moved_open + moved_shut, axis=1)
    start = ends - moved_open - moved_shut
    bridge = np.sqrt(diffusion * open_s / 6) * rng.standard_normal(shape)
    error = noise * rng.standard_normal(shape)
    return np.asarray(start + moved_open / 2 + bridge + error)


def _count(d_um2_s: float | Floats, n_tracks: int | None) -> tuple[int]:
    if np.ndim(d_um2_s) == 0:
        return (1 if n_tracks is None else n_tracks,)
    return (len(np.asarray(d_um2_s)),)

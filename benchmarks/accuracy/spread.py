"""Spread of single-track estimates against the Cramer-Rao bound, localisation noise known."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.accuracy.sheet import REGIMES
from evsize.diffusion import tridiagonal
from evsize.simulation import simulate_tracks
from evsize.sizing.tracks import best_and_interval

N_TRACKS = 4000
STEPS = (15, 30, 60)
NOISES_UM = (0.02, 0.1, 0.2)


def one(regime: str, seed: int) -> list[dict[str, Any]]:
    """Ratio of spread and bound of a 100 nm particle's D for several lengths and noises."""
    where = REGIMES[regime].conditions
    d = where.diffusion_um2_s(100.0)
    rng = np.random.default_rng(seed)
    timing = (where.frame_interval_s, where.blur)
    grid = d * np.geomspace(0.05, 6, 600)
    rows = []
    for n_steps in STEPS:
        for noise_um in NOISES_UM:
            xy = simulate_tracks(
                d,
                n_steps + 1,
                where.frame_interval_s,
                where.exposure_fraction,
                noise_um,
                rng,
                n_tracks=N_TRACKS,
            )
            log_l = tridiagonal.log_likelihood(
                np.diff(xy, axis=1).reshape(-1, 2),
                np.ones(N_TRACKS * n_steps, np.int64),
                np.arange(N_TRACKS + 1) * (n_steps + 1),
                np.full(N_TRACKS * (n_steps + 1), noise_um**2),
                grid,
                *timing,
            )
            best = best_and_interval(log_l, grid)[0]
            bound = _bound(d, noise_um**2, n_steps, *timing)
            rows.append(
                {
                    "steps": n_steps,
                    "noise_um": noise_um,
                    "ratio": float(best.std() / bound),
                    "bias_percent": float(100 * (best.mean() / d - 1)),
                }
            )
    return rows


def _bound(
    d_um2_s: float, loc_var_um2: float, n_steps: int, interval_s: float, blur: float
) -> float:
    """Cramer-Rao bound of D from two axes: 1/sqrt(tr((C^-1 dC/dD)^2)), C that of the steps."""
    neighbour = np.eye(n_steps, k=1) + np.eye(n_steps, k=-1)
    slope = 2 * interval_s * ((1 - 2 * blur) * np.eye(n_steps) + blur * neighbour)
    covariance = d_um2_s * slope + loc_var_um2 * (2 * np.eye(n_steps) - neighbour)
    change = np.linalg.solve(covariance, slope)
    return float(1 / np.sqrt(np.trace(change @ change)))

"""Spread of single-track estimates against the Cramer-Rao bound, localisation noise known."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.accuracy.sheet import REGIMES
from evsize.diffusion import dst
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
            power = dst.step_power(np.diff(xy, axis=1))
            log_l = dst.log_likelihood(power, 2, grid, noise_um**2, *timing)
            best = best_and_interval(log_l, grid)[0]
            # information on D of two axes: sum over modes of (d lambda/d D)^2/lambda^2
            step = 1e-4 * d
            low, high = dst.step_spectrum(
                np.array([d - step, d + step]), noise_um**2, n_steps, *timing
            )
            slope, middle = (high - low) / (2 * step), (high + low) / 2
            bound = 1 / np.sqrt(((slope / middle) ** 2).sum())
            rows.append(
                {
                    "steps": n_steps,
                    "noise_um": noise_um,
                    "ratio": float(best.std() / bound),
                    "bias_percent": float(100 * (best.mean() / d - 1)),
                }
            )
    return rows

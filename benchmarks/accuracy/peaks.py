"""How often two sizes are told apart, and how often one population is split."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.accuracy.sheet import REGIMES
from evsize.diffusion import estimate_diffusion
from evsize.settings import SizingSettings
from evsize.simulation import simulate_tracks
from evsize.sizing import size
from evsize.trajectories import as_tracks

N_TRACKS = 2000
MEAN_STEPS = 30
FEWEST_STEPS = 4
LOC_SD_UM = 0.05
KINDS = {"100 and 133 nm": 0.0, "log-normal 15 %": 0.15, "log-normal 20 %": 0.2}
"""Width of the single populations; 0 for the two sizes."""


def one(kind: str, seed: int) -> dict[str, Any]:
    """Number of peaks found in 2,000 tracks of 30 steps on average, localisation error unknown."""
    rng = np.random.default_rng(seed)
    where = REGIMES["nanosight"].conditions
    if KINDS[kind]:
        diameter = 115 * np.exp(KINDS[kind] * rng.standard_normal(N_TRACKS))
    else:
        diameter = np.where(np.arange(N_TRACKS) % 2, 100.0, 133.0)
    extra = rng.exponential(MEAN_STEPS - FEWEST_STEPS, N_TRACKS).astype(int)
    n_positions = FEWEST_STEPS + 1 + extra
    d = where.stokes_einstein_um3_s / diameter * 1e3
    longest = int(n_positions.max())
    xy = simulate_tracks(
        d, longest, where.frame_interval_s, where.exposure_fraction, LOC_SD_UM, rng
    )
    seen = np.arange(longest) < n_positions[:, None]
    track, frame = np.nonzero(seen)
    # tracks begin anywhere in a minute and a field of 100 um
    start = rng.integers(0, 1500, N_TRACKS)
    place = rng.uniform(0, 100, (N_TRACKS, 2))
    x, y = (xy[seen] + place[track]).T
    table = {"particle": track, "frame": frame + start[track], "x_um": x, "y_um": y}
    likelihoods = estimate_diffusion(as_tracks(table, where).tracks, where)
    found = size(likelihoods, where, SizingSettings(n_bootstrap=0)).distribution
    return {"peaks": [peak.mode_nm for peak in found.peaks]}


def share_of_two(rows: list[dict[str, Any]]) -> float:
    """Share of seeds with two peaks or more."""
    return float(np.mean([len(row["peaks"]) > 1 for row in rows]))

"""Steps beyond the search radius are not seen: the likelihood knows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evsize.diffusion import estimate_diffusion
from evsize.settings import DiffusionSettings
from evsize.simulation import simulate_tracks
from tests.theory.brownian import conditions, maximum, tracks_of

D, DT, NOISE_UM = 4.0, 0.04, 0.05
FINE = D * np.geomspace(0.3, 3, 1501)
KNOWN = DiffusionSettings(loc_sd_nm=1e3 * NOISE_UM)


@pytest.mark.parametrize("exposure", [0.0, 0.75])
@pytest.mark.parametrize("radius_sd", [2.5, 3.0])
def test_d_is_unbiased_behind_a_search_radius(exposure, radius_sd):
    """A plane step goes beyond 2.5 sd in 4.4 %, beyond 3 sd in 1.1 % of the cases.

    Without the correction D is too small by r^2/2 / (exp(r^2/2) - 1): 14 and 5 %. What is
    left after it comes from the steps' correlation rho <= 1/6, squared, of that: 0.4 %.
    """
    where = conditions(exposure)
    rng = np.random.default_rng(12)
    xy = simulate_tracks(D, 13, DT, exposure, NOISE_UM, rng, n_tracks=4000)
    sd = np.sqrt(2 * D * DT * (1 - 2 * where.blur) + 2 * NOISE_UM**2)
    step = np.hypot(*np.moveaxis(np.diff(xy, axis=1), 2, 0))
    together = np.cumprod(step < radius_sd * sd, axis=1).astype(bool)
    seen = np.column_stack([np.ones(len(xy), bool), together])
    made = tracks_of(xy, seen=seen)
    best = {}
    for radius in (np.inf, radius_sd * sd):
        tracks = replace(made, search_radius_um=radius)
        log_l = estimate_diffusion(tracks, where, KNOWN, d_um2_s=FINE).log_likelihood
        best[radius], error = maximum(log_l.sum(axis=0), FINE)
    lost = radius_sd**2 / 2 / np.expm1(radius_sd**2 / 2)
    assert best[np.inf] / D == pytest.approx(1 - lost, abs=4 * error / D + 0.3 * lost)
    assert best[radius_sd * sd] / D == pytest.approx(1, abs=4 * error / D + lost / 36)
    assert lost > 4 * error / D  # the test has teeth


SIDE_SD = 20.0
"""Side of a small field, in standard deviations of a step."""


def table_of_a_field(seed, n_particles=4000, n_frames=150):
    """Exact positions of free particles; a track ends where its particle leaves the field."""
    rng = np.random.default_rng(seed)
    sd = np.sqrt(2 * D * DT)
    start = rng.uniform(-SIDE_SD, 2 * SIDE_SD, (n_particles, 1, 2))
    path = start + rng.normal(size=(n_particles, n_frames, 2)).cumsum(axis=1)
    particle, frame = np.nonzero(((path >= 0) & (path < SIDE_SD)).all(axis=2))
    new = (np.diff(particle, prepend=-1) != 0) | (np.diff(frame, prepend=-2) != 1)
    x_um, y_um = sd * path[particle, frame].T
    return pd.DataFrame({"particle": new.cumsum(), "frame": frame, "x_um": x_um, "y_um": y_um})


def test_d_is_unbiased_where_particles_leave_the_field(monkeypatch):
    """Of steps that stay in a field of side L the mean square is too small by 0.8 sd/L: 4 %.

    For E|s|^3 = 2 E|s| sd^2 with normal steps. What is left comes from tracks of which only those
    of five positions or more are taken, hence a fifth of them or less.
    """
    table, exact = table_of_a_field(3), DiffusionSettings(loc_sd_nm=1.0)

    def pooled():
        found = estimate_diffusion(table, conditions(0.0), exact, d_um2_s=FINE)
        return maximum(found.log_likelihood.sum(axis=0), FINE)

    best, error = pooled()
    assert best == pytest.approx(D, abs=3 * error + 0.2 * 0.8 / SIDE_SD * D)
    monkeypatch.setattr("evsize.diffusion.TELL_FIELD", np.inf)
    assert pooled()[0] < (1 - 0.8 / SIDE_SD) * D + 3 * error

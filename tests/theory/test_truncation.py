"""Steps beyond the search radius are not seen: the likelihood knows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
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

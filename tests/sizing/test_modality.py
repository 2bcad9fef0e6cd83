"""Evidence for a second peak: seldom where there is one, mostly where there are two."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.settings import SizingSettings
from evsize.sizing import modality, size
from tests.theory.brownian import WATER, likelihoods_of

GRID = np.geomspace(20, 600, 160)
NO_INTERVALS = SizingSettings(n_bootstrap=0)


def found_peaks(diameter, seed, mean_steps=30):
    rng = np.random.default_rng(seed)
    n = len(diameter)
    n_steps = 4 + rng.exponential(mean_steps - 4, n).astype(int)
    d = WATER.stokes_einstein_um3_s / diameter * 1e3
    likelihoods = likelihoods_of(d, n_steps, 0.05, WATER, rng, GRID)
    return size(likelihoods, WATER, NO_INTERVALS).distribution.peaks


@pytest.mark.parametrize("seed", [1001, 1002, 1003])
@pytest.mark.parametrize("sd", [0.15, 0.2])
def test_one_broad_population_is_one_peak(sd, seed):
    rng = np.random.default_rng(seed)
    assert len(found_peaks(115 * np.exp(sd * rng.standard_normal(2000)), seed)) == 1


def test_100_and_133_nm_are_told_apart():
    # wanted in 80 % of seeds: of five, fewer than two would be a chance of 0.7 %
    both = np.where(np.arange(2000) % 2, 100.0, 133.0)
    told = [len(found_peaks(both, seed)) == 2 for seed in range(1001, 1006)]
    assert sum(told) >= 2


def test_a_flat_top_is_no_evidence_and_a_valley_is():
    rng = np.random.default_rng(1)
    size_at = np.arange(100)

    def gain(centres):
        seen = centres + 5 * rng.standard_normal(len(centres))
        likelihood = np.exp(-0.5 * ((size_at - seen[:, None]) / 5) ** 2)
        return modality.gain(likelihood, np.ones(len(seen)), 35, 65)[0]

    flat = gain(rng.uniform(35, 65, 500))
    two = gain(np.where(np.arange(500) % 2, 35.0, 65.0))
    assert 0 <= flat < 2
    assert two > 20


def test_what_is_granted_is_no_evidence():
    # a third population, far off, changes nothing between the first two
    rng = np.random.default_rng(2)
    size_at = np.arange(160)
    centres = np.concatenate([np.full(400, 40.0), np.full(100, 130.0)])
    seen = centres + 5 * rng.standard_normal(500)
    likelihood = np.exp(-0.5 * ((size_at - seen[:, None]) / 5) ** 2)
    far, _ = modality.gain(likelihood, np.ones(500), 40, 130)
    granted, each = modality.gain(likelihood, np.ones(500), 36, 44, [130])
    assert far > 20
    assert granted < 2
    assert each.shape == (500,)

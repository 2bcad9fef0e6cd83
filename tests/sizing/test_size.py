"""The deconvolved distribution of simulated tracks.

All seeds were chosen before looking. Tracks have 4 to 30 steps, 12 on average; the step powers
are drawn from their exact law (see `tests.theory.brownian.likelihoods_of`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evsize.settings import SizeClass, SizingSettings
from evsize.sizing import diameter_grid, size
from evsize.sizing.deconvolution import STRENGTHS, Deconvolution
from evsize.sizing.summary import bin_edges, figures
from evsize.tables import DISTRIBUTION, PARTICLES, Flag
from tests.theory.brownian import WATER, likelihoods_of

N = 1500
GRID = np.geomspace(20, 1000, 120)
NO_INTERVALS = SizingSettings(n_bootstrap=0)
FEW = SizingSettings(n_bootstrap=20)


def tracks_with(kind: str, seed: int, n: int = N):
    rng = np.random.default_rng(seed)
    diameter = {
        "single": np.full(n, 100.0),
        "two": np.where(np.arange(n) % 2, 100.0, 200.0),
        "log-normal": 100 * np.exp(0.2 * rng.standard_normal(n)),
    }[kind]
    n_steps = np.clip(4 + rng.geometric(1 / 8, n), 4, 30)
    d = WATER.stokes_einstein_um3_s / diameter * 1e3
    return likelihoods_of(d, n_steps, 0.05, WATER, rng, GRID)


def standard_error(likelihoods) -> float:
    """Of ln(size), all tracks alike: the spread of ln D is 1/sqrt(n) for n steps of two axes.

    Tracks weigh by their positions w: sqrt(sum w^2 n)/sum(w n). Noise costs a little more: the
    steps' variance 2 D dt grows by s2/(D dt), here 1.5 %, and correlates.
    """
    w, n = likelihoods.n_positions, likelihoods.n_positions - 1
    return 1.1 * float(np.sqrt((w**2 * n).sum()) / (w * n).sum())


@pytest.fixture(scope="module")
def single():
    return tracks_with("single", 1)


@pytest.fixture(scope="module")
def sized(single):
    return size(single, WATER, FEW)


def check_single(likelihoods, found):
    median = found.distribution.d50_nm.value
    assert abs(np.log(median / 100)) < 4 * standard_error(likelihoods)
    assert found.distribution.d90_nm.value / found.distribution.d10_nm.value <= 1.2
    assert len(found.distribution.peaks) == 1


def check_two(found):
    modes = sorted(peak.mode_nm for peak in found.distribution.peaks)
    assert modes == [pytest.approx(100, rel=0.05), pytest.approx(200, rel=0.05)]


def test_one_size(single, sized):
    check_single(single, sized)
    raw = sized.raw
    assert raw.d90_nm.value / raw.d10_nm.value > 1.6  # what deconvolution takes away


def test_an_error_that_all_sizes_share_is_in_the_intervals(single):
    settings, common = SizingSettings(n_bootstrap=100), 0.05
    alone = size(single, WATER, settings).distribution.d50_nm
    shared = size(single, WATER, settings, common_se=common).distribution.d50_nm
    assert shared.value == alone.value

    def spread(found):
        return np.log(found.high / found.low) / (2 * 1.96)

    # a standard deviation of 100 draws is known to 1/sqrt(2 * 100) = 7 %; Student's t adds a little
    expected = np.hypot(spread(alone), common)
    assert spread(shared) == pytest.approx(expected, rel=4 * 0.07)


def test_two_sizes():
    check_two(size(tracks_with("two", 1), WATER, NO_INTERVALS))


def test_a_broad_population_has_one_peak():
    found = size(tracks_with("log-normal", 1), WATER, NO_INTERVALS).distribution
    assert len(found.peaks) == 1
    # ln D90/D10 = 2.563 sd; the sd of a population seen with scatter 0.3 a track is known to
    # about (sd^2 + 0.3^2)/(sd sqrt(2 N)): 1.2 %/0.2 = 6 %
    width = np.log(found.d90_nm.value / found.d10_nm.value) / 2.563
    assert width == pytest.approx(0.2, rel=4 * 0.06)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_more_seeds(seed):
    one = tracks_with("single", seed)
    check_single(one, size(one, WATER, NO_INTERVALS))
    check_two(size(tracks_with("two", seed), WATER, NO_INTERVALS))
    broad = size(tracks_with("log-normal", seed), WATER, NO_INTERVALS)
    assert len(broad.distribution.peaks) == 1


def test_tables(sized):
    table = DISTRIBUTION.validate(sized.distribution_table)
    assert table["fraction"].sum() == pytest.approx(1, abs=1e-9)
    assert table["raw_fraction"].sum() == pytest.approx(1, abs=1e-9)
    assert np.all(table["fraction"] >= 0)
    assert np.all(table["fraction_low"] <= table["fraction_high"])
    assert table["concentration_per_ml"].isna().all()
    particles = PARTICLES.validate(sized.particles)
    assert len(particles) == N
    assert np.all(particles["diameter_low_nm"] <= particles["diameter_nm"])
    assert np.all(particles["diameter_nm"] <= particles["diameter_high_nm"])
    assert np.allclose(
        particles["d_um2_s"] * particles["diameter_nm"], WATER.stokes_einstein_um3_s * 1e3
    )
    assert np.allclose(
        particles["d_low_um2_s"] * particles["diameter_high_nm"],
        WATER.stokes_einstein_um3_s * 1e3,
    )


def test_intervals_contain_their_value(sized):
    found = sized.distribution
    for name in ("mean_nm", "mode_nm", "d10_nm", "d50_nm", "d90_nm", "span"):
        estimate = getattr(found, name)
        assert estimate.low <= estimate.value <= estimate.high, name
    shares = [c.fraction for c in sized.classes]
    for estimate in (*shares, sized.misev.small_fraction, sized.misev.large_fraction):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1 + 1e-12


def test_classes_share_out_the_population(sized):
    assert sum(c.fraction.value for c in sized.classes) == pytest.approx(1, abs=1e-9)
    for lower, upper in zip(sized.classes[:-1], sized.classes[1:], strict=True):
        assert lower.high_nm == upper.low_nm
    assert sized.classes[-1].high_nm is None
    small, large = sized.misev.small_fraction, sized.misev.large_fraction
    assert small.value + large.value == pytest.approx(1, abs=1e-9)
    assert "outside" in sized.classes[-1].note
    assert "origin" not in str(sized.classes)


def test_own_classes_that_cut_a_population(single):
    own = tuple(
        SizeClass(name=str(low), low_nm=low, high_nm=high)
        for low, high in ((0, 100), (100, 150), (150, None))
    )
    found = size(single, WATER, SizingSettings(n_bootstrap=0, classes=own))
    assert [c.name for c in found.classes] == ["0", "100", "150"]
    assert sum(c.fraction.value for c in found.classes) == pytest.approx(1, abs=1e-9)
    assert 0.1 < found.classes[0].fraction.value < 0.9


def test_weighting_and_systematic_error_are_named(sized, single):
    assert sized.distribution.weighting.startswith("per particle seen")
    wider = size(tracks_with("single", 1, 20), WATER, NO_INTERVALS, exposure_known=False)
    assert wider.distribution.systematic_percent > 10
    assert 1 < sized.distribution.systematic_percent < 3


def test_nothing_to_size_is_a_complete_empty_answer():
    nothing = likelihoods_of(
        np.zeros(0), np.zeros(0, np.int64), 0.05, WATER, np.random.default_rng(1), GRID
    )
    found = size(nothing, WATER)
    assert len(PARTICLES.validate(found.particles)) == 0
    table = DISTRIBUTION.validate(found.distribution_table)
    assert len(table) == len(GRID)
    assert table["fraction"].isna().all()
    assert found.distribution.d50_nm.value is None
    assert found.distribution.peaks == []
    assert found.distribution.systematic_percent > 0
    assert [c.name for c in found.classes] == [c.name for c in SizingSettings().classes]
    assert all(c.fraction.value is None for c in found.classes)
    assert found.misev.small_fraction.value is None


def test_one_track_gives_no_interval_but_its_own():
    one = tracks_with("single", 1, 1)
    found = size(one, WATER)
    row = found.particles.iloc[0]
    # it tells the size to 1/sqrt(n) for n steps of two axes, twice 1.96 of that from end to end
    wide = 2 * 1.96 / np.sqrt(one.n_positions[0] - 1)
    assert np.log(row["diameter_high_nm"] / row["diameter_low_nm"]) > 0.9 * wide
    median = found.distribution.d50_nm
    assert row["diameter_low_nm"] < median.value < row["diameter_high_nm"]
    assert median.low is None  # no second unit to resample
    assert median.high is None
    assert found.distribution_table["fraction"].sum() == pytest.approx(1)
    assert found.distribution_table["fraction_low"].isna().all()


def test_a_thousand_copies_of_one_track():
    one = tracks_with("single", 1, 1)
    many = replace(
        one,
        **{
            name: np.repeat(getattr(one, name), 1000, axis=0)
            for name in (
                "track_id",
                "n_positions",
                "first_frame",
                "x_um",
                "y_um",
                "log_likelihood",
                "d_cov_um2_s",
                "loc_sd_um",
                "flags",
            )
        },
    )
    found = size(many, WATER, FEW)
    best = found.particles["diameter_nm"].iloc[0]
    # They ask for one size, the most likely: within the narrowest width and a grid step
    step = np.log(GRID[1] / GRID[0])
    assert np.log(found.distribution.d50_nm.value / best) == pytest.approx(0, abs=step)
    assert found.distribution.d90_nm.value / found.distribution.d10_nm.value < 1.2


def test_a_weight_is_a_number_of_copies():
    likelihoods = tracks_with("log-normal", 1, 200)
    log_l = likelihoods.log_likelihood
    twice = Deconvolution(log_l, GRID).fit(np.full(200, 2.0), 1.0)
    copied = Deconvolution(np.concatenate([log_l, log_l]), GRID).fit(np.ones(400), 1.0)
    assert np.allclose(twice.shares, copied.shares, rtol=1e-6, atol=1e-12)
    assert twice.shares.sum() == pytest.approx(1)
    shifted = Deconvolution(log_l + 500.0, GRID).fit(np.full(200, 2.0), 1.0)
    assert np.allclose(shifted.shares, twice.shares, rtol=1e-6, atol=1e-12)


def test_order_of_the_tracks_does_not_matter():
    likelihoods = tracks_with("log-normal", 1, 200)
    shuffled = np.random.default_rng(1).permutation(200)
    weights = likelihoods.n_positions.astype(float)
    one = Deconvolution(likelihoods.log_likelihood, GRID).fit(weights, 1.0)
    two = Deconvolution(likelihoods.log_likelihood[shuffled], GRID).fit(weights[shuffled], 1.0)
    assert np.allclose(
        list(figures(one.shares, GRID, bin_edges(GRID)).values()),
        list(figures(two.shares, GRID, bin_edges(GRID)).values()),
        rtol=1e-3,
    )


@pytest.mark.parametrize("strength", [STRENGTHS[0], STRENGTHS[-1]])
def test_any_penalty_gives_a_distribution(strength):
    likelihoods = tracks_with("log-normal", 1, 12)
    fitted = Deconvolution(likelihoods.log_likelihood, GRID).fit(np.ones(12), strength)
    assert fitted.strength == strength
    assert np.all(np.isfinite(fitted.shares))
    assert fitted.shares.sum() == pytest.approx(1)


def test_sizes_at_the_end_of_the_grid_are_flagged():
    rng = np.random.default_rng(1)
    d = WATER.diffusion_um2_s(5000)
    likelihoods = likelihoods_of(np.full(30, d), np.full(30, 12), 0.005, WATER, rng, GRID)
    found = size(likelihoods, WATER, NO_INTERVALS)
    flagged = (found.particles["flags"] & np.uint32(Flag.OUTSIDE_RANGE)) > 0
    at_end = found.particles["diameter_nm"].to_numpy() == pytest.approx(1000, rel=1e-9)
    assert flagged.all()
    assert at_end


def test_twice_the_same():
    one, two = (size(tracks_with("log-normal", 5, 150), WATER, FEW) for _ in range(2))
    assert one.distribution_table.equals(two.distribution_table)
    assert one.distribution == two.distribution
    assert one.classes == two.classes


def test_input_is_not_changed():
    likelihoods = tracks_with("single", 5, 50)
    before = likelihoods.log_likelihood.copy(), likelihoods.n_positions.copy()
    size(likelihoods, WATER, NO_INTERVALS)
    assert np.array_equal(likelihoods.log_likelihood, before[0])
    assert np.array_equal(likelihoods.n_positions, before[1])


def test_diameter_grid():
    grid = diameter_grid(SizingSettings(min_diameter_nm=20, max_diameter_nm=500, n_sizes=60))
    assert len(grid) == 60
    assert grid[[0, -1]] == pytest.approx([20, 500])

"""From numbers in view to numbers per volume: shares, amounts, limits, blanks."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.physics import Conditions, water_viscosity_mpas
from evsize.results import Blank, Completeness, Estimate, Likelihoods
from evsize.settings import SizingSettings
from evsize.sizing import diameter_grid, size
from evsize.sizing.view import Depths

WATER = Conditions(0.166, 0.04, 0.5, 22.0, water_viscosity_mpas(22.0))
SETTINGS = SizingSettings(n_bootstrap=60, n_sizes=120, max_diameter_nm=1000, seed=1)
GRID = diameter_grid(SETTINGS)
N_FRAMES, AREA_UM2, POSITIONS = 500, 8000.0, 20


def likelihoods(diameter_nm: np.ndarray, rng: np.random.Generator, error=0.12) -> Likelihoods:
    """Tracks of known sizes; each is a particle of its own."""
    n = len(diameter_nm)
    found = np.log(diameter_nm) + error * rng.standard_normal(n)
    log_l = -0.5 * ((np.log(GRID) - found[:, None]) / error) ** 2
    return Likelihoods(
        track_id=np.arange(n),
        n_positions=np.full(n, POSITIONS),
        first_frame=np.zeros(n, np.int64),
        x_um=np.zeros(n),
        y_um=np.zeros(n),
        d_um2_s=WATER.stokes_einstein_um3_s / GRID * 1e3,
        log_likelihood=log_l,
        d_cov_um2_s=np.ones(n),
        loc_sd_um=np.full(n, 0.02),
        flags=np.zeros(n, np.uint32),
        rejected={},
        choices={},
    )


def completeness(depth_um, limit_nm=60.0, scale=True, error=0.0) -> Completeness:
    return Completeness(
        diameter_nm=GRID,
        log_depth=np.log(depth_um(GRID)),
        log_error=np.full((len(GRID), 1), error),
        detection_limit_nm=Estimate(value=limit_nm),
        area_um2=AREA_UM2,
        n_frames=N_FRAMES,
        has_scale=scale,
        basis="as known",
    )


def linear(diameter_nm):
    """Depth of view in proportion to the diameter, 5 um at 100 nm."""
    return 0.05 * diameter_nm


def two_sizes(rng, n=1200, share_of_small=0.8):
    """Sizes of the tracks seen where 80 % of what is there has 90 nm, the rest 240 nm."""
    seen = np.array([share_of_small * linear(90), (1 - share_of_small) * linear(240)])
    return np.where(rng.random(n) < seen[0] / seen.sum(), 90.0, 240.0)


def test_shares_are_per_volume_and_concentration_comes_out():
    rng = np.random.default_rng(0)
    diameter = two_sizes(rng)
    found = size(likelihoods(diameter, rng), WATER, SETTINGS, completeness=completeness(linear))
    small = found.classes[1].fraction
    # binomial error of the tracks, carried through the depths: four of it
    se = np.sqrt(0.8 * 0.2 / 1200) * 1.7
    assert abs(small.value - 0.8) < 4 * se
    assert small.low < small.value < small.high
    true = POSITIONS / N_FRAMES / AREA_UM2 * (1 / linear(diameter)).sum() * 1e12
    assert found.concentration_per_ml.value == pytest.approx(true, rel=0.05)
    by_class = sum(c.concentration_per_ml.value for c in found.classes if c.concentration_per_ml)
    assert by_class == pytest.approx(found.concentration_per_ml.value, rel=1e-6)
    in_bins = found.distribution_table["concentration_per_ml"].sum()
    assert in_bins == pytest.approx(found.concentration_per_ml.value, rel=1e-6)
    assert "per volume" in found.distribution.weighting


def test_per_particle_seen_is_still_there_and_named():
    rng = np.random.default_rng(0)
    diameter = two_sizes(rng)
    seen = SETTINGS.model_copy(update={"weighting": "seen"})
    found = size(likelihoods(diameter, rng), WATER, seen, completeness=completeness(linear))
    share = float((diameter < 160).mean())
    assert found.classes[1].fraction.value == pytest.approx(share, abs=0.03)
    assert "per particle seen" in found.distribution.weighting
    assert found.concentration_per_ml is None


def test_error_of_the_depth_widens_the_intervals():
    rng = np.random.default_rng(0)
    made = likelihoods(two_sizes(rng), rng)

    def width(error):
        found = size(made, WATER, SETTINGS, completeness=completeness(linear, error=error))
        total = found.concentration_per_ml
        return np.log(total.high / total.low)

    # 0.3 is far more than what 1,200 tracks err by; 60 resamples know their spread to 9 %
    assert width(0.3) > 2 * 1.96 * 0.3 * 0.6
    assert width(0.0) < 2 * 1.96 * 0.3 * 0.6


def test_what_lies_below_the_limit_is_marked_not_zero():
    rng = np.random.default_rng(0)
    made = likelihoods(two_sizes(rng), rng)
    found = size(made, WATER, SETTINGS, completeness=completeness(linear, limit_nm=70.0))
    lowest, exosomes = found.classes[:2]
    assert lowest.fraction.value is None
    assert "not seen" in lowest.note
    assert "40 to 70 nm" in exosomes.note
    table = found.distribution_table
    below = table["diameter_nm"] < 70
    assert table.loc[below, "fraction"].isna().all()
    assert table.loc[~below, "fraction"].sum() == pytest.approx(1.0)


def test_particles_below_the_limit_are_not_made_larger():
    # 60 nm seen in a film whose limit is 65 nm: what would be left above it is chance alone
    tracks = likelihoods(np.full(1200, 60.0), np.random.default_rng(4))
    found = size(tracks, WATER, SETTINGS, completeness=completeness(linear, limit_nm=65.0))
    # the median of 1,200 tracks known to 12 % each: 0.12 * 1.25 / sqrt(1200) = 0.4 %, 4 of them
    assert found.distribution.d50_nm.value == pytest.approx(60, rel=4 * 0.0043)
    assert found.distribution.weighting.startswith("per particle seen")
    assert "smaller than the 65 nm" in found.distribution.weighting
    assert found.concentration_per_ml is None


def test_without_scale_there_are_shares_only():
    rng = np.random.default_rng(0)
    made = likelihoods(two_sizes(rng), rng)
    found = size(made, WATER, SETTINGS, completeness=completeness(linear, scale=False))
    assert found.concentration_per_ml is None
    assert all(c.concentration_per_ml is None for c in found.classes)
    assert found.classes[1].fraction.value == pytest.approx(0.8, abs=0.08)


def test_dilution_multiplies_concentrations_alone():
    rng = np.random.default_rng(0)
    made = likelihoods(two_sizes(rng), rng)
    known = completeness(linear)
    once = size(made, WATER, SETTINGS, completeness=known)
    more = size(made, WATER, SETTINGS, completeness=known, dilution=50.0)
    assert more.concentration_per_ml.value == pytest.approx(50 * once.concentration_per_ml.value)
    assert more.classes[1].fraction == once.classes[1].fraction


def test_a_blank_is_taken_off_size_by_size():
    rng = np.random.default_rng(0)
    made = likelihoods(two_sizes(rng), rng)
    known = completeness(linear)
    whole = size(made, WATER, SETTINGS, completeness=known, dilution=10.0)
    blank = Blank(np.full(40, 90.0), np.full(40, float(POSITIONS)), N_FRAMES, AREA_UM2)
    less = size(made, WATER, SETTINGS, completeness=known, dilution=10.0, blank=blank)
    # what the blank adds in the cell counts as often as the sample was diluted
    off = 10 * 40 * POSITIONS / N_FRAMES / AREA_UM2 / linear(90.0) * 1e12
    before, after = whole.concentration_per_ml, less.concentration_per_ml
    assert before.value - after.value == pytest.approx(off, rel=0.05)
    exosomes = [found.classes[1].concentration_per_ml.value for found in (whole, less)]
    assert exosomes[0] - exosomes[1] == pytest.approx(off, rel=0.05)
    large = [found.classes[2].concentration_per_ml.value for found in (whole, less)]
    assert large[0] == pytest.approx(large[1])
    assert after.high - after.low > before.high - before.low
    assert less.choices["blank_per_ml"].value == pytest.approx(off, rel=0.05)


def test_a_blank_with_more_than_the_sample_leaves_less_than_nothing():
    rng = np.random.default_rng(0)
    made = likelihoods(np.full(100, 90.0), rng)
    blank = Blank(np.full(400, 90.0), np.full(400, float(POSITIONS)), N_FRAMES, AREA_UM2)
    found = size(made, WATER, SETTINGS, completeness=completeness(linear), blank=blank)
    assert found.concentration_per_ml.value < 0


def test_sizes_seen_alike_change_nothing():
    rng = np.random.default_rng(0)
    made = likelihoods(two_sizes(rng), rng)
    plain = size(made, WATER, SETTINGS)
    alike = size(
        made, WATER, SETTINGS, completeness=completeness(lambda d: np.full(len(d), 3.0), 1.0)
    )
    for name in ("d10_nm", "d50_nm", "d90_nm"):
        assert getattr(alike.distribution, name).value == pytest.approx(
            getattr(plain.distribution, name).value, rel=1e-3
        )


def test_depths_are_held_below_the_limit():
    steep = completeness(lambda d: np.where(d < 60, 1e-12, 5.0))
    depths = Depths.of(steep, GRID)
    assert np.ptp(depths.log_depth) < 7
    assert not depths.counted[GRID < 60].any()
    assert depths.counted[GRID >= 60].all()

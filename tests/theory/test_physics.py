"""Physics against published values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsize.errors import UsageError
from evsize.physics import (
    MIXTURES,
    find_medium,
    stokes_einstein_um3_s,
    water_viscosity_mpas,
)

# IAPWS release R12-08 values at 0.1 MPa (Huber et al. 2009, rounded as printed there and in the
# NIST steam tables), uPa s.
WATER = {5: 1518.2, 10: 1305.9, 15: 1137.6, 20: 1001.6, 25: 890.0, 30: 797.2, 37: 691.2, 40: 652.7}


@pytest.mark.parametrize(("temperature_c", "published_upas"), WATER.items())
def test_water_viscosity_equals_published_values(temperature_c, published_upas):
    assert water_viscosity_mpas(temperature_c) == pytest.approx(published_upas / 1e3, rel=1e-3)


# Kestin et al., Int. J. Thermophys. 6, 331 (1985): heavy water, mPa s; ours states 1 %.
@pytest.mark.parametrize(("temperature_c", "published"), [(20, 1.2467), (25, 1.0951), (40, 0.7872)])
def test_heavy_water(temperature_c, published):
    medium = find_medium("D2O")
    error = medium.relative_error * published
    assert medium.viscosity_mpas(temperature_c) == pytest.approx(published, abs=error)


def test_stokes_einstein_of_a_100_nm_sphere():
    # k_B 298.15 K / (3 pi 0.890 mPa s 100 nm) = 4.9074 um^2/s
    assert stokes_einstein_um3_s(25.0, 0.890) / 0.1 == pytest.approx(4.9074, rel=1e-4)


def test_an_unknown_medium_names_the_known_ones():
    with pytest.raises(UsageError, match="water, pbs"):
        find_medium("honey")


# Swindells et al., Natl. Bur. Stand. Circular 440 Suppl. (1958): sucrose at 20 degC, mPa s.
@pytest.mark.parametrize(("percent", "published"), [(20, 1.945), (30, 3.187), (40, 6.162)])
def test_sucrose(percent, published):
    medium = find_medium(f"sucrose {percent}%")
    error = medium.relative_error * published
    assert medium.viscosity_mpas(20.0) == pytest.approx(published, abs=error)


# Label of Visipaque 270 and 320, mPa s to three figures at 20 degC, to two at 37 degC.
@pytest.mark.parametrize(
    ("percent", "temperature_c", "label"),
    [(55.0, 20, 12.7), (65.2, 20, 26.6), (55.0, 37, 6.3), (65.2, 37, 11.8)],
)
def test_iodixanol_goes_through_the_label(percent, temperature_c, label):
    ratio = math.exp(MIXTURES["iodixanol"].log_viscosity_ratio(percent, temperature_c))
    # rounding: half of the last figure, 0.05 of 6.3 or of 12.7, and as much again of ours
    assert ratio * water_viscosity_mpas(temperature_c) == pytest.approx(label, rel=0.02)


@given(st.sampled_from(sorted(MIXTURES)), st.floats(0, 1), st.floats(0.001, 0.2), st.floats(4, 40))
def test_more_of_it_is_more_viscous(name, share, more, temperature_c):
    mixture = MIXTURES[name]
    percent = share * mixture.highest_percent / 1.2
    less, thicker = (
        mixture.at(p) for p in (percent, percent + more * mixture.highest_percent / 1.2)
    )
    assert thicker.viscosity_mpas(temperature_c) > less.viscosity_mpas(temperature_c)
    assert thicker.relative_error >= less.relative_error


@pytest.mark.parametrize("name", sorted(MIXTURES))
def test_none_of_it_is_water(name):
    none = MIXTURES[name].at(0)
    assert none.viscosity_mpas(25.0) == pytest.approx(water_viscosity_mpas(25.0), rel=1e-12)
    assert none.relative_error == find_medium("water").relative_error


def test_nothing_but_heavy_water_is_heavy_water():
    pure, mixed = find_medium("d2o"), find_medium("d2o 100%")
    assert mixed.viscosity_mpas(25.0) == pytest.approx(pure.viscosity_mpas(25.0), rel=1e-12)


@pytest.mark.parametrize("text", ["sucrose 10%", "Sucrose 10 %", "10% sucrose", "sucrose:10.0"])
def test_a_mixture_may_be_written_in_several_ways(text):
    assert find_medium(text).name == "sucrose 10%"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sucrose", "'sucrose 10%'"),
        ("sucrose 60%", "at most 40 % w/w"),
        ("honey 10%", "water, pbs"),
        ("10%", "unknown"),
        ("sucrose -3%", "unknown"),
    ],
)
def test_a_mixture_that_is_not_known_says_what_is_needed(text, message):
    with pytest.raises(UsageError, match=message):
        find_medium(text)

"""What a recording shows of its particles: spots whose light is cut off at white, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evsize.completeness.optics import Optics
from evsize.completeness.sheet import Sheet
from evsize.completeness.spots import Filter, Spots
from evsize.completeness.view import HIDDEN, LOST_SD, View
from evsize.physics import Conditions

OPTICS = Optics(depth_um=10.0, focus_px2=2.0, widening_px2_um2=0.8, filter_sd_px=1.5, noise=2.0)
N_EACH = 20
N_INDEPENDENT = 3.0


def spots(brightness, variance_px2, saturated):
    """`N_EACH` positions of tracks of one brightness, width and saturation each."""
    repeated = [np.repeat(np.asarray(v), N_EACH) for v in (brightness, variance_px2, saturated)]
    light, variance, lost = repeated
    snr = light * 1.5 / np.sqrt(np.pi) / (1.5**2 + variance) / 2.0
    owner = np.repeat(np.arange(len(brightness)), N_EACH)
    frame = np.tile(np.arange(N_EACH), len(brightness))
    return Spots(owner, frame, light.astype(float), snr, variance.astype(float), lost)


def view(own):
    n = int(own.owner.max()) + 1
    return View(
        Filter(1.5, 2.0, 5.0, 3.0, 6.0, 1),
        own,
        np.array([50.0, 100.0, 200.0]),
        np.zeros((n, 3)),
        np.full(n, 100.0),
        np.full(n, float(N_EACH)),
        Conditions(0.166, 0.04, 0.5, 22.0, 0.95),
        np.full(3, 1 / 3),
        N_INDEPENDENT,
    )


def test_a_saturated_spot_looks_wide_and_is_not_taken_for_defocused():
    own = spots([1000, 1000, 1000], [2.0, 3.0, 3.0], [False, False, True])
    focus, _ = view(own).brightness(OPTICS)
    assert focus[0] == pytest.approx(np.log(1000))
    # a spot wider by 1 px^2 lies where the sheet is darker by as much as the optics say
    assert focus[1] == pytest.approx(np.log(1000) + OPTICS.fading_per_px2)
    assert focus[2] == pytest.approx(np.log(1000))


@pytest.mark.parametrize(("lost", "more"), [(False, 0.0), (True, HIDDEN)])
def test_saturation_may_hide_how_bright_the_brightest_are(lost, more):
    own = spots([100, 200, 5000], [2.0, 2.0, 2.0], [False, False, lost])
    seen = view(own)
    focus, _ = seen.brightness(OPTICS)
    assert seen.brightest(OPTICS) == pytest.approx(np.quantile(focus, 0.99) + more)


def test_saturation_of_others_hides_nothing():
    own = spots([100, 200, 5000], [2.0, 2.0, 2.0], [True, False, False])
    assert view(own).brightest(OPTICS) < np.log(5000) + 0.1


def test_widths_are_those_of_whole_spots():
    whole = spots([1000] * 4, [2.0, 2.5, 3.0, 3.5], [False] * 4)
    some = spots([1000] * 5, [2.0, 2.5, 3.0, 3.5, 0.5], [False] * 4 + [True])
    assert view(some).widths.focus_px2 == view(whole).widths.focus_px2


def test_nothing_is_told_where_all_is_saturated():
    own = spots([1000] * 10, [2.0] * 10, [True] * 10)
    assert "saturated" in view(own).lacking()


def test_a_calibrated_width_in_focus_is_the_one_drawn():
    own = view(spots([1000] * 4, [2.0, 2.5, 3.0, 3.5], [False] * 4))
    sheet = Sheet(10.0, 0.05, True, 0.15, 0.166 * 1.1, "beads")
    assert sheet.optics(own, own.conditions).focus_px2 == pytest.approx(1.1**2)


@pytest.mark.parametrize("fading_per_px2", [0.01, 1.0, 10.0, 1000.0])
@pytest.mark.parametrize("lost_sd", [0.2, 2.0])
def test_widths_are_relied_on_as_far_as_they_tell_more_than_their_errors(fading_per_px2, lost_sd):
    own = spots([1000] * 40, [2.0] * 40, [False] * 40)
    noise = 0.2 * np.tile([1.0, -1.0], len(own.variance_px2) // 2)
    own = replace(own, variance_px2=own.variance_px2 + noise)
    optics = replace(OPTICS, widening_px2_um2=2 / 25 / fading_per_px2)
    # widths off by 0.2 px^2 with 19 degrees of freedom in 20 positions, each telling half
    error = fading_per_px2 * 0.2 * np.sqrt(2 * (20 / 19) / 20)
    # a tenth of 2 px^2 in all of them alike does not average out over the particles
    throughout = fading_per_px2 * 0.2 * np.sqrt(N_INDEPENDENT)
    expected = lost_sd**2 / (lost_sd**2 + error**2 + throughout**2)
    found = view(own).reliance(optics, lost_sd=lost_sd)
    assert found == pytest.approx(expected)
    # nowhere does what they say of the light count for more than its spread
    assert found * error < lost_sd


def test_widths_are_not_relied_on_where_two_ways_of_telling_differ():
    own = view(spots([1000] * 4, [2.5] * 4, [False] * 4))
    alike = own.reliance(OPTICS)
    assert own.reliance(OPTICS, otherwise=OPTICS) == alike
    other = replace(OPTICS, widening_px2_um2=OPTICS.widening_px2_um2 / 21)
    # 0.5 px^2 wider: the one says 0.05 in ln(brightness), the other 1.05; for all particles alike
    expected = 1 / (1 / alike + N_INDEPENDENT * 1.0**2 / LOST_SD**2)
    assert own.reliance(OPTICS, otherwise=other) == pytest.approx(expected, rel=1e-6)


def test_nothing_is_told_by_no_spot():
    assert view(spots([1000] * 4, [2.5] * 4, [True] * 4)).reliance(OPTICS) == 1.0

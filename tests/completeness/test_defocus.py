"""Width in focus and defocus, held against particles whose own are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evsize.completeness.defocus import SHARPEST_PX2, in_focus
from evsize.completeness.sheet import Sheet
from tests.completeness.test_view import OPTICS, spots, view

GIVEN = Sheet(10.0, 0.15, True, None, None, "given")
WIDTHS = (2.0, 2.5, 3.0, 3.5)


def these(shift=0.0, saturated=False):
    return spots([1000] * 4, [w + shift for w in WIDTHS], [saturated] * 4)


def test_spots_that_look_like_injected_ones_are_as_wide_as_these_were_drawn():
    own = view(these())
    found = in_focus(own, OPTICS, GIVEN, these())
    assert found.true_px2 == pytest.approx(OPTICS.focus_px2)
    assert found.own_px2 == found.injected_px2


def test_what_the_measurement_adds_to_injected_ones_is_taken_off_the_own():
    own = view(these())
    looks = in_focus(own, OPTICS, GIVEN, these(0.4))
    assert looks.true_px2 == pytest.approx(OPTICS.focus_px2 + looks.own_px2 - looks.injected_px2)
    assert looks.true_px2 < OPTICS.focus_px2 - 0.3


def test_no_spot_is_narrower_than_a_spot_can_be():
    found = in_focus(view(these()), replace(OPTICS, focus_px2=0.5), GIVEN, these(3.0))
    assert found.true_px2 == SHARPEST_PX2


def test_a_calibrated_width_stays_and_both_are_measured_from_how_injected_ones_look():
    sheet = Sheet(10.0, 0.05, True, 0.15, 0.23, "beads")
    found = in_focus(view(these()), OPTICS, sheet, these(0.4))
    assert found.true_px2 == OPTICS.focus_px2
    assert found.own_px2 == found.injected_px2


def test_nothing_is_learnt_from_saturated_ones():
    found = in_focus(view(these()), OPTICS, GIVEN, these(0.4, saturated=True))
    assert found.true_px2 == OPTICS.focus_px2

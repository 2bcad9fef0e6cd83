"""What simulated particles of known size say of all sizes of a film."""

from __future__ import annotations

import pytest

from evsize.completeness.selfcheck import REMAINING_SE, common_error


def of(bias, error):
    return common_error({"self_check_bias_percent": bias, "self_check_bias_percent_se": error})


def test_a_bias_beyond_chance_counts_as_uncertainty():
    assert of(-9.0, 2.0) == pytest.approx((REMAINING_SE**2 + 0.05**2) ** 0.5)
    assert of(9.0, 2.0) == of(-9.0, 2.0)


def test_a_bias_within_chance_does_not():
    assert of(3.9, 2.0) == REMAINING_SE


def test_without_simulated_particles_the_common_error_stays():
    assert common_error({}) == REMAINING_SE
    assert of(None, None) == REMAINING_SE

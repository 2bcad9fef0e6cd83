"""Cameras whose noise is less than one grey level."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.detection.pattern import estimate_pattern


@pytest.mark.parametrize("noise", [0.45, 0.7, 1.0, 3.0])
def test_noise_of_whole_grey_levels(noise):
    """Rounding adds 1/12 to the variance; 50 frames of 9,216 pixels tell it to 0.1 %.

    The estimate cuts at a few deviations of a coarse distribution: 5 % is granted for that.
    """
    rng = np.random.default_rng(8)
    level = 7.3 + rng.uniform(0, 0.4, (96, 96))
    stack = np.rint(level + noise * rng.normal(size=(50, 96, 96))).clip(0, 255).astype(np.uint8)
    found = float(np.median(estimate_pattern(stack).noise))
    assert found == pytest.approx(np.sqrt(noise**2 + 1 / 12), rel=0.05)

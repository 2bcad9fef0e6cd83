from __future__ import annotations

import math

import numpy as np
import pytest

from evsize.report import words
from evsize.results import ClassShare, Estimate, Value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (102.44, "102"),
        (98.06, "98.1"),
        (1.534, "1.53"),
        (1310.0, "1310"),
        (0.0421, "0.0421"),
        (-0.104, "-0.104"),
        (9.996, "10.0"),
        (999.6, "1000"),
        (3.1e8, "3.10e8"),
        (2e-7, "2.00e-7"),
        (0, "0"),
        (None, "not determined"),
        (math.nan, "not determined"),
    ],
)
def test_figure(value: float | None, text: str) -> None:
    assert words.figure(value) == text


def test_a_tie_is_rounded_alike_whoever_made_the_number() -> None:
    assert words.figure(np.float64(18.15)) == words.figure(18.15)


def test_estimates_and_shares() -> None:
    assert words.estimate(Estimate(value=102.4, low=99.3, high=105.5), "nm") == (
        "102 nm (99.3 to 106)"
    )
    assert words.estimate(Estimate(value=102.4), "nm") == "102 nm"
    assert words.estimate(Estimate(), "nm") == "not determined"
    assert words.share(Estimate(value=0.813, low=0.7, high=0.9)) == "81.3 % (70.0 to 90.0)"
    assert words.share(Estimate()) == "not determined"
    assert words.per_ml(Estimate(value=3.1e8, low=2e-9, high=4e8)) == "3.10e8 (0 to 4.00e8)"
    assert words.per_ml(Estimate(value=6e-186, low=0, high=2730)) == "0 (0 to 2730)"


def test_ranges_and_settings() -> None:
    def name(low: float, high: float | None) -> str:
        return words.size_range(ClassShare(name="a", low_nm=low, high_nm=high, fraction=Estimate()))

    assert [name(0, 40), name(40, 160), name(1000, None)] == ["< 40 nm", "40-160 nm", ">= 1000 nm"]
    assert words.setting(Value(value=0.166, unit="um")) == "0.166 um"
    assert words.setting(Value(value=True)) == "yes"
    assert words.setting(Value(value=None, unit="um")) == "not set"

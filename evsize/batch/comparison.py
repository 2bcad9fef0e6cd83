"""Conditions beside each other: the effect on each figure, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.batch.pooling import Sample, is_share
from evsize.batch.replicates import Contrast, contrast, paired_contrast

Floats = NDArray[np.float64]

COLUMNS = (
    "reference",
    "condition",
    "figure",
    "kind",
    "effect",
    "effect_low",
    "effect_high",
    "hedges_g",
    "unit",
    "n_reference",
    "n_condition",
    "note",
)
TOO_FEW = "no interval: needs two samples, or two replicates of one, under each condition"


def compare(samples: Sequence[Sample], figures: Sequence[str]) -> list[dict[str, Any]]:
    """Compare every two conditions; the one that comes first is the reference.

    Parameters
    ----------
    samples : sequence of Sample
        Of role "sample"; those without a condition are left aside.
    figures : sequence of str
        Names of what is compared.

    Returns
    -------
    list of dict
        A row a pair and figure, columns `COLUMNS`. Sizes and concentrations are compared by their
        ratio, shares by their difference. The samples are the units; where each condition has
        one sample only, its replicates are, and the row says so.
    """
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.role == "sample" and sample.condition and sample.replicates:
            groups.setdefault(sample.condition, []).append(sample)
    return [
        _row(reference, condition, figure, groups)
        for reference, condition in combinations(groups, 2)
        for figure in figures
    ]


def _row(
    reference: str, condition: str, figure: str, groups: dict[str, list[Sample]]
) -> dict[str, Any]:
    first, second = groups[reference], groups[condition]
    unit, before, after = _units(first, second, figure)
    found = Contrast(*(math.nan,) * 4)
    if len(before) and len(after):
        found = (paired_contrast if unit == "pairs" else contrast)(before, after)
    values = (found.value, found.low, found.high)
    undo = (lambda value: value) if is_share(figure) else math.exp
    effect, low, high = (undo(value) if math.isfinite(value) else None for value in values)
    return {
        "reference": reference,
        "condition": condition,
        "figure": figure,
        "kind": "difference" if is_share(figure) else "ratio",
        "effect": effect,
        "effect_low": low,
        "effect_high": high,
        "hedges_g": found.hedges_g if math.isfinite(found.hedges_g) else None,
        "unit": unit,
        "n_reference": len(before),
        "n_condition": len(after),
        "note": TOO_FEW if effect is not None and low is None else "",
    }


def _units(
    first: Sequence[Sample], second: Sequence[Sample], figure: str
) -> tuple[str, Floats, Floats]:
    """What is compared, and the figure in each, on the scale on which it is averaged."""
    before, after = _by_name(first, figure), _by_name(second, figure)
    both = [name for name in before if name in after]
    if len(both) > 1 and len(both) == max(len(before), len(after)):
        pairs = [(before[name], after[name]) for name in both]
        return "pairs", *np.array(pairs, dtype=np.float64).T
    if len(first) == len(second) == 1:
        return "replicates", _of_replicates(first[0], figure), _of_replicates(second[0], figure)
    return "samples", np.array([*before.values()]), np.array([*after.values()])


def _by_name(samples: Sequence[Sample], figure: str) -> dict[str, float]:
    means = {sample.name: sample.pooled(figure).value for sample in samples}
    return {name: value for name, value in means.items() if math.isfinite(value)}


def _of_replicates(sample: Sample, figure: str) -> Floats:
    return np.array([one.figures[figure][0] for one in sample.replicates if figure in one.figures])

"""Conditions beside each other: the effect on each figure, with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.batch.pooling import Sample, is_share
from evsize.batch.replicates import Z95, Contrast, contrast, paired_contrast

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
OTHERWISE = (
    "not compared: some samples are weighted by number per volume, others per particle seen; size "
    'all with weighting = "seen" to compare them'
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
    alike = len({weighting for one in (*first, *second) for weighting in one.weightings}) < 2
    if len(before) and len(after) and alike:
        work = paired_contrast if unit == "pairs" else contrast
        found = work(before[:, 0], after[:, 0], (before[:, 1], after[:, 1]))
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
        "note": OTHERWISE if not alike else TOO_FEW if effect is not None and low is None else "",
    }


def _units(
    first: Sequence[Sample], second: Sequence[Sample], figure: str
) -> tuple[str, Floats, Floats]:
    """What is compared, and in each the figure, on its scale of averaging, with its error."""
    before, after = _by_name(first, figure), _by_name(second, figure)
    both = [name for name in before if name in after]
    if len(both) > 1 and len(both) == max(len(before), len(after)):
        return "pairs", _rows(before[name] for name in both), _rows(after[name] for name in both)
    if len(first) == len(second) == 1:
        return "replicates", _of_replicates(first[0], figure), _of_replicates(second[0], figure)
    return "samples", _rows(before.values()), _rows(after.values())


def _by_name(samples: Sequence[Sample], figure: str) -> dict[str, tuple[float, float]]:
    means = {sample.name: sample.pooled(figure) for sample in samples}
    return {
        name: (found.value, (found.high - found.low) / (2 * Z95))
        for name, found in means.items()
        if math.isfinite(found.value)
    }


def _of_replicates(sample: Sample, figure: str) -> Floats:
    return _rows(one.figures[figure] for one in sample.replicates if figure in one.figures)


def _rows(found: Iterable[tuple[float, float]]) -> Floats:
    return np.array(list(found), dtype=np.float64).reshape(-1, 2)

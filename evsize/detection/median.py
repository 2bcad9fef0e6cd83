"""Medians that are quick, of values that are all numbers.

numpy's own divides an array at several places at once, which takes ten times as long as at one;
numba's takes two seconds to compile, at every first run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def quick_median(values: NDArray[np.floating[Any]]) -> float:
    """Median over a whole array, just as `numpy.median` gives it; NaN of none."""
    flat = values.ravel()
    if not flat.size:
        return float("nan")
    half = flat.size // 2
    parts = np.partition(flat, half)
    if flat.size % 2 == 1:
        return float(parts[half])
    return float((parts[:half].max() + parts[half]) / flat.dtype.type(2))


def quick_quantiles(
    values: NDArray[np.floating[Any]], shares: tuple[float, ...]
) -> tuple[float, ...]:
    """Quantiles of an array, (n,), just as `numpy.quantile` gives them: sorting is quick."""
    ordered = np.sort(values)
    found = []
    for share in shares:
        place = share * (len(ordered) - 1)
        left = int(place)
        below, above = ordered[left], ordered[min(left + 1, len(ordered) - 1)]
        between = place - left
        rise = float(above - below)
        near_above = between >= 0.5  # the order of sums that numpy takes
        found.append(
            float(above) - rise * (1 - between) if near_above else float(below) + rise * between
        )
    return tuple(found)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def median(values: NDArray[Any]) -> float:
    """Median of an array, (n,), by selection: Hoare, Communications of the ACM 4, 321 (1961)."""
    n = values.size
    work = np.empty(n)
    for i in range(n):
        work[i] = values[i]
    half = n // 2
    first, last = 0, n - 1
    while first < last:
        pivot = work[half]
        i, j = first, last
        while i <= j:
            while work[i] < pivot:
                i += 1
            while work[j] > pivot:
                j -= 1
            if i <= j:
                work[i], work[j] = work[j], work[i]
                i += 1
                j -= 1
        if j < half:
            first = i
        if i > half:
            last = j
    if n % 2 == 1:
        return float(work[half])
    below = work[0]
    for i in range(1, half):
        below = max(below, work[i])
    return float(0.5 * (below + work[half]))

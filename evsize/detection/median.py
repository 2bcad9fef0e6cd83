"""The median for compiled code: numba's own takes two seconds to compile, at every first run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


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

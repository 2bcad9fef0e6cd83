"""Summary figures of shares on a logarithmic grid of diameters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MODE_SD = 0.05
"""Standard deviation, in ln(diameter), of the kernel behind modes and peaks."""
PEAK_FRACTION = 0.05
PEAK_VALLEY = 0.8


def bin_edges(diameter_nm: Floats) -> Floats:
    """Edges (n + 1, nm) of the bins around a logarithmic grid (n, nm)."""
    half = np.log(diameter_nm[1] / diameter_nm[0]) / 2
    edges = np.append(diameter_nm * np.exp(-half), diameter_nm[-1] * np.exp(half))
    return np.asarray(edges, dtype=np.float64)


def cumulative(shares: Floats, edges_nm: Floats, at_nm: Floats) -> Floats:
    """Share of the population below each diameter, linear in ln(diameter) within a bin."""
    total = np.concatenate([[0.0], np.cumsum(shares)])
    at = np.log(np.maximum(at_nm, 1e-9))
    return np.asarray(np.interp(at, np.log(edges_nm), total / total[-1]), dtype=np.float64)


def quantile(shares: Floats, edges_nm: Floats, q: Floats) -> Floats:
    """Diameters (nm) below which the shares `q` of the population lie."""
    total = np.concatenate([[0.0], np.cumsum(shares)])
    filled = np.diff(total) > 0
    ends = np.append(filled, False) | np.append(False, filled)  # of the bins that hold something
    return np.asarray(np.exp(np.interp(q, total[ends] / total[-1], np.log(edges_nm)[ends])))


def smoothed(shares: Floats, diameter_nm: Floats, sd: float = MODE_SD) -> Floats:
    """Shares spread by a Gaussian kernel in ln(diameter)."""
    step = np.log(diameter_nm[1] / diameter_nm[0])
    reach = int(np.ceil(4 * sd / step))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / sd) ** 2)
    return np.convolve(shares, kernel / kernel.sum(), mode="full")[reach : reach + len(shares)]


def mode(shares: Floats, diameter_nm: Floats) -> float:
    """Diameter (nm) of the highest density in ln(diameter), by a parabola through the top."""
    density = smoothed(shares, diameter_nm)
    return _refine(np.log(density + 1e-300), diameter_nm, int(np.argmax(density)))


def _refine(log_density: Floats, diameter_nm: Floats, top: int) -> float:
    if not 0 < top < len(diameter_nm) - 1:
        return float(diameter_nm[top])
    left, middle, right = log_density[top - 1 : top + 2]
    curvature = left - 2 * middle + right
    shift = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    return float(diameter_nm[top] * (diameter_nm[1] / diameter_nm[0]) ** np.clip(shift, -1, 1))


def peaks(shares: Floats, diameter_nm: Floats) -> list[tuple[float, float]]:
    """Peaks as (mode in nm, share of the population), largest share first.

    Neighbouring tops count as one unless the valley between falls below 80 % of the lower one;
    the population is divided at the valleys, and parts under 5 % are left out.
    """
    density = smoothed(shares, diameter_nm)
    inner = (density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:])
    tops = [int(t) for t in np.flatnonzero(np.concatenate([[False], inner, [False]]))]
    if not tops:
        tops = [int(np.argmax(density))]
    while len(tops) > 1:
        valleys = [density[a : b + 1].min() for a, b in pairwise(tops)]
        lower = [min(density[a], density[b]) for a, b in pairwise(tops)]
        depth = [v / low for v, low in zip(valleys, lower, strict=True)]
        worst = int(np.argmax(depth))
        if depth[worst] <= PEAK_VALLEY:
            break
        pair = tops[worst], tops[worst + 1]
        tops.remove(min(pair, key=lambda top: density[top]))
    cuts = [0]
    for a, b in pairwise(tops):
        cuts.append(a + int(np.argmin(density[a : b + 1])))
    cuts.append(len(density))
    log_density = np.log(density + 1e-300)
    found = [
        (_refine(log_density, diameter_nm, top), float(shares[low:high].sum() / shares.sum()))
        for top, low, high in zip(tops, cuts[:-1], cuts[1:], strict=True)
    ]
    found = [peak for peak in found if peak[1] >= PEAK_FRACTION]
    return sorted(found, key=lambda peak: -peak[1])


def figures(shares: Floats, diameter_nm: Floats, edges_nm: Floats) -> dict[str, float]:
    """Mean, mode, D10, D50, D90 (nm) and span (D90 - D10)/D50 of one set of shares."""
    d10, d50, d90 = quantile(shares, edges_nm, np.array([0.1, 0.5, 0.9]))
    return {
        "mean_nm": float(shares @ diameter_nm / shares.sum()),
        "mode_nm": mode(shares, diameter_nm),
        "d10_nm": float(d10),
        "d50_nm": float(d50),
        "d90_nm": float(d90),
        "span": float((d90 - d10) / d50),
    }

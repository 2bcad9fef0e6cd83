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


def scaled(shares: Floats, edges_nm: Floats, factor: float) -> Floats:
    """Shares of the population with every diameter multiplied by a factor."""
    if factor == 1.0:
        return shares
    inner = cumulative(shares, edges_nm, edges_nm[1:-1] / factor)
    return np.diff(inner, prepend=0.0, append=1.0)  # what leaves the grid stays in its last bin


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


def tops(shares: Floats, diameter_nm: Floats) -> list[int]:
    """Places of the peaks on the grid, ascending; one at least.

    Neighbouring tops count as one unless the valley between falls below 80 % of the lower one and
    either side holds 5 % of the population.
    """
    density = smoothed(shares, diameter_nm)
    inner = (density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:])
    found = [int(t) for t in np.flatnonzero(np.concatenate([[False], inner, [False]]))]
    if not found:
        return [int(np.argmax(density))]
    while len(found) > 1:
        depth = [density[a : b + 1].min() / min(density[a], density[b]) for a, b in pairwise(found)]
        worst = int(np.argmax(depth))
        if depth[worst] <= PEAK_VALLEY:
            break
        found = joined(found, worst, density)
    while len(found) > 1:
        held = [fraction for _, fraction in peaks(shares, diameter_nm, found)]
        least = int(np.argmin(held))
        if held[least] >= PEAK_FRACTION:
            break
        del found[least]
    return found


def joined(places: list[int], pair: int, density: Floats) -> list[int]:
    """Places of the peaks, the lower of peak `pair` and the next one taken out."""
    lower = min(places[pair], places[pair + 1], key=lambda top: density[top])
    return [place for place in places if place != lower]


def territories(shares: Floats, diameter_nm: Floats, places: list[int]) -> list[tuple[int, int]]:
    """Range of the grid (first, end) that belongs to each peak, divided at the valleys."""
    density = smoothed(shares, diameter_nm)
    inside = [a + int(np.argmin(density[a : b + 1])) for a, b in pairwise(places)]
    return list(pairwise([0, *inside, len(density)]))


def peaks(shares: Floats, diameter_nm: Floats, places: list[int]) -> list[tuple[float, float]]:
    """Mode (nm) of the peak at each place, and its share of the population."""
    log_density = np.log(smoothed(shares, diameter_nm) + 1e-300)
    return [
        (_refine(log_density, diameter_nm, top), float(shares[low:high].sum() / shares.sum()))
        for top, (low, high) in zip(places, territories(shares, diameter_nm, places), strict=True)
    ]


def mode_within(shares: Floats, diameter_nm: Floats, first: int, end: int) -> float:
    """Diameter (nm) of the highest density in a part of the grid."""
    log_density = np.log(smoothed(shares, diameter_nm) + 1e-300)
    return _refine(log_density, diameter_nm, first + int(np.argmax(log_density[first:end])))


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

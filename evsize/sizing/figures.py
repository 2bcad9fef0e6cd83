"""Figures of a distribution with their intervals: summary, peaks, classes, the volume view."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evsize.results import ClassShare, Estimate, Misev, Peak, Summary, VolumeSummary
from evsize.settings import SizeClass
from evsize.sizing import summary
from evsize.sizing.distribution import Distribution

Floats = NDArray[np.float64]

MISEV_SPLIT_NM = 200.0
WHOLE = (0.0, 1.0)
Z_95 = 1.96
NAMES = ("mean_nm", "mode_nm", "d10_nm", "d50_nm", "d90_nm", "span")
AT_END = 1.1
"""Factor from an end of the grid within which a size is not known to be within."""
QUANTILES = ("d10_nm", "d50_nm", "d90_nm")


def of(fitted: Distribution, diameter_nm: Floats, edges_nm: Floats) -> dict[str, Estimate]:
    """Mean, mode, D10, D50, D90 and span, by the names of `evsize.results.Summary`."""
    central = summary.figures(fitted.shares, diameter_nm, edges_nm)
    # what a particle of each size does to a figure: raises the mean by its diameter, lowers a
    # quantile where it lies below
    of_size = {"mean_nm": diameter_nm} | {
        name: -(diameter_nm < central[name]).astype(float) for name in QUANTILES
    }

    def one(name: str) -> Estimate:
        bounds = (0.0, np.inf) if name == "span" else (edges_nm[0], edges_nm[-1])
        return fitted.estimate(
            lambda shares: summary.figures(shares, diameter_nm, edges_nm)[name],
            of_size.get(name),
            bounds,
        )

    # sizes that pile up at an end of the grid lie beyond it, nobody knows how far
    beyond = any(
        not edges_nm[0] * AT_END < central[name] < edges_nm[-1] / AT_END for name in NAMES[:-1]
    )
    if beyond:
        return {name: Estimate(value=central[name]) for name in NAMES}
    return {name: one(name) for name in NAMES}


def peaks(fitted: Distribution, diameter_nm: Floats) -> list[Peak]:
    """Peaks that the data support, the largest first, with intervals."""
    found = summary.peaks(fitted.shares, diameter_nm, fitted.tops)
    ranges = summary.territories(fitted.shares, diameter_nm, fitted.tops)
    result = []
    for (mode, fraction), (first, end) in zip(found, ranges, strict=True):
        inside = np.zeros(len(diameter_nm))
        inside[first:end] = 1
        share = fitted.estimate(partial(np.dot, inside), inside, WHOLE)
        place = fitted.estimate(
            partial(summary.mode_within, diameter_nm=diameter_nm, first=first, end=end),
            None,
            (diameter_nm[first], diameter_nm[end - 1]),
        )
        result.append(
            Peak(
                mode_nm=mode,
                fraction=fraction,
                mode_low_nm=None if place.low is None else min(place.low, mode),
                mode_high_nm=None if place.high is None else max(place.high, mode),
                fraction_low=share.low,
                fraction_high=share.high,
            )
        )
    return sorted(result, key=lambda peak: -peak.fraction)


def bins(fitted: Distribution) -> tuple[Floats, Floats]:
    """Lower and upper ends of the interval of each bin's share; NaN where there is none."""
    ends = [
        fitted.estimate(operator.itemgetter(index), None, WHOLE)
        for index in range(len(fitted.shares))
    ]
    low, high = ([getattr(end, name) for end in ends] for name in ("low", "high"))
    return np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)


def classes(
    fitted: Distribution,
    edges_nm: Floats,
    wanted: Sequence[SizeClass],
    limit_nm: float | None = None,
    per_ml: float | None = None,
    empty: tuple[Floats, Floats] | None = None,
) -> tuple[list[ClassShare], Misev]:
    """Share of the population in each class, and on either side of 200 nm.

    Parameters
    ----------
    fitted : Distribution
        The answer.
    edges_nm : ndarray, (sizes + 1,)
        Edges of its bins.
    wanted : sequence of SizeClass
        The classes.
    limit_nm : float, optional
        Diameter below which nothing is counted: what lies there has no share, and no zero.
    per_ml : float, optional
        Concentration for an amount of 1; by default none is given.
    empty : tuple of ndarray, (sizes,), optional
        Concentration of the blank in each bin, and its variance.
    """
    centre = np.sqrt(edges_nm[1:] * edges_nm[:-1])
    beyond = 2 * float(edges_nm[-1])

    def share(low_nm: float, high_nm: float) -> Estimate:
        at = np.array([low_nm, high_nm])
        inside = ((centre >= low_nm) & (centre < high_nm)).astype(float)
        return fitted.estimate(
            lambda p: float(np.diff(summary.cumulative(p, edges_nm, at))[0]), inside, WHOLE
        )

    def one(wanted_class: SizeClass) -> ClassShare:
        low, high = wanted_class.low_nm, wanted_class.high_nm or beyond
        seen = limit_nm is None or limit_nm < high
        amount = None
        if per_ml is not None and seen:
            amount = concentration(fitted, _inside(edges_nm, low, high), per_ml, empty)
        return ClassShare(
            name=wanted_class.name,
            low_nm=low,
            high_nm=wanted_class.high_nm,
            fraction=share(low, high) if seen else Estimate(),
            concentration_per_ml=amount,
            note=_note(wanted_class, limit_nm),
        )

    return [one(c) for c in wanted], Misev(
        small_fraction=share(0.0, MISEV_SPLIT_NM), large_fraction=share(MISEV_SPLIT_NM, beyond)
    )


def concentration(
    fitted: Distribution,
    part: Floats,
    per_ml: float,
    empty: tuple[Floats, Floats] | None = None,
) -> Estimate:
    """Concentration of a part of the sizes, the blank's taken off, 1/mL.

    Parameters
    ----------
    fitted : Distribution
        The answer.
    part : ndarray, (sizes,)
        Share of each bin that belongs to it.
    per_ml : float
        Concentration for an amount of 1.
    empty : tuple of ndarray, (sizes,), optional
        Concentration of the blank in each bin, and its variance: the interval is as much wider.
        Where the blank has more, the figure is negative and stays so.
    """
    found = fitted.amount(part)
    value = (found.value or 0.0) * per_ml
    off, variance = (0.0, 0.0) if empty is None else (float(part @ column) for column in empty)
    if found.low is None or found.high is None:
        return Estimate(value=value - off)
    below, above = value - found.low * per_ml, found.high * per_ml - value
    spread = Z_95 * np.sqrt(variance)
    return Estimate(
        value=value - off,
        low=value - off - float(np.hypot(below, spread)),
        high=value - off + float(np.hypot(above, spread)),
    )


def _inside(edges_nm: Floats, low_nm: float, high_nm: float) -> Floats:
    """Share of each bin, in ln(diameter), that lies in a range."""
    ends = np.log(edges_nm)
    low, high = np.log(max(low_nm, 1e-9)), np.log(high_nm)
    inside = np.minimum(ends[1:], high) - np.maximum(ends[:-1], low)
    return np.asarray(np.clip(inside / np.diff(ends), 0.0, 1.0))


def _note(wanted: SizeClass, limit_nm: float | None) -> str:
    notes = []
    if wanted.low_nm >= 1000:
        notes.append("outside the validated range of tracking")
    if limit_nm is not None and limit_nm > wanted.low_nm:
        if wanted.high_nm is not None and limit_nm >= wanted.high_nm:
            notes.append("below the detection limit: not seen, which does not mean none")
        else:
            missing = f"{wanted.low_nm:.0f} to {limit_nm:.0f} nm"
            notes.append(f"detection-limited: {missing} not seen and not counted")
            if wanted.high_nm is not None:
                part = (limit_nm - wanted.low_nm) / (wanted.high_nm - wanted.low_nm)
                notes.append(f"{100 * part:.0f} % of its range")
    return ", ".join(notes)


def by_volume(fitted: Distribution, diameter_nm: Floats, edges_nm: Floats) -> VolumeSummary:
    """Summary of the distribution in which each particle weighs by its volume.

    It follows from the number-weighted distribution, and magnifies the errors of its upper end:
    one particle of 500 nm counts as much as 125 of 100 nm.
    """

    def figure(shares: Floats, name: str) -> float:
        volume = shares * diameter_nm**3
        return summary.figures(volume / volume.sum(), diameter_nm, edges_nm)[name]

    def one(name: str) -> Estimate:
        bounds = (0.0, np.inf) if name == "span" else (edges_nm[0], edges_nm[-1])
        return fitted.estimate(lambda shares: figure(shares, name), diameter_nm**3, bounds)

    return VolumeSummary(**{name: one(name) for name in NAMES})


def single_tracks(diameter_nm: Floats) -> Summary:
    """Summary of the diameters of single tracks, (tracks,), without intervals."""
    sizes = np.sort(diameter_nm)
    d10, d50, d90 = np.quantile(sizes, [0.1, 0.5, 0.9])
    grid = np.exp(np.arange(np.log(sizes[0]) - 0.3, np.log(sizes[-1]) + 0.3, 0.02))
    counts = np.histogram(sizes, bins=summary.bin_edges(grid))[0].astype(float)
    return Summary(
        mean_nm=Estimate(value=float(sizes.mean())),
        mode_nm=Estimate(value=summary.mode(counts, grid)),
        d10_nm=Estimate(value=float(d10)),
        d50_nm=Estimate(value=float(d50)),
        d90_nm=Estimate(value=float(d90)),
        span=Estimate(value=float((d90 - d10) / d50)),
    )

"""Recordings -> replicates -> samples: figures and distributions of a sample."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.batch.entry import Entry
from evsize.batch.replicates import Z95, Mean, mean
from evsize.results import Estimate, Report

Floats = NDArray[np.float64]

SIZES = ("d10_nm", "d50_nm", "d90_nm", "mean_nm", "mode_nm", "span")
CONCENTRATION = "concentration_per_ml"
BINS = ("diameter_nm", "bin_low_nm", "bin_high_nm")
PER_VOLUME, PER_SEEN = "number per volume", "per particle seen"


def is_share(figure: str) -> bool:
    """Whether a figure is a share of the population; the others are compared by their ratio."""
    return figure.endswith("_fraction")


def to_scale(figure: str, value: float) -> float:
    """Put a figure on the scale on which it is averaged: shares as they are, others by ln."""
    return value if is_share(figure) else math.log(value)


def from_scale(figure: str, value: float) -> float:
    """Undo `to_scale`; a share stays between 0 and 1."""
    return min(max(value, 0.0), 1.0) if is_share(figure) else math.exp(value)


@dataclass(frozen=True)
class Measured:
    """What is pooled of one recording.

    Attributes
    ----------
    entry : Entry
        The recording.
    verdict : str
        Of its quality.
    figures : dict of str to Estimate
        By name; those not determined are left out.
    bins : DataFrame
        Columns `BINS`.
    shares : ndarray, (bins, 3)
        Fraction of the population in each bin, and the ends of its interval.
    weighting : str
        What the shares are of: "number per volume" or "per particle seen".
    sha256 : str
        Of the recording.
    """

    entry: Entry
    verdict: str
    figures: Mapping[str, Estimate]
    bins: pd.DataFrame
    shares: Floats
    weighting: str = PER_SEEN
    sha256: str = ""


def measure(entry: Entry, report: Report, folder: Path) -> Measured:
    """Take from a result what is pooled."""
    figures = {name: getattr(report.distribution, name) for name in SIZES}
    figures |= {f"{item.name.replace('-', '_')}_fraction": item.fraction for item in report.classes}
    figures["misev_small_fraction"] = report.misev.small_fraction
    figures["misev_large_fraction"] = report.misev.large_fraction
    figures[CONCENTRATION] = report.concentration_per_ml or Estimate()
    known = {
        name: value
        for name, value in figures.items()
        if value.value is not None and (is_share(name) or value.value > 0)
    }
    table = pd.read_csv(folder / "distribution.csv")
    shares = table[["fraction", "fraction_low", "fraction_high"]].to_numpy(np.float64)
    return Measured(
        entry,
        report.qc.verdict,
        known,
        table[list(BINS)],
        shares,
        PER_VOLUME if report.distribution.per_volume else PER_SEEN,
        report.recording.sha256 or "",
    )


@dataclass(frozen=True)
class Replicate:
    """A replicate: the recordings of one filling, or a single one.

    Attributes
    ----------
    figures : dict of str to (value, standard error)
        Means over its recordings, on the scale of `to_scale`.
    shares, errors : ndarray, (bins,)
        Mean distribution, and the standard error within.
    """

    figures: Mapping[str, tuple[float, float]]
    shares: Floats
    errors: Floats


@dataclass(frozen=True)
class Sample:
    """A sample under one condition, its recordings put together.

    Attributes
    ----------
    name, condition, role : str
        As in the manifest.
    recordings : tuple of Measured
        Those pooled.
    left_out : tuple of Measured
        Those whose verdict says not to rely on them, copies, and those weighted otherwise.
    replicates : tuple of Replicate
        The units behind every interval.
    note : str
        Why recordings were left out for another reason than their verdict.
    """

    name: str
    condition: str
    role: str
    recordings: tuple[Measured, ...]
    left_out: tuple[Measured, ...]
    replicates: tuple[Replicate, ...]
    note: str = ""

    @property
    def weightings(self) -> set[str]:
        """What the shares are of: one at the most."""
        return {one.weighting for one in self.recordings}

    def pooled(self, figure: str) -> Mean:
        """Mean of a figure over the replicates, on the scale of `to_scale`."""
        found = [one.figures[figure] for one in self.replicates if figure in one.figures]
        values, errors = np.array(found, dtype=np.float64).reshape(-1, 2).T
        return mean(values, errors)

    def distribution(self) -> pd.DataFrame | None:
        """Mean distribution: columns `BINS`, fraction and its interval; None for no replicate."""
        if not self.replicates:
            return None
        each = [
            mean(np.array(values), np.array(errors))
            for values, errors in zip(
                zip(*(one.shares for one in self.replicates), strict=True),
                zip(*(one.errors for one in self.replicates), strict=True),
                strict=True,
            )
        ]
        return self.recordings[0].bins.assign(
            fraction=[one.value for one in each],
            fraction_low=[max(one.low, 0.0) for one in each],
            fraction_high=[min(one.high, 1.0) for one in each],
        )


def pool(measured: Iterable[Measured]) -> list[Sample]:
    """Put recordings together by sample and condition, in the order of their first one."""
    groups: dict[tuple[str, str, str], list[Measured]] = {}
    for one in measured:
        key = one.entry.sample, one.entry.condition, one.entry.role
        groups.setdefault(key, []).append(one)
    return [_sample(*key, members) for key, members in groups.items()]


def _sample(name: str, condition: str, role: str, members: list[Measured]) -> Sample:
    """Choose what can be pooled: a film once, and one weighting."""
    used: list[Measured] = []
    left_out, notes = [], []
    films: dict[str, str] = {}
    reliable = [one for one in members if one.verdict != "fail"]
    wanted = PER_VOLUME if any(one.weighting == PER_VOLUME for one in reliable) else PER_SEEN
    for one in members:
        original = films.get(one.sha256) if one.sha256 else None
        if one.verdict == "fail":
            left_out.append(one)
        elif original is not None:
            left_out.append(one)
            notes.append(f"{one.entry.name} is the same film as {original}: counted once")
        elif one.weighting != wanted:
            left_out.append(one)
            notes.append(f"{one.entry.name} is weighted {one.weighting}, the others {wanted}")
        else:
            used.append(one)
            films[one.sha256] = one.entry.name
    pooled = tuple(_replicates(used))
    return Sample(name, condition, role, tuple(used), tuple(left_out), pooled, "; ".join(notes))


def _replicates(recordings: Iterable[Measured]) -> list[Replicate]:
    """Recordings of the same replicate count as one; each without a number is its own."""
    groups: dict[tuple[str, str], list[Measured]] = {}
    for one in recordings:
        number = one.entry.replicate
        key = ("replicate", number) if number else ("recording", one.entry.name)
        groups.setdefault(key, []).append(one)
    return [_replicate(group) for group in groups.values()]


def _replicate(group: list[Measured]) -> Replicate:
    names = dict.fromkeys(name for one in group for name in one.figures)
    figures = {}
    for name in names:
        found = [_on_scale(name, one.figures[name]) for one in group if name in one.figures]
        values, errors = np.array(found).T
        figures[name] = float(values.mean()), _error_of_mean(errors)
    shares = np.stack([one.shares for one in group])
    errors = (shares[..., 2] - shares[..., 1]) / (2 * Z95)
    return Replicate(
        figures, shares[..., 0].mean(axis=0), np.sqrt((errors**2).sum(axis=0)) / len(group)
    )


def _error_of_mean(errors: Floats) -> float:
    return float(np.sqrt((errors**2).sum()) / len(errors))


def _on_scale(name: str, value: Estimate) -> tuple[float, float]:
    """Value and standard error on the scale of `to_scale`; a 95 % interval is 3.92 of them."""
    assert value.value is not None
    low, high = value.low, value.high
    if low is None or high is None or (low <= 0 and not is_share(name)):
        return to_scale(name, value.value), math.nan
    return to_scale(name, value.value), (to_scale(name, high) - to_scale(name, low)) / (2 * Z95)

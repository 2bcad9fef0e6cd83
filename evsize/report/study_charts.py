"""Charts that put several results side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from evsize.report import words
from evsize.report.axes import Axes, nice_ticks, size_ticks
from evsize.report.drawing import shown_range, view_of
from evsize.results import Estimate, Result

STYLES = 6
"""Kinds of lines that differ in colour and dashes; numbers at the peaks tell all apart."""


@dataclass(frozen=True)
class Member:
    """One result of a study.

    Attributes
    ----------
    sample : str
        What was filmed; replicates share it.
    replicate : str
        Recordings of one replicate share it; each is its own where it is empty.
    """

    sample: str
    folder: Path
    result: Result
    replicate: str = ""


@dataclass(frozen=True)
class Sample:
    """One sample: its number in the drawings and its recordings."""

    number: int
    name: str
    members: tuple[Member, ...]

    @property
    def style(self) -> str:
        """Class of its lines."""
        return f"line-{(self.number - 1) % STYLES}"

    @property
    def medians_nm(self) -> list[float]:
        """Median of each replicate in which something was sized, nm: the mean of its recordings."""
        found: dict[str, list[float]] = {}
        for number, member in enumerate(self.members):
            median = member.result.summary.distribution.d50_nm.value
            if median is not None:
                found.setdefault(member.replicate or f" {number}", []).append(median)
        return [float(np.mean(values)) for values in found.values()]

    @property
    def mean_nm(self) -> float | None:
        """Mean of the medians, nm."""
        return float(np.mean(self.medians_nm)) if self.medians_nm else None

    @property
    def cv_percent(self) -> float | None:
        """Coefficient of variation of the medians over replicates, %; None for fewer than two."""
        if len(self.medians_nm) < 2:
            return None
        return float(100 * np.std(self.medians_nm, ddof=1) / np.mean(self.medians_nm))


def draw_overlay(samples: Sequence[Sample]) -> str:
    """Draw the distributions of all recordings in one chart, a number at the peak of each."""
    ends = shown_range(*(m.result.distribution_table for s in samples for m in s.members))
    if ends is None:
        return ""
    low, high = ends
    curves = [
        (s, view_of(m.result.distribution_table, low, high).dropna(subset=["fraction"]))
        for s in samples
        for m in s.members
    ]
    highest = max(float(view["fraction"].to_numpy().max(initial=0)) for _, view in curves)
    axes = Axes((low, high), (0, 112 * highest or 1.0), height=430, top=24, log_x=True)
    axes.frame(size_ticks(low, high), "hydrodynamic diameter (nm)", "share a size step (%)")
    axes.rule(200, "misev")
    peaks: dict[int, tuple[float, float]] = {}
    for sample, view in curves:
        sizes, shares = (view[name].to_numpy() for name in ("diameter_nm", "fraction"))
        if not shares.any():
            continue
        axes.line(sizes, 100 * shares, sample.style)
        peak = (float(shares.max()), float(sizes[shares.argmax()]))
        peaks[sample.number] = max(peak, peaks.get(sample.number, peak))
    _number_peaks(axes, peaks)
    return axes.svg(f"Size distributions of {len(samples)} samples")


def _number_peaks(axes: Axes, peaks: Mapping[int, tuple[float, float]]) -> None:
    """Write numbers above the peaks; those that would meet stand beside each other."""
    taken: list[tuple[float, float]] = []
    for number, (share, nm) in peaks.items():
        x, y = axes.x(nm), axes.y(100 * share) - 4
        while any(abs(x - left) < 22 and abs(y - at) < 20 for left, at in taken):
            x += 6
        taken.append((x, y))
        axes.text(x, y, str(number), "peakname")


_GAP, _PITCH = 22.0, 13.0  # between samples, between replicates


def draw_medians(samples: Sequence[Sample]) -> str:
    """Draw the median of each recording with its interval, replicates in one row as dots."""
    medians = [m.result.summary.distribution.d50_nm for s in samples for m in s.members]
    ends = [end for d50 in medians for end in (d50.value, d50.low, d50.high) if end is not None]
    if not ends:
        return ""
    log = max(ends) > 4 * min(ends)
    margin = max(0.08 * (max(ends) - min(ends)), 0.02 * max(ends))
    height = sum(_GAP + _PITCH * len(sample.members) for sample in samples)
    x_range = (
        (min(ends) / 1.2, max(ends) * 1.2) if log else (min(ends) - margin, max(ends) + margin)
    )
    axes = Axes(x_range, (0, 1), height + 78, top=8, left=46, log_x=log)
    ticks = size_ticks(*x_range) if log else nice_ticks(*x_range, 7)
    axes.scale_x(ticks, "median diameter (nm), 95 % interval")
    y = axes.top
    for sample in samples:
        row = _GAP + _PITCH * len(sample.members)
        axes.text(20, y + row / 2 + 4, str(sample.number), "peakname")
        if sample.cv_percent is not None and sample.mean_nm is not None:
            x = f"{axes.x(sample.mean_nm):.1f}"
            axes.items.append(
                f'<line class="mean" x1="{x}" x2="{x}" y1="{y + 6:.1f}" y2="{y + row - 6:.1f}"/>'
            )
        for place, member in enumerate(sample.members):
            at = y + _GAP / 2 + _PITCH * (place + 0.5)
            axes.items.append(_dot(axes, at, member, sample.style))
        y += row
    return axes.svg("Median diameters with 95 % intervals")


def _dot(axes: Axes, y: float, member: Member, kind: str) -> str:
    median: Estimate = member.result.summary.distribution.d50_nm
    if median.value is None:
        return ""
    interval = ""
    if median.low is not None and median.high is not None:
        interval = (
            f'<line class="interval {kind}" x1="{axes.x(median.low):.1f}" '
            f'x2="{axes.x(median.high):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
    title = escape(f"{member.folder.name}: {words.estimate(median, 'nm')}")
    return (
        f'{interval}<circle class="dot {kind}" cx="{axes.x(median.value):.1f}" cy="{y:.1f}" '
        f'r="4.5"><title>{title}</title></circle>'
    )

"""Charts as inline SVG, drawn from tables; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.report.words import figure, percent
from evsize.results import Report

WIDTH, LEFT, RIGHT = 760.0, 72.0, 14.0
_NAME_WIDTH = 190.0  # of a peak's name in the larger letters of a phone
TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)


class Axes:
    """A plot area with its scales.

    Parameters
    ----------
    x_range, y_range : (float, float)
        What the ends stand for.
    height : float
        Of the whole drawing.
    top : float
        Room above the plot area.
    log_x : bool
        Logarithmic abscissa.
    """

    def __init__(
        self,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        height: float,
        top: float = 16.0,
        log_x: bool = False,
    ) -> None:
        self.x_range, self.y_range, self.log_x = x_range, y_range, log_x
        self.height, self.top, self.bottom = height, top, height - 62.0
        self.items: list[str] = []

    def x(self, value: float) -> float:
        """Abscissa in the drawing."""
        low, high = self.x_range
        if self.log_x:
            value, low, high = math.log(value), math.log(low), math.log(high)
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Ordinate in the drawing."""
        low, high = self.y_range
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)

    def points(self, xs: Iterable[float], ys: Iterable[float]) -> str:
        """Return the ``points`` of a line."""
        pairs = zip(xs, ys, strict=True)
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in pairs)

    def line(self, xs: Iterable[float], ys: Iterable[float], kind: str) -> None:
        """Draw a line."""
        self.items.append(f'<polyline class="{kind}" points="{self.points(xs, ys)}"/>')

    def area(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float]) -> None:
        """Draw a band between two lines."""
        outline = f"{self.points(xs, high)} {self.points(xs[::-1], low[::-1])}"
        self.items.append(f'<polygon class="band" points="{outline}"/>')

    def text(self, x: float, y: float, words: str, kind: str = "label", anchor: str = "") -> None:
        """Write words at a point of the drawing."""
        side = anchor or "middle"
        self.items.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{side}">'
            f"{escape(words)}</text>"
        )

    def zone(self, low: float, high: float, kind: str) -> None:
        """Shade a range of abscissas."""
        start, end = self.x(low), self.x(high)
        self.items.append(
            f'<rect class="{kind}" x="{start:.1f}" y="{self.top:.1f}" '
            f'width="{max(end - start, 0):.1f}" height="{self.bottom - self.top:.1f}"/>'
        )

    def rule(self, x: float, kind: str) -> None:
        """Draw a vertical line."""
        self.items.append(
            f'<line class="{kind}" x1="{self.x(x):.1f}" x2="{self.x(x):.1f}" '
            f'y1="{self.top:.1f}" y2="{self.bottom:.1f}"/>'
        )

    def frame(self, x_ticks: Iterable[float], x_name: str, y_name: str) -> None:
        """Draw axes, ticks, grid lines and names."""
        for tick in x_ticks:
            self.text(self.x(tick), self.bottom + 22, f"{tick:g}")
            self.rule(tick, "grid")
        for tick in nice_ticks(*self.y_range):
            y = self.y(tick)
            self.text(LEFT - 7, y + 4, f"{tick:g}", anchor="end")
            self.items.append(
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
        self.text((LEFT + WIDTH - RIGHT) / 2, self.height - 7, x_name, "name")
        middle = (self.top + self.bottom) / 2
        self.items.append(
            f'<text class="name" text-anchor="middle" transform="translate(16 {middle:.1f}) '
            f'rotate(-90)">{escape(y_name)}</text>'
        )

    def svg(self, title: str) -> str:
        """Return the whole drawing."""
        return (
            f'<svg viewBox="0 0 {WIDTH:g} {self.height:g}" role="img" '
            f'aria-label="{escape(title)}">{"".join(self.items)}</svg>'
        )


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values that divide a range into at most `most` + 1 parts."""
    step = 10 ** math.floor(math.log10((high - low) / most))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= most)
    first = math.ceil(low / step)
    return [round(step * i, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def draw_distribution(table: pd.DataFrame, report: Report) -> str:
    """Draw the size distribution: interval band, single-track histogram, classes, peaks."""
    shown = table[["fraction", "raw_fraction"]].fillna(0).to_numpy().max(axis=1) > 5e-4
    if not shown.any():
        return ""
    centre = table["diameter_nm"].to_numpy()
    low = min(30.0, float(centre[shown].min()) / 1.15)
    high = max(600.0, float(centre[shown].max()) * 1.15)
    view = table[(table["diameter_nm"] >= low) & (table["diameter_nm"] <= high)].fillna(0)
    main, upper = (100 * view[name].to_numpy() for name in ("fraction", "fraction_high"))
    edges, raw = _coarse(view)
    top = 1.12 * max(main.max(), min(upper.max(), 2.5 * main.max()), raw.max())
    axes = Axes((low, high), (0, top), height=430, top=62, log_x=True)
    _draw_classes(axes, report)
    axes.frame(
        [tick for tick in TICKS if low <= tick <= high],
        "hydrodynamic diameter (nm)",
        "share a size step (%)",
    )
    axes.rule(200, "misev")
    xs = view["diameter_nm"].tolist()
    axes.area(xs, (100 * view["fraction_low"]).tolist(), np.minimum(upper, top).tolist())
    axes.line(np.repeat(edges, 2)[1:-1], np.repeat(raw, 2), "raw")
    axes.line(xs, main, "main")
    _draw_peaks(axes, report, centre, 100 * table["fraction"].to_numpy())
    return axes.svg(
        f"Size distribution: median {figure(report.distribution.d50_nm.value)} nm, "
        f"{len(report.distribution.peaks)} peak(s)"
    )


def _coarse(view: pd.DataFrame, bins: int = 45) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Merge bins of the single-track histogram; heights stay comparable with single bins."""
    step = max(1, round(len(view) / bins))
    starts = np.arange(0, len(view), step)
    sizes = np.diff([*starts, len(view)])
    raw = 100 * np.add.reduceat(view["raw_fraction"].to_numpy(), starts) / sizes
    lows, highs = view["bin_low_nm"].to_numpy(), view["bin_high_nm"].to_numpy()
    return np.append(lows[starts], highs[-1]), raw


def _draw_classes(axes: Axes, report: Report) -> None:
    low, high = axes.x_range
    limit = report.detection_limit_nm
    if limit is not None and limit.value is not None and limit.value > low:
        axes.zone(low, limit.value, "unseen")
    for number, item in enumerate(report.classes):
        start, end = max(item.low_nm, low), min(item.high_nm or high, high)
        if start >= end:
            continue
        if number % 2:
            axes.zone(start, end, "class")
        room = axes.x(end) - axes.x(start)
        if room > 7.5 * len(item.name):
            middle = (axes.x(start) + axes.x(end)) / 2
            axes.text(middle, 20, item.name, "name")
            if item.fraction.value is not None:
                axes.text(middle, 47, percent(item.fraction.value), "label")


def _draw_peaks(
    axes: Axes, report: Report, centre: NDArray[np.float64], height: NDArray[np.float64]
) -> None:
    taken: list[tuple[float, float]] = []
    for peak in report.distribution.peaks[:6]:
        x = axes.x(peak.mode_nm)
        y = axes.y(float(np.interp(peak.mode_nm, centre, height)))
        axes.items.append(f'<circle class="peak" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
        while any(abs(x - other) < _NAME_WIDTH and abs(y - at) < 26 for other, at in taken):
            y -= 5
        taken.append((x, y))
        words = f"{figure(peak.mode_nm)} nm, {100 * peak.fraction:.0f} %"
        right = x < WIDTH - _NAME_WIDTH
        axes.text(x + (8 if right else -8), y + 1, words, "peakname", "start" if right else "end")


def draw_frames(frames: pd.DataFrame, most: int = 240) -> str:
    """Draw the spots found in each frame over time, averaged where there are many frames."""
    if len(frames) < 2:
        return ""
    group = np.arange(len(frames)) * min(most, len(frames)) // len(frames)
    means = frames[["t_s", "detections", "false_detections"]].groupby(group).mean()
    false = means["false_detections"].dropna()
    top = 1.15 * max(1.0, float(means["detections"].max()), *false)
    end = float(frames["t_s"].max())
    axes = Axes((float(frames["t_s"].min()), end), (0, top), height=240)
    axes.frame(nice_ticks(*axes.x_range, 8), "time (s)", "spots a frame")
    axes.line(means.loc[false.index, "t_s"], false, "raw")
    axes.line(means["t_s"], means["detections"], "main")
    mean = figure(float(frames["detections"].mean()))
    return axes.svg(f"Spots a frame over {figure(end)} s, {mean} on average")


def draw_shares(shares: Sequence[tuple[str, int]]) -> str:
    """Draw counts as horizontal bars with their numbers."""
    total = sum(count for _, count in shares)
    if not total:
        return ""
    bars = []
    for row, (name, count) in enumerate(shares):
        y, width = 6 + 30 * row, 380 * count / total
        kind = "bar" if row == 0 else "bar other"
        bars.append(
            f'<text class="label" x="190" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="{kind}" x="200" y="{y}" width="{max(width, 1):.1f}" height="20"/>'
            f'<text class="label" x="{208 + width:.1f}" y="{y + 15}">{count} '
            f"({100 * count / total:.0f} %)</text>"
        )
    height = 12 + 30 * len(shares)
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {height}" role="img" aria-label="Tracks by what became of '
        f'them">{"".join(bars)}</svg>'
    )

"""The size distribution as a chart: interval band, classes, peaks, and layers to choose."""

from __future__ import annotations

import json
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.report.axes import WIDTH, Axes, size_ticks
from evsize.report.words import figure, percent
from evsize.results import Report

_LETTER_WIDTH = 9.6  # of a class's name in the larger letters of a phone
_NAME_WIDTH = 190.0  # of a peak's name in the larger letters of a phone


def shown_range(*tables: pd.DataFrame) -> tuple[float, float] | None:
    """Diameters between which distributions have something to show, nm; None where none has."""
    seen = []
    for table in tables:
        shares = table[["fraction", "raw_fraction"]].fillna(0).to_numpy().max(axis=1)
        seen.append(table["diameter_nm"].to_numpy()[shares > 5e-4])
    sizes = np.concatenate(seen)
    if not len(sizes):
        return None
    return min(30.0, float(sizes.min()) / 1.15), max(600.0, float(sizes.max()) * 1.15)


def view_of(table: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Bins of a distribution between two diameters, nm; shares not known stay undefined."""
    return table[table["diameter_nm"].between(low, high)].fillna({"raw_fraction": 0})


def by_volume(table: pd.DataFrame) -> NDArray[np.float64]:
    """Share of the volume in each bin: the number share weighted by the diameter's cube."""
    weight = table["fraction"].fillna(0).to_numpy() * table["diameter_nm"].to_numpy() ** 3
    total = weight.sum()
    shares: NDArray[np.float64] = weight / total if total > 0 else weight
    return shares


def draw_distribution(table: pd.DataFrame, report: Report) -> str:
    """Draw the size distribution; single tracks and volume are layers that the page can hide."""
    ends = shown_range(table)
    if ends is None:
        return ""
    low, high = ends
    view = view_of(table.assign(volume=by_volume(table)), low, high)
    edges, raw = coarse(view)
    view = view.dropna(subset=["fraction"])  # sizes that were too small to be seen have no share
    main, lower, upper, volume = (
        100 * view[name].fillna(view["fraction"]).to_numpy()
        for name in ("fraction", "fraction_low", "fraction_high", "volume")
    )
    highest = main.max(initial=0) or raw.max()
    others = (min(x.max(initial=0), 2.5 * highest) for x in (upper, raw, volume))
    top = 1.12 * max(highest, *others)
    axes = Axes((low, high), (0, top), height=430, top=62, log_x=True)
    _draw_classes(axes, report)
    axes.frame(size_ticks(low, high), "hydrodynamic diameter (nm)", "share a size step (%)")
    axes.rule(200, "misev")
    xs = view["diameter_nm"].tolist()
    axes.area(xs, lower.tolist(), upper.tolist())
    for name, across, heights in (
        ("raw", np.repeat(edges, 2)[1:-1], np.repeat(raw, 2)),
        ("volume", xs, volume),
    ):
        axes.line(across, heights, name)
        axes.layer(name, len(axes.items) - 1)
    axes.line(xs, main, "main")
    heights = 100 * table["fraction"].fillna(0).to_numpy()
    _draw_peaks(axes, report, table["diameter_nm"].to_numpy(), heights)
    axes.items.append(
        f'<line class="cursor" y1="{axes.top:g}" y2="{axes.bottom:g}" '
        f'data-points="{escape(_readings(axes, view))}"/>'
    )
    return axes.svg(
        f"Size distribution: median {figure(report.distribution.d50_nm.value)} nm, "
        f"{len(report.distribution.peaks)} peak(s)",
        "distribution",
    )


def _readings(axes: Axes, view: pd.DataFrame) -> str:
    """Curve as text for the page's reading line: abscissa, nm, share, low, high in percent."""
    rows = zip(
        view["diameter_nm"],
        view["fraction"],
        view["fraction_low"],
        view["fraction_high"],
        strict=True,
    )
    return json.dumps(
        [
            [round(axes.x(nm), 1), figure(nm), *(f"{100 * share:.2f}" for share in shares)]
            for nm, *shares in rows
        ],
        separators=(",", ":"),
    )


def coarse(view: pd.DataFrame, bins: int = 45) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
        if room > _LETTER_WIDTH * len(item.name):
            middle = (axes.x(start) + axes.x(end)) / 2
            axes.text(middle, 20, item.name, "classname")
            if item.fraction.value is not None:
                axes.text(middle, 47, percent(item.fraction.value), "classname")


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

"""A result of evsize beside a vendor's, as figures and as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.report import words
from evsize.report.axes import WIDTH, Axes, size_ticks
from evsize.results import UNITS, Estimate, Report, Result
from evsize.vendors import VendorResult, Video

STEP = 1.025
"""Ratio of the ends of a size step in the drawing."""
HEIGHT = 430.0
STYLE = """
svg { background: #ffffff; } text { fill: #5c666d; font: 12.5px system-ui, sans-serif; }
.name { fill: #1d2327; font-size: 13px; } .grid { stroke: #dcdfe0; stroke-width: 1; }
polyline { fill: none; stroke-linejoin: round; } .main { stroke: #0b5f8a; stroke-width: 2.5; }
.raw { stroke: #b0621a; stroke-width: 2; stroke-dasharray: 7 4; } .band { fill: #0b5f8a33; }
"""


@dataclass(frozen=True)
class Row:
    """One line of a comparison: a figure of both."""

    name: str
    unit: str
    ours: Estimate
    theirs: float | None
    spread: str = ""

    @property
    def difference_percent(self) -> float | None:
        """How far ours is from theirs, % of theirs."""
        if self.ours.value is None or not self.theirs:
            return None
        return 100 * (self.ours.value / self.theirs - 1)


def matching_videos(report: Report, vendor: VendorResult) -> tuple[Video, ...]:
    """The vendor's videos of this recording by name; all of them where none has its name."""
    stem = Path(report.recording.path.replace("\\", "/")).stem.casefold()
    same = tuple(video for video in vendor.videos if video.name.casefold() == stem)
    return same or vendor.videos


def compare(result: Result, videos: Sequence[Video]) -> list[Row]:
    """Put the figures side by side; several videos count with their mean.

    The vendor's own figures are taken where the file states them, else those worked out from its
    size data.
    """
    report = result.summary
    rows = []
    for key, name in words.SUMMARY_NAMES.items():
        if key != "span":
            values = [video.stated.get(key, value_of(video, key)) for video in videos]
            rows.append(row(name, "nm", getattr(report.distribution, key), values))
    concentrations = [video.concentration_per_ml for video in videos]
    ours = report.concentration_per_ml or Estimate()
    rows.append(row("concentration", "per mL", ours, concentrations))
    return rows


def value_of(video: Video, key: str) -> float | None:
    """A figure worked out from the size data of a video."""
    figure: Estimate = getattr(video.summary, key)
    return figure.value


def row(name: str, unit: str, ours: Estimate, theirs: Sequence[float | None]) -> Row:
    """Make a row of our figure and the vendor's for each video."""
    known = [value for value in theirs if value is not None]
    spread = ""
    if len(known) > 1:
        spread = f"{words.figure(min(known))} to {words.figure(max(known))}"
    return Row(name, unit, ours, float(np.mean(known)) if known else None, spread)


def settings_rows(report: Report, videos: Sequence[Video]) -> list[tuple[str, str, str]]:
    """Acquisition values of both, where the vendor's file has them."""
    rows = []
    for name in dict.fromkeys(key for video in videos for key in video.acquisition):
        values = {video.acquisition[name] for video in videos if name in video.acquisition}
        ours = report.acquisition.get(name)
        rows.append(
            (
                name,
                "not given" if ours is None else words.setting(ours),
                f"{spelled(sorted(values, key=str))} {UNITS[name]}".strip(),
            )
        )
    return rows


def spelled(values: Sequence[Any]) -> str:
    """Write one value, or the range of several."""
    texts = [value if isinstance(value, str) else f"{value:.6g}" for value in values]
    return texts[0] if len(texts) == 1 else f"{texts[0]} to {texts[-1]}"


def rebinned(table: pd.DataFrame, edges_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of a distribution in each of other bins; (n + 1,) edges, nm, to (n,) shares."""
    share = table["fraction"].fillna(0).to_numpy(dtype=np.float64)
    ends = np.append(table["bin_low_nm"].to_numpy()[0], table["bin_high_nm"].to_numpy())
    sums = np.append(0.0, np.cumsum(share))
    shares: NDArray[np.float64] = np.diff(np.interp(edges_nm, ends, sums))
    return shares


def draw_comparison(result: Result, videos: Sequence[Video], kind: str) -> str:
    """Draw both distributions in equal size steps, as an SVG file's text.

    Several videos of the vendor are drawn as their mean.
    """
    edges = np.exp(np.arange(np.log(10.0), np.log(3000.0), np.log(STEP)))
    ours = 100 * rebinned(result.distribution_table, edges)
    tables = [video.distribution for video in videos if len(video.distribution)]
    theirs = 100 * np.mean([rebinned(table, edges) for table in tables], axis=0)
    shown = np.flatnonzero(np.maximum(ours, theirs) > 0.02)
    first, last = (int(shown[0]), int(shown[-1])) if len(shown) else (0, len(ours) - 1)
    view = slice(max(first - 3, 0), min(last + 4, len(ours)))
    centre = np.sqrt(edges[1:] * edges[:-1])[view]
    top = 1.15 * max(float(ours.max()), float(theirs.max()), 1e-3)
    axes = Axes((centre[0], centre[-1]), (0, top), HEIGHT, top=48, log_x=True)
    axes.frame(
        size_ticks(centre[0], centre[-1]),
        "hydrodynamic diameter (nm)",
        f"share (%) of a size step of {100 * (STEP - 1):.3g} %",
    )
    axes.line(centre, theirs[view], "raw")
    axes.line(centre, ours[view], "main")
    count = f", mean of {len(tables)} videos" if len(tables) > 1 else ""
    for place, (kind_of_line, text) in enumerate((("main", "evsize"), ("raw", kind + count))):
        y = 16.0 + 18 * place
        axes.items.append(
            f'<line class="{kind_of_line}" x1="80" x2="112" y1="{y - 4}" y2="{y - 4}"/>'
        )
        axes.text(120, y, text, "name", "start")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}" height="{HEIGHT:g}" '
        f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}"><style>{STYLE}</style>'
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#ffffff"/>{"".join(axes.items)}</svg>\n'
    )

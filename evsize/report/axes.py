"""A plot area as inline SVG; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from evsize.report.words import figure

WIDTH, LEFT, RIGHT = 760.0, 90.0, 14.0
SMALL = 370.0
"""Width of a chart of which two stand beside each other."""
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
    log_x, log_y : bool
        Logarithmic scale.
    width : float
        Of the whole drawing.
    left : float
        Room for names beside the plot area.
    """

    def __init__(
        self,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        height: float,
        top: float = 16.0,
        log_x: bool = False,
        log_y: bool = False,
        width: float = WIDTH,
        left: float = LEFT,
    ) -> None:
        self.x_range, self.y_range, self.log_x, self.log_y = x_range, y_range, log_x, log_y
        self.left, self.right = left, width - RIGHT
        self.width, self.height, self.top, self.bottom = width, height, top, height - 62.0
        self.items: list[str] = []

    def x(self, value: float) -> float:
        """Abscissa in the drawing."""
        return self.left + _place(value, self.x_range, self.log_x) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Ordinate in the drawing."""
        return self.bottom - _place(value, self.y_range, self.log_y) * (self.bottom - self.top)

    def points(self, xs: Iterable[float], ys: Iterable[float]) -> str:
        """Return the ``points`` of a line."""
        pairs = zip(xs, ys, strict=True)
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in pairs)

    def line(self, xs: Iterable[float], ys: Iterable[float], kind: str) -> None:
        """Draw a line."""
        self.items.append(f'<polyline class="{kind}" points="{self.points(xs, ys)}"/>')

    def area(
        self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], kind: str = "band"
    ) -> None:
        """Draw a band between two lines."""
        outline = f"{self.points(xs, high)} {self.points(xs[::-1], low[::-1])}"
        self.items.append(f'<polygon class="{kind}" points="{outline}"/>')

    def dots(self, xs: Iterable[float], ys: Iterable[float], kind: str = "dots") -> None:
        """Draw many dots as one path of strokes without length."""
        places = (f"M{self.x(x):.1f} {self.y(y):.1f}h0" for x, y in zip(xs, ys, strict=True))
        self.items.append(f'<path class="{kind}" d="{"".join(places)}"/>')

    def bars(self, edges: Sequence[float], heights: Sequence[float]) -> None:
        """Draw a histogram as one path."""
        floor = self.y(self.y_range[0])
        steps = [
            f"V{self.y(height):.1f}H{self.x(end):.1f}"
            for height, end in zip(heights, edges[1:], strict=True)
        ]
        path = f"M{self.x(edges[0]):.1f} {floor:.1f}{''.join(steps)}V{floor:.1f}Z"
        self.items.append(f'<path class="bar" d="{path}"/>')

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

    def layer(self, name: str, start: int) -> None:
        """Group what was drawn since `start` items, so that the page can hide it."""
        inner = "".join(self.items[start:])
        self.items[start:] = [f'<g class="layer {name}">{inner}</g>']

    def scale_x(self, ticks: Iterable[float], name: str) -> None:
        """Draw ticks, grid lines and name of the abscissa."""
        for tick in ticks:
            self.text(self.x(tick), self.bottom + 22, f"{tick:g}")
            self.rule(tick, "grid")
        self.text((self.left + self.right) / 2, self.height - 7, name, "name")

    def frame(self, x_ticks: Iterable[float], x_name: str, y_name: str) -> None:
        """Draw both scales: ticks, grid lines and names."""
        self.scale_x(x_ticks, x_name)
        ticks = decades(*self.y_range) if self.log_y else nice_ticks(*self.y_range)
        for tick in ticks:
            y = self.y(tick)
            shown = figure(tick, 1) if self.log_y else f"{tick:g}"
            self.text(self.left - 7, y + 4, shown, anchor="end")
            self.items.append(
                f'<line class="grid" x1="{self.left}" x2="{self.right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
        middle = (self.top + self.bottom) / 2
        self.items.append(
            f'<text class="name" text-anchor="middle" transform="translate(16 {middle:.1f}) '
            f'rotate(-90)">{escape(y_name)}</text>'
        )

    def svg(self, title: str, kind: str = "") -> str:
        """Return the whole drawing."""
        return (
            f'<svg class="{kind}" viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-label="{escape(title)}">{"".join(self.items)}</svg>'
        )


def _place(value: float, ends: tuple[float, float], log: bool) -> float:
    low, high = ends
    if log:
        value, low, high = math.log(max(value, low)), math.log(low), math.log(high)
    return min(max((value - low) / (high - low), 0.0), 1.0)


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values that divide a range into at most `most` + 1 parts."""
    step = 10 ** math.floor(math.log10((high - low) / most))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= most)
    first = math.ceil(low / step)
    return [round(step * i, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def decades(low: float, high: float) -> list[float]:
    """Powers of ten within a range, with halves and fifths where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1.0,) if last - first > 4 else (1.0, 2.0, 5.0) if last - first < 3 else (1.0, 3.0)
    values = [float(f"{step:g}e{power}") for power in range(first, last + 1) for step in steps]
    within = [value for value in values if low <= value <= high]
    return within if len(within) > 1 else nice_ticks(low, high)


def size_ticks(low: float, high: float) -> list[float]:
    """Diameters to write at a logarithmic axis, nm."""
    return [tick for tick in TICKS if low <= tick <= high]

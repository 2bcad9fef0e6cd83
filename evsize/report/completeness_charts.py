"""Charts of what simulated particles, laid on a recording's own frames, tell of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evsize.report.axes import SMALL, Axes, nice_ticks, size_ticks
from evsize.report.words import figure

Z_95 = 1.96
LEAST_BIAS_PERCENT, MOST_BIAS_PERCENT = 5.0, 60.0


def draw_completeness(table: pd.DataFrame | None) -> list[tuple[str, str]]:
    """Draw all of them, each with what it tells; nothing where there is no table."""
    if table is None:
        return []
    return [
        (
            draw_depth(table),
            "How deep into the cell each size is seen: large particles scatter more light and are "
            "seen deeper. Counts are divided by this depth.",
        ),
        (
            draw_self_check(table),
            "Self-check: simulated particles of known size were laid on these frames and sized "
            "again. Dots are their mean error with 95 % intervals; the dashed line is none.",
        ),
    ]


def draw_depth(table: pd.DataFrame) -> str:
    """Draw how deep each size is seen, with its 95 % band; empty where it is not known.

    Parameters
    ----------
    table : DataFrame
        Schema `tables.COMPLETENESS`.
    """
    known = table[["diameter_nm", "depth_um", "depth_se_um"]].dropna()
    if len(known) < 2:
        return ""
    size, depth, error = known.to_numpy().T
    most = float(depth.max())
    low = np.maximum(depth - Z_95 * error, 0.0)
    high = np.minimum(depth + Z_95 * error, 2 * most)
    axes = _axes(size, (0.0, 1.1 * float(high.max())))
    axes.frame(_ticks(size), "diameter (nm)", "depth of view (um)")
    axes.area(size.tolist(), low.tolist(), high.tolist())
    axes.line(size, depth, "main")
    return axes.svg(
        f"Depth of view from {figure(depth[0])} um at {figure(size[0])} nm to {figure(depth[-1])} "
        f"um at {figure(size[-1])} nm",
        "small",
    )


def draw_self_check(table: pd.DataFrame) -> str:
    """Draw by how much the diameters of the simulated particles are missed, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        Schema `tables.COMPLETENESS`.
    """
    known = table[["diameter_nm", "recovered_diameter_nm", "recovered_se_nm"]].dropna()
    if len(known) < 2:
        return ""
    size, found, error = known.to_numpy().T
    bias, half = 100 * (found / size - 1), 100 * Z_95 * error / size
    reach = 1.15 * float((np.abs(bias) + half).max())
    reach = min(max(reach, LEAST_BIAS_PERCENT), MOST_BIAS_PERCENT)
    axes = _axes(size, (-reach, reach))
    axes.frame(_ticks(size), "true diameter (nm)", "diameter found (%)")
    axes.items.append(
        f'<line class="misev" x1="{axes.left}" x2="{axes.right}" y1="{axes.y(0):.1f}" '
        f'y2="{axes.y(0):.1f}"/>'
    )
    for nm, value, spread in zip(size, bias, half, strict=True):
        x = f"{axes.x(nm):.1f}"
        axes.items.append(
            f'<line class="main" x1="{x}" x2="{x}" y1="{axes.y(value - spread):.1f}" '
            f'y2="{axes.y(value + spread):.1f}"/>'
            f'<circle class="peak" cx="{x}" cy="{axes.y(value):.1f}" r="3.5"/>'
        )
    return axes.svg(
        f"Bias of the diameter, from {figure(float(bias.min()), 2)} to "
        f"{figure(float(bias.max()), 2)} percent",
        "small",
    )


def _axes(size: np.ndarray, y_range: tuple[float, float]) -> Axes:
    ends = (float(size.min()) / 1.05, float(size.max()) * 1.05)
    return Axes(ends, y_range, 230, log_x=True, width=SMALL, left=62)


def _ticks(size: np.ndarray) -> list[float]:
    within = size_ticks(float(size.min()) / 1.05, float(size.max()) * 1.05)
    return within if len(within) > 1 else nice_ticks(float(size.min()), float(size.max()), 4)

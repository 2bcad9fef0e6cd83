"""Figures for papers and notebooks, on matplotlib axes; loaded only where one is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray

from evsize.report.axes import size_ticks
from evsize.report.charts import averaged, number, step_lengths_um
from evsize.report.drawing import coarse, shown_range, view_of
from evsize.results import Result

MAIN, SECOND = "#0b5f8a", "#8a4b00"
COLUMN_INCH = 85 / 25.4
"""Width of one column of a journal."""
STYLE: dict[Any, Any] = {
    "font.size": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "savefig.dpi": 300,
    "svg.fonttype": "none",
    "svg.hashsalt": "evsize",
    "pdf.fonttype": 42,
}
"""Journal style: letters of 7 pt that stay text, the same bytes for the same result."""
_SPOTS = {"detections": "spots found", "false_detections": "expected from noise"}
_FLOW = {"flow_x_um_s": "along x", "flow_y_um_s": "along y"}
_NO_DATE: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {},
}


def plot_distribution(result: Result, ax: Axes | None = None, raw: bool = False) -> Axes:
    """Draw the size distribution with its 95 % band; the dashed line is 200 nm.

    Parameters
    ----------
    result : Result
        What is drawn.
    ax : Axes, optional
        Where; a new figure if left out.
    raw : bool
        Also the histogram of single tracks, uncorrected.
    """
    ax = ax or _new_axes(COLUMN_INCH, 2.4)
    table = result.distribution_table
    ends = shown_range(table)
    ax.set(xlabel="Hydrodynamic diameter (nm)", ylabel="Share a size step (%)")
    if ends is None:
        _say(ax, "nothing was sized")
        return ax
    view = view_of(table, *ends)
    sizes, shares = view["diameter_nm"].to_numpy(), 100 * view["fraction"].to_numpy()
    low, high = (100 * view[name].to_numpy() for name in ("fraction_low", "fraction_high"))
    ax.fill_between(sizes, low, high, color=MAIN, alpha=0.25, linewidth=0, label="95 % interval")
    ax.plot(sizes, shares, color=MAIN, label="distribution")
    if raw:
        edges, heights = coarse(view)
        ax.stairs(heights, edges, color=SECOND, linestyle=":", label="single tracks, uncorrected")
    limit = result.summary.detection_limit_nm
    if limit is not None and limit.value is not None and limit.value > ends[0]:
        ax.axvspan(ends[0], limit.value, color="0.85", zorder=0, label="too small to be seen")
    ax.axvline(200, color="0.3", linestyle="--", linewidth=0.6)
    ax.set_xscale("log")
    ax.set_xlim(*ends)
    ax.set_ylim(0, None)
    ax.set_xticks(size_ticks(*ends))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.minorticks_off()
    ax.legend(fontsize="small")
    return ax


def plot_tracks(result: Result, ax: Axes | None = None, most: int = 300) -> Axes:
    """Draw used tracks where they ran, coloured by diameter.

    Parameters
    ----------
    result : Result
        What is drawn.
    ax : Axes, optional
        Where; a new figure if left out.
    most : int
        Tracks drawn, the longest first.
    """
    ax = ax or _new_axes(COLUMN_INCH, 2.6)
    particles = result.particles.sort_values("frames", ascending=False, kind="stable").head(most)
    sizes = dict(zip(particles["track_id"], particles["diameter_nm"], strict=True))
    rows = result.tracks[result.tracks["track_id"].isin(particles["track_id"])]
    paths = {key: part[["x_um", "y_um"]].to_numpy() for key, part in rows.groupby("track_id")}
    ax.set(xlabel="x (um)", ylabel="y (um)", aspect="equal")
    pixel_um = number(result.summary, "acquisition", "pixel_size_um")
    if pixel_um:
        about = result.summary.recording
        ax.set(xlim=(0, about.width_px * pixel_um), ylim=(about.height_px * pixel_um, 0))
    if not paths:
        _say(ax, "nothing was sized")
        return ax
    shown = np.array([sizes[key] for key in paths])
    scale = LogNorm(*np.percentile(shown, [2, 98])) if len(np.unique(shown)) > 1 else None
    lines = LineCollection(list(paths.values()), array=shown, norm=scale, linewidth=0.6)
    ax.add_collection(lines)
    if ax.figure is not None:
        bar = ax.figure.colorbar(lines, ax=ax, label="Diameter of a single track (nm)")
        bar.ax.yaxis.set_major_formatter(ScalarFormatter())
        bar.ax.yaxis.set_minor_formatter(ScalarFormatter())
    return ax


def plot_qc(result: Result, axes: NDArray[Any] | None = None) -> NDArray[Any]:
    """Draw what a trained eye looks at first, in four panels.

    Spots a frame and flow over time, lengths of steps, brightness against size.

    Parameters
    ----------
    result : Result
        What is drawn.
    axes : ndarray of Axes, (2, 2), optional
        Where; a new figure if left out.

    Returns
    -------
    ndarray of Axes, (2, 2)
    """
    if axes is None:
        import matplotlib.pyplot as plt  # noqa: PLC0415  (pyplot only where a window is wanted)

        axes = np.asarray(plt.subplots(2, 2, figsize=(7, 4.6), layout="constrained")[1])
    spots, flow, steps, light = axes.flat
    frames, particles = averaged(result.frames, [*_SPOTS, *_FLOW]), result.particles
    for panel, lines in ((spots, _SPOTS), (flow, _FLOW)):
        for (column, label), colour, dash in zip(
            lines.items(), (MAIN, SECOND), ("-", "--"), strict=True
        ):
            if frames[column].notna().any():
                panel.plot(frames["t_s"], frames[column], dash, color=colour, label=label)
        if panel.lines:
            panel.legend(fontsize="small")
    spots.set(xlabel="Time (s)", ylabel="Spots a frame", ylim=(0, None))
    flow.set(xlabel="Time (s)", ylabel="Flow (um/s)")
    lengths = step_lengths_um(result.tracks)
    steps.hist(lengths, bins=50, color=MAIN)
    radius_um = number(result.summary, "settings", "tracking.search_radius_um")
    if radius_um is not None:
        steps.axvline(radius_um, color="0.3", linestyle="--", linewidth=0.8)
    steps.set(xlabel="Step between frames (um); dashed: search radius", ylabel="Steps")
    good = particles[(particles["brightness"] > 0) & (particles["diameter_nm"] > 0)]
    light.plot(good["diameter_nm"], good["brightness"], ".", color=MAIN, markersize=2, alpha=0.4)
    light.set(xlabel="Diameter of a single track (nm)", ylabel="Brightness (grey levels)")
    if len(good):
        light.set(xscale="log", yscale="log")
        light.set_xticks(size_ticks(*light.get_xlim()))
        light.xaxis.set_major_formatter(ScalarFormatter())
    return axes


def write_figures(result: Result, folder: Path, formats: Iterable[str]) -> list[Path]:
    """Write ``distribution``, ``tracks`` and ``qc`` in each of the formats "svg", "pdf", "png"."""
    written = []
    with mpl.rc_context(STYLE):
        figures = {name: Figure(layout="constrained") for name in ("distribution", "tracks", "qc")}
        figures["distribution"].set_size_inches(COLUMN_INCH, 2.4)
        plot_distribution(result, figures["distribution"].subplots())
        figures["tracks"].set_size_inches(COLUMN_INCH, 2.4)
        plot_tracks(result, figures["tracks"].subplots())
        figures["qc"].set_size_inches(2 * COLUMN_INCH, 4.2)
        plot_qc(result, figures["qc"].subplots(2, 2))
        for kind in formats:
            for name, figure in figures.items():
                written.append(folder / f"{name}.{kind}")
                figure.savefig(written[-1], format=kind, metadata=_NO_DATE[kind])
    return written


def _new_axes(width_inch: float, height_inch: float) -> Axes:
    import matplotlib.pyplot as plt  # noqa: PLC0415  (pyplot only where a window is wanted)

    return plt.subplots(figsize=(width_inch, height_inch), layout="constrained")[1]


def _say(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes)

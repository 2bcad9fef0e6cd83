"""Charts of what was seen: over time, brightness against size, steps, paths, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.report.axes import SMALL, WIDTH, Axes, decades, nice_ticks, size_ticks
from evsize.report.words import figure
from evsize.results import Report
from evsize.tables import Flag

MOST_DOTS = 3000
SUDDEN = Flag.SCENE_CUT | Flag.STAGE_JUMP | Flag.PULSE
"""Flags of frames that the charts over time mark."""


def averaged(frames: pd.DataFrame, names: Sequence[str], most: int = 240) -> pd.DataFrame:
    """Columns over time (``t_s``), averaged where there are more than `most` frames."""
    group = np.arange(len(frames)) * min(most, len(frames)) // max(len(frames), 1)
    return frames[["t_s", *names]].groupby(group).mean()


def _over_time(
    frames: pd.DataFrame, lines: Mapping[str, str], name: str, from_zero: bool, height: float
) -> Axes | None:
    """Draw columns over time, each in its kind of line, averaged where there are many frames."""
    if len(frames) < 2:
        return None
    means = averaged(frames, list(lines))
    values = means[list(lines)].to_numpy()
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    margin = max(0.15 * (high - low), 1e-3 * max(abs(low), abs(high)), 1e-3)
    ends = (0.0, max(1.15 * high, 1.0)) if from_zero else (low - margin, high + margin)
    axes = Axes((float(frames["t_s"].min()), float(frames["t_s"].max())), ends, height)
    axes.frame(nice_ticks(*axes.x_range, 8), "time (s)", name)
    sudden = frames["flags"].to_numpy() & np.uint32(SUDDEN) > 0
    for time in frames["t_s"].to_numpy()[sudden][:200]:
        axes.rule(float(time), "sudden")
    for column, kind in lines.items():
        known = means[column].dropna()
        axes.line(means.loc[known.index, "t_s"], known, kind)
    return axes


def draw_frames(frames: pd.DataFrame) -> str:
    """Draw the spots found in each frame over time."""
    lines = {"false_detections": "raw", "detections": "main"}
    axes = _over_time(frames, lines, "spots a frame", True, 240)
    if axes is None:
        return ""
    mean = figure(float(frames["detections"].mean()))
    return axes.svg(f"Spots a frame over {figure(axes.x_range[1])} s, {mean} on average")


def draw_flow(frames: pd.DataFrame) -> str:
    """Draw the flow along both axes over time."""
    lines = {"flow_x_um_s": "main", "flow_y_um_s": "raw"}
    if not (frames[list(lines)].abs() > 0).any(axis=None):  # none was fitted
        return ""
    axes = _over_time(frames, lines, "flow (um/s)", False, 220)
    if axes is None:
        return ""
    mean_x, mean_y = (figure(float(frames[name].mean()), 2) for name in lines)
    return axes.svg(f"Flow over time: on average {mean_x} um/s along x, {mean_y} um/s along y")


def has_sudden_frames(frames: pd.DataFrame) -> bool:
    """Whether any frame is marked as a cut, a jump or a pulse."""
    return bool((frames["flags"].to_numpy() & np.uint32(SUDDEN) > 0).any())


def draw_brightness(particles: pd.DataFrame) -> str:
    """Draw the brightness of each track against its diameter, at most `MOST_DOTS` of them."""
    good = particles[(particles["brightness"] > 0) & (particles["diameter_nm"] > 0)]
    if not len(good):
        return ""
    sizes, light = good["diameter_nm"].to_numpy(), good["brightness"].to_numpy()
    ends = (min(30.0, sizes.min() / 1.1), max(600.0, sizes.max() * 1.1))
    axes = Axes(
        ends, (light.min() / 1.3, light.max() * 1.3), height=380, log_x=True, log_y=True, left=112
    )
    axes.frame(size_ticks(*ends), "diameter of a single track (nm)", "brightness (grey levels)")
    chosen = np.linspace(0, len(good) - 1, min(len(good), MOST_DOTS)).astype(int)
    axes.dots(sizes[chosen], light[chosen])
    return axes.svg(f"Brightness against diameter of {len(chosen)} tracks")


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


def draw_histogram(
    values: NDArray[Any],
    name: str,
    mark: float | None = None,
    ends: tuple[float, float] | None = None,
    bins: int = 40,
    log: bool = False,
) -> str:
    """Draw how often values occur, with a dashed line at a limit; empty for too few values.

    Parameters
    ----------
    values : ndarray, (n,)
        What is counted.
    name : str
        Of the abscissa, with its unit.
    mark : float, optional
        Where the line stands.
    ends : (float, float), optional
        Range; by default from 0 to beyond 99 % of the values and the mark.
    bins : int
        Number of bars.
    log : bool
        Logarithmic bars, of positive values.
    """
    values = values[np.isfinite(values) & (values > 0 if log else True)]
    if len(values) < 10:
        return ""
    if ends is None:
        high = max(float(np.percentile(values, 99)), mark or 0.0) * 1.1
        low = min(float(values.min()), mark or np.inf) / 1.1 if log else 0.0
        ends = (low, high if high > low else low + 1.0)
    edges = np.geomspace(*ends, bins + 1) if log else np.linspace(*ends, bins + 1)
    counts, _ = np.histogram(np.clip(values, *edges[[0, -1]]), edges)
    shares = 100 * counts / len(values)
    axes = Axes(ends, (0, 1.15 * float(shares.max())), 230, log_x=log, width=SMALL, left=62)
    axes.frame(decades(*ends) if log else nice_ticks(*ends), name, "share (%)")
    axes.bars(edges.tolist(), shares.tolist())
    if mark is not None:
        axes.rule(mark, "misev")
    middle = figure(float(np.median(values)))
    return axes.svg(f"{name}: median {middle}", "small")


def draw_diagnostics(
    particles: pd.DataFrame, tracks: pd.DataFrame, report: Report
) -> list[tuple[str, str]]:
    """Draw the small charts of steps and localisation, each with what it tells."""
    pixel_um = number(report, "acquisition", "pixel_size_um")
    radius_um = number(report, "settings", "tracking.search_radius_um")
    threshold = number(report, "settings", "detection.threshold_snr")
    charts = [
        (
            draw_histogram(step_lengths_um(tracks), "step between frames (um)", radius_um),
            "The dashed line is the search radius: steps must have died out well before it.",
        ),
        (
            draw_histogram(tracks["loc_se_nm"].to_numpy(), "localisation error (nm)"),
            "Standard error of each position from photon and camera noise.",
        ),
        (
            draw_histogram(
                tracks["snr"].to_numpy(), "signal to noise of a position", threshold, log=True
            ),
            "The dashed line is the threshold that starts a track.",
        ),
        (
            draw_histogram(particles["frames"].to_numpy(dtype=float), "frames in a used track"),
            "Long tracks carry more of the size.",
        ),
    ]
    if pixel_um:
        fraction = tracks["x_um"].to_numpy() / pixel_um % 1
        charts.append(
            (
                draw_histogram(fraction, "place within the pixel, x", ends=(0.0, 1.0), bins=20),
                "Flat where positions are not drawn to the pixel's centre or edge.",
            )
        )
    return [(chart, text) for chart, text in charts if chart]


def number(report: Report, part: str, name: str) -> float | None:
    """Return a setting's number, of the part "acquisition" or "settings"; None where unknown."""
    found = getattr(report, part).get(name)
    return found.value if found is not None and isinstance(found.value, int | float) else None


def step_lengths_um(tracks: pd.DataFrame) -> NDArray[np.float64]:
    """Lengths of steps from one frame to the next, flow not removed, um."""
    same = np.diff(tracks["track_id"].to_numpy()) == 0
    next_frame = np.diff(tracks["frame"].to_numpy()) == 1
    steps = np.hypot(np.diff(tracks["x_um"].to_numpy()), np.diff(tracks["y_um"].to_numpy()))
    lengths: NDArray[np.float64] = steps[same & next_frame]
    return lengths


def draw_paths(particles: pd.DataFrame, tracks: pd.DataFrame, count: int = 12) -> str:
    """Draw some used tracks side by side in one scale, from the smallest diameter to the largest.

    At most 30 positions of each, of tracks that are long in this recording.
    """
    long = particles[particles["frames"] >= min(30, particles["frames"].quantile(0.75))]
    if not len(long):
        return ""
    long = long.sort_values(["diameter_nm", "track_id"], kind="stable")
    places = np.unique(np.linspace(0, len(long) - 1, count + 2).round().astype(int))
    chosen = long.iloc[places[1:-1] if len(places) > 2 else places]
    rows = tracks[tracks["track_id"].isin(chosen["track_id"])]
    paths = {
        key: part.head(30)[["x_um", "y_um"]].to_numpy() for key, part in rows.groupby("track_id")
    }
    chosen = chosen[chosen["track_id"].isin(list(paths))]
    if not len(chosen):
        return ""
    reach_um = max(float(np.ptp(path, axis=0).max()) for path in paths.values()) or 1.0
    columns, cell, room = 6, WIDTH / 6, 30.0
    scale = (cell - 14) / reach_um
    lines = -(-len(chosen) // columns)
    items = []
    for place, (key, nm) in enumerate(zip(chosen["track_id"], chosen["diameter_nm"], strict=True)):
        x, y = cell * (place % columns + 0.5), (cell + room) * (place // columns) + cell / 2
        path = paths[key] - (paths[key].min(axis=0) + paths[key].max(axis=0)) / 2
        points = " ".join(f"{x + scale * px:.1f},{y + scale * py:.1f}" for px, py in path)
        start = points.split(" ", 1)[0].split(",")
        items.append(
            f'<polyline class="path" points="{points}"/>'
            f'<circle class="peak" cx="{start[0]}" cy="{start[1]}" r="3"/>'
            f'<text class="label" text-anchor="middle" x="{x:.1f}" y="{y + cell / 2 + 12:.1f}">'
            f"{figure(nm)} nm</text>"
        )
    height = (cell + room) * lines
    bar = nice_ticks(0, reach_um, 4)[1]
    items.append(
        f'<line class="scale" x1="8" x2="{8 + bar * scale:.1f}" y1="{height + 8:.1f}" '
        f'y2="{height + 8:.1f}"/><text class="label" x="{16 + bar * scale:.1f}" '
        f'y="{height + 12:.1f}">{bar:g} um</text>'
    )
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {height + 22:.0f}" role="img" aria-label="Paths of '
        f'{len(chosen)} particles, from the smallest to the largest">{"".join(items)}</svg>'
    )

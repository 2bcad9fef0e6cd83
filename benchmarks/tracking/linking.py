"""Links against the truth, beside trackpy and laptrack, and the time of a frame.

Recordings of 100 nm particles, 640 x 480 px, NanoSight regime; linked are the spots that evsize
detects and, for comparison, the true positions of the same particles. Recall: share of the true
links between spots of neighbouring frames that was found; precision: share of the links found
that is true, a false detection being nobody. A spot belongs to the particle that is nearest, and to
which it is nearest, within the window in which it was located; ``_4px``: within 4 px, where faint
and smeared spots located less well than that count as nobody. ``evsize`` is the linker with all
that `evsize.link` finds out, its time that of the whole stage (flow, rounds, cuts, filling);
``evsize, kept`` are the links left in the tracks.

laptrack is not among evsize's tools; where it is missing its rows are left out. For them make an
environment of its own: ``pip install --editable . laptrack``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import cache
from benchmarks.detection import Film, nearest, quiet_trackpy
from benchmarks.tracking.paths import Floats, Ints, recall_and_precision
from evsize.detection import detect
from evsize.results import Detections
from evsize.settings import DetectionSettings, TrackingSettings
from evsize.simulation import Scene, in_memory, nanosight
from evsize.tracking import follow, link

FRAMES = {20: 600, 80: 300, 250: 120}
SEEDS = (2502, 2503)
NEAR_PX = 4.0
TRACKPY = {
    20: {"search_range": 13.0, "memory": 1},
    80: {"search_range": 13.0, "memory": 1},
    250: {"search_range": 13.0, "memory": 0},
}
"""Best sum of recall and precision on seeds 1 and 2 (``python -m benchmarks.tracking.linking``),
pixels and frames."""
LAPTRACK = {
    20: {"track_px": 13.0, "gap_px": 18.2},
    80: {"track_px": 13.0, "gap_px": 13.0},
    250: {"track_px": 12.0, "gap_px": 12.0},
}
"""The same for laptrack; gaps of one frame, no splitting or merging."""
SOURCES = ("evsize", "benchmarks/tracking/linking.py", "benchmarks/tracking/paths.py")

Linker = Callable[[Ints, Floats], Ints]


def table() -> pd.DataFrame:
    """A row a density, input and tool, the mean over the seeds."""
    tools = ["evsize", "evsize, kept", "trackpy", "laptrack"]
    if not _laptrack_installed():
        tools.remove("laptrack")
        print("laptrack is not installed: its rows are left out")
    cells = [
        {"number": number, "tool": tool, "seed": seed}
        for number in FRAMES
        for tool in tools
        for seed in SEEDS
    ]
    rows = cache.rows("linking", cells, _cell, SOURCES)
    means = rows.drop(columns="seed").groupby(["number", "tool"], sort=False).mean()
    return means.reset_index()


def _laptrack_installed() -> bool:
    try:
        import laptrack  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def _cell(number: int, tool: str, seed: int) -> cache.Row:
    n_frames = FRAMES[number]
    scene, found, truth = _film(number, n_frames, seed)
    frame = found.table["frame"].to_numpy()
    xy = found.table[["x_px", "y_px"]].to_numpy()
    window = float(found.choices["window_px"].value or 0)
    identity, true_xy = identities(found.table, truth, window)
    near, _ = identities(found.table, truth, NEAR_PX)
    known = identity >= 0
    row: cache.Row = {"spots_per_frame": len(frame) / n_frames}
    linkers: dict[str, Linker] = {
        "trackpy": lambda f, x: by_trackpy(f, x, **TRACKPY[number]),
        "laptrack": lambda f, x: by_laptrack(f, x, **LAPTRACK[number]),
    }
    if tool in linkers:
        linkers[tool](frame[:200], xy[:200])  # compiles
        start = time.perf_counter()
        track = linkers[tool](frame, xy)
        seconds = time.perf_counter() - start
        by_truth = linkers[tool](frame[known], true_xy[known])
    else:
        kept = tool != "evsize"
        start = time.perf_counter()
        link(found, scene.conditions)
        seconds = time.perf_counter() - start
        track = by_evsize(found, scene, kept=kept)
        by_truth = by_evsize(_only(found, known, true_xy), scene, kept=kept)
    for name, scores in (
        ("", recall_and_precision(frame, identity, track)),
        ("_true_xy", recall_and_precision(frame[known], identity[known], by_truth)),
        ("_4px", recall_and_precision(frame, near, track)),
    ):
        row["recall" + name], row["precision" + name] = scores
    row["ms_per_frame"] = 1e3 * seconds / n_frames
    return row


def _film(number: int, n_frames: int, seed: int) -> tuple[Scene, Detections, pd.DataFrame]:
    scene = nanosight(f"100nm:{number}", number_fluctuates=False)
    frames, truth = in_memory(scene, n_frames, seed)
    settings = DetectionSettings(engine="fast")
    return scene, detect(Film(frames), settings, conditions=scene.conditions), truth


def identities(spots: pd.DataFrame, truth: pd.DataFrame, reach_px: float) -> tuple[Ints, Floats]:
    """Particle (or a number of its own below 0) and true position of each spot."""
    frame = spots["frame"].to_numpy()
    xy = spots[["x_px", "y_px"]].to_numpy()
    identity = -1 - np.arange(len(frame))
    true_xy = np.full(xy.shape, np.nan)
    for now, there in truth.groupby("frame"):
        rows = np.flatnonzero(frame == now)
        place = there[["x_px", "y_px"]].to_numpy().astype(np.float64)
        spot, particle = nearest(xy[rows], place, reach_px)
        identity[rows[spot]] = there["particle_id"].to_numpy()[particle]
        true_xy[rows[spot]] = place[particle]
    return identity, true_xy


def _only(found: Detections, keep: Any, xy_px: Floats) -> Detections:
    table = found.table[keep].assign(x_px=xy_px[keep, 0], y_px=xy_px[keep, 1])
    return Detections(
        table.reset_index(drop=True),
        found.frames,
        found.height_px,
        found.width_px,
        found.choices,
    )


def by_evsize(found: Detections, scene: Scene, *, kept: bool) -> Ints:
    """Tracks of all spots, or of those kept (the others are nobody's, each for itself)."""
    if not kept:
        _, rests, _, linked = follow(found, scene.conditions, TrackingSettings())
        track = -1 - np.arange(len(found.table))
        track[~rests] = linked.whole
        return track
    table = link(found, scene.conditions).table
    pixel = scene.pixel_size_um
    spots = found.table[["frame"]].assign(
        x_um=found.table["x_px"] * pixel, y_um=found.table["y_px"] * pixel
    )
    key = ["frame", "x_um", "y_um"]
    joined = spots.merge(table[[*key, "track_id"]], on=key, how="left")["track_id"]
    alone = pd.Series(-1.0 - np.arange(len(joined)))
    return joined.fillna(alone).to_numpy().astype(np.int64)


def by_trackpy(frame: Ints, xy_px: Floats, search_range: float, memory: int) -> Ints:
    """Link with trackpy."""
    trackpy = quiet_trackpy()
    spots = pd.DataFrame(
        {"frame": frame, "x": xy_px[:, 0], "y": xy_px[:, 1], "n": range(len(frame))}
    )
    linked = trackpy.link(spots, search_range, memory=memory)
    track: Ints = linked.sort_values("n")["particle"].to_numpy()
    return track


def by_laptrack(frame: Ints, xy_px: Floats, track_px: float, gap_px: float) -> Ints:
    """Link with laptrack."""
    from laptrack import LapTrack  # noqa: PLC0415

    linker = LapTrack(
        cutoff=track_px**2,
        gap_closing_cutoff=gap_px**2,
        gap_closing_max_frame_count=1,
        splitting_cutoff=False,
        merging_cutoff=False,
    )
    spots = pd.DataFrame(
        {"frame": frame, "x": xy_px[:, 0], "y": xy_px[:, 1], "n": range(len(frame))}
    )
    linked, _, _ = linker.predict_dataframe(
        spots, coordinate_cols=["x", "y"], frame_col="frame", only_coordinate_cols=False
    )
    track: Ints = linked.sort_values("n")["track_id"].to_numpy()
    return track


def tune() -> None:
    """Print the best settings of the other tools on seeds 1 and 2."""
    for number, n_frames in FRAMES.items():
        films = [_film(number, n_frames // 4, seed) for seed in (1, 2)]
        known = [(found, identities(found.table, truth, NEAR_PX)[0]) for _, found, truth in films]
        for reach in (12.0, 13.0, 14.0, 15.0, 16.0):
            tools: dict[str, Linker] = {
                f"trackpy {memory}": lambda f, x, r=reach, m=memory: by_trackpy(f, x, r, m)
                for memory in (0, 1)
            }
            if _laptrack_installed():
                for gap in (1.0, 1.4):
                    tools[f"laptrack {gap}"] = lambda f, x, r=reach, g=gap: by_laptrack(
                        f, x, r, g * r
                    )
            for name, linker in tools.items():
                scores = [
                    recall_and_precision(f, i, linker(f, d.table[["x_px", "y_px"]].to_numpy()))
                    for d, i in known
                    for f in [d.table["frame"].to_numpy()]
                ]
                print(number, reach, name, np.round(np.sum(scores) / len(scores), 4), flush=True)


if __name__ == "__main__":
    tune()

"""What a flow of 4 px a frame does to pooled D, and how often sudden events are seen.

True positions of 100 nm particles (NanoSight regime, 25 nm of localisation noise added), linked
by evsize. ``bias_%`` is pooled D (covariance estimator) over that of the true identities with
the true flow taken out, in the same film, less 1: what linking and the flow together cost.
``change_%`` is what the flow adds to the bias of films without flow, with its standard error
over the seeds. ``events`` counts frames flagged as cut, jump or pulse: all would be false.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks import cache
from benchmarks.tracking.paths import Floats, Ints, as_detections, true_spots
from evsize.diffusion import segments
from evsize.simulation import nanosight
from evsize.tables import Flag
from evsize.tracking import link

FLOW_PX = 4.0
KINDS: dict[str, tuple[float, float]] = {
    "none": (0.0, 0.0),
    "uniform": (1.0, 0.0),
    "sheared": (1.0, 1.0),
}
"""Flow along x in units of 4 px a frame: in the middle, and its change over the image height."""
FRAMES = {20: 1500, 30: 1500, 60: 900, 100: 600}
SEEDS = range(2100, 2103)
NOISE_UM = 0.025
SOURCES = ("evsize", "benchmarks/tracking/flow.py", "benchmarks/tracking/paths.py")
EVENTS = np.uint32(Flag.SCENE_CUT | Flag.STAGE_JUMP | Flag.PULSE)


def table() -> pd.DataFrame:
    """A row a number of particles and kind of flow, the mean over the seeds."""
    cells = [
        {"number": number, "flow": kind, "seed": seed}
        for number in FRAMES
        for kind in KINDS
        for seed in SEEDS
    ]
    rows = cache.rows("flow", cells, _cell, SOURCES)
    still = rows[rows["flow"] == "none"].set_index(["number", "seed"])["bias_%"]
    keys = pd.MultiIndex.from_frame(rows[["number", "seed"]])
    rows["change_%"] = rows["bias_%"] - still.loc[keys].to_numpy()
    groups = rows.drop(columns="seed").groupby(["number", "flow"], sort=False)
    result = groups.mean()
    for name in ("bias_%", "change_%"):
        result[name.replace("_%", "_se_%")] = groups[name].std() / np.sqrt(len(SEEDS))
    return result.reset_index()


def _cell(number: int, flow: str, seed: int) -> cache.Row:
    n_frames = FRAMES[number]
    middle, change = (FLOW_PX * value for value in KINDS[flow])
    scene = nanosight(f"100nm:{number}")
    pixel, height_um = scene.pixel_size_um, scene.height_px * scene.pixel_size_um
    speed = (middle * pixel * scene.frame_rate_hz, 0.0)
    scene = scene.changed(flow_um_s=speed)
    shear = change * pixel / height_um
    frame, xy, name = true_spots(scene, n_frames, seed, shear)
    noise = np.random.default_rng(seed).normal(0, NOISE_UM, xy.shape)
    found = as_detections(scene, n_frames, frame, xy + noise)
    tracks = link(found, scene.conditions)
    table = tracks.table
    seen = table[["x_um", "y_um"]].to_numpy() - tracks.flow_um
    n_steps = len(table) - table["track_id"].nunique()
    seen *= np.sqrt(n_steps / (n_steps - tracks.flow_parameters))
    ours = pooled_d(table["track_id"].to_numpy(), table["frame"].to_numpy(), seen, scene)
    truth = pooled_d(name, frame, xy + noise, scene, (middle * pixel, shear, height_um / 2))
    return {
        "particles_per_frame": len(frame) / n_frames,
        "axis_steps": 2 * n_steps,
        "bias_%": 100 * (ours / truth - 1),
        "flow_px": float(tracks.frames["flow_x_um_s"].mean()) / pixel / scene.frame_rate_hz,
        "parameters": tracks.flow_parameters,
        "events": int((tracks.frames["flags"].to_numpy() & EVENTS > 0).sum()),
    }


def pooled_d(
    name: Ints,
    frame: Ints,
    xy_um: Floats,
    scene: Any,
    flow: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> float:
    """Pooled covariance estimate, um^2/s.

    ``flow`` along x, taken off each step: um a frame in the middle, its gradient along y, and
    the middle's y.
    """
    order = np.lexsort((frame, name))
    steps = segments.cut(name[order], frame[order], xy_um[order])
    speed, shear, middle = flow
    same = np.diff(name[order]) == 0
    local = speed + shear * (xy_um[order][:-1][same][:, 1] - middle)
    steps.step_um[:, 0] -= local * steps.span
    squares, products, n_squares, n_products = segments.track_moments(steps)
    square = float(np.nansum(squares * n_squares) / n_squares.sum())
    product = float(np.nansum(products * n_products) / n_products.sum())
    return (square / 2 + product) / scene.conditions.frame_interval_s

"""What a flow of 4 px a frame does to pooled D, whole chain: film, detection, linking, flow.

Films of 100 nm particles, the shutter open for half the frame, with and without flow. ``linked_%``
is pooled D (covariance estimator) over that of the same positions, linked by the truth and with the
true flow taken out, less 1: what linking and flow do, free of the scatter of the particles' own
motion, of which a hundred thousand steps leave 1 %. ``bias_%`` is pooled D against theory.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks import cache
from benchmarks.detection import REGIMES, Film
from benchmarks.tracking.linking import NEAR_PX, identities
from benchmarks.tracking.pooled import FLOW_PX, FRAMES, triples
from evsize.detection import detect
from evsize.settings import DetectionSettings
from evsize.simulation import in_memory, photons_for_snr
from evsize.tracking import link

NUMBER = 30
SEEDS = range(2480, 2486)
SOURCES = (
    "evsize/detection",
    "evsize/tracking",
    "evsize/simulation",
    "benchmarks/tracking/moving.py",
    "benchmarks/tracking/pooled.py",
)


def table() -> pd.DataFrame:
    """A row a regime and flow, the mean over the seeds with its standard error."""
    cells = [
        {"regime": regime, "flow_px": flow, "seed": seed}
        for seed in SEEDS
        for regime in REGIMES
        for flow in (0.0, FLOW_PX)
    ]
    rows = cache.rows("moving", cells, _cell, SOURCES).drop(columns="seed")
    groups = rows.groupby(["regime", "flow_px"], sort=False)
    made = groups.mean()
    for name in ("linked", "bias"):
        made[f"{name}_se_%"] = groups[f"{name}_%"].sem()
    return made.reset_index()


def _cell(regime: str, flow_px: float, seed: int) -> cache.Row:
    base = REGIMES[regime]()
    pixel_um, interval_s = base.pixel_size_um, 1 / base.frame_rate_hz
    scene = REGIMES[regime](
        f"100nm:{NUMBER}",
        exposure_ms=500 * interval_s,
        flow_um_s=(flow_px * pixel_um / interval_s, 0.0),
    )
    scene = scene.changed(photons_at_100nm=photons_for_snr(scene, 60.0, 6.0))
    frames, truth = in_memory(scene, FRAMES, seed)
    found = detect(Film(frames), DetectionSettings(engine="fast"), conditions=scene.conditions)
    tracks = link(found, scene.conditions)
    spots = tracks.table
    xy_um = spots[["x_um", "y_um"]].to_numpy().copy()
    frame = spots["frame"].to_numpy()
    ours = triples(xy_um - tracks.flow_um, spots["track_id"].to_numpy(), frame)

    where = pd.DataFrame(xy_um / pixel_um, columns=["x_px", "y_px"]).assign(frame=frame)
    particle, _ = identities(where, truth, NEAR_PX)
    order = np.lexsort((frame, particle))
    order = order[particle[order] >= 0]
    xy_um[:, 0] -= flow_px * pixel_um * frame
    by_truth = triples(xy_um[order], particle[order], frame[order])
    true = scene.conditions.diffusion_um2_s(100.0) * interval_s
    return {
        "seen_per_frame": len(found.table) / FRAMES,
        "axis_steps": 2 * len(ours),
        "linked_%": 100 * float(ours.mean() / by_truth.mean() - 1),
        "bias_%": 100 * float(ours.mean() / true - 1),
    }

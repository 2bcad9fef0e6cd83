"""Recordings without a particle: tracks that are counted (used for sizing) a second.

Blank film, hot pixels, a background gradient that moves, dust that stays, comes and goes, a
laser that flickers, both regimes. The last rows hold one large, bright particle with defocus
rings, which no detector code assumes: ``beyond_truth`` counts the tracks that lie, in most of
their frames, more than two widths of the spot's core away from every true particle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from benchmarks import cache
from benchmarks.detection import REGIMES, Film
from evsize.detection import detect
from evsize.diffusion import estimate_diffusion
from evsize.settings import DetectionSettings
from evsize.simulation import Disturbances, Optics, Scene, in_memory
from evsize.tracking import link

FRAMES = 300
SEEDS = (2352, 2353)
CASES: dict[str, dict[str, Any]] = {
    "blank": {},
    "hot pixels": {"hot_pixels": 40},
    "gradient": {"gradient": 0.5},
    "moving wave of 10 %": {"wave": 0.1},
    "moving wave of 25 %": {"wave": 0.25},
    "moving wave of 50 %": {"wave": 0.5},
    "flicker of 10 %": {"flicker": 0.1, "flicker_sine": 0.1},
    "8 specks": {"dust": 8},
    "8 faint specks": {"dust": 8, "dust_e": 600.0},
    "8 specks, flicker": {"dust": 8, "flicker": 0.1, "flicker_sine": 0.1},
}
ARRIVES = "8 specks come half-way"
VISITS = "8 specks for a third"
RINGS = "bright particles with rings"
SOURCES = ("evsize", "benchmarks/tracking/blank.py")


def table() -> pd.DataFrame:
    """A row a regime and disturbance, the sum over the seeds."""
    cells = [
        {"regime": regime, "case": case, "seed": seed}
        for regime in REGIMES
        for case in (*CASES, ARRIVES, VISITS, RINGS)
        for seed in SEEDS
    ]
    rows = cache.rows("blank", cells, _cell, SOURCES)
    means = rows.drop(columns="seed").groupby(["regime", "case"], sort=False).mean()
    return means.reset_index()


def _cell(regime: str, case: str, seed: int) -> cache.Row:
    scene, frames, truth = film(regime, case, seed)
    found = detect(Film(frames), DetectionSettings(), conditions=scene.conditions)
    tracks = link(found, scene.conditions)
    likelihoods = estimate_diffusion(tracks, scene.conditions)
    counted = tracks.table[tracks.table["track_id"].isin(likelihoods.track_id)]
    if case == RINGS:
        counted = _beyond(counted, truth, scene)
    n = counted["track_id"].nunique()
    return {
        "spots_per_frame": len(found.table) / len(frames),
        "tracks": int(tracks.table["track_id"].nunique()),
        "stationary": likelihoods.rejected["stationary"],
        "counted": n,
        "counted_per_s": n * scene.frame_rate_hz / len(frames),
    }


def film(regime: str, case: str, seed: int) -> tuple[Scene, NDArray[Any], pd.DataFrame]:
    """Scene, frames and truth of a case."""
    blank = REGIMES[regime]("")
    dusty = blank.changed(disturbances=Disturbances(**CASES["8 specks"]))
    if case == RINGS:
        optics = blank.optics.model_dump() | {"psf": "rings"}
        scene = REGIMES[regime]("300nm:10", optics=Optics(**optics), snr_at_100nm=8.0)
        return scene, *in_memory(scene, FRAMES, seed)
    if case in CASES:
        scene = blank.changed(disturbances=Disturbances(**CASES[case]))
        return scene, *in_memory(scene, FRAMES, seed)
    third = FRAMES // 3
    parts = [(blank, FRAMES // 2), (dusty, FRAMES // 2)]
    if case == VISITS:
        parts = [(blank, third), (dusty, third), (blank, third)]
    films = [in_memory(scene, n, seed) for scene, n in parts]
    return blank, np.concatenate([f for f, _ in films]), films[0][1]


def _beyond(tracks: pd.DataFrame, truth: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """Positions of the tracks that follow no particle."""
    reach = 4 * 0.21 * scene.optics.wavelength_um / scene.optics.numerical_aperture
    reach = max(reach, 2 * scene.pixel_size_um)
    apart = 1e3  # frames lie this far apart in the third dimension, um
    places = np.column_stack(
        [truth[["x_px", "y_px"]] * scene.pixel_size_um, truth["frame"] * apart]
    )
    spots = np.column_stack([tracks[["x_um", "y_um"]], tracks["frame"] * apart])
    away = cKDTree(places).query(spots)[0] > reach
    share = pd.Series(away, index=tracks.index).groupby(tracks["track_id"]).mean()
    return tracks[tracks["track_id"].isin(share.index[share > 0.5])]

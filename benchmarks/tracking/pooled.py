"""Bias of pooled D, whole chain: film, detection, linking, flow; no other correction.

One size a film, at a brightness at which a resting 60 nm particle in focus has a matched-filter
SNR of 6: at that setting 300 nm particles are 15,625 times brighter than 60 nm ones, saturated
and seen far out of focus. ``bias_%`` is that of the covariance estimator (Vestergaard, Blainey
and Flyvbjerg, Phys. Rev. E 89, 022726 (2014)) over all three frames in a row of a track,
``se_%`` its standard error. ``gapped_%`` is the same estimator written as mean squared
displacement over two frames less that over one, from all such pairs of a track, whether the frame
between was seen or not: what the loss of smeared frames does to both ends of a step cancels.
``likelihood_%`` is that of the maximum of the likelihoods of all tracks together, which is what
sizes are made of, ``likelihood_se_%`` its standard error from their curvature. ``lost`` is the
share of the frames inside tracks in which the particle was not found.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import cache
from benchmarks.detection import REGIMES, Film
from evsize.detection import detect
from evsize.diffusion import estimate_diffusion
from evsize.settings import DetectionSettings
from evsize.simulation import in_memory, photons_for_snr
from evsize.tracking import link

EXPOSURES = (0.2, 0.5, 0.75, 1.0)
# particles in the sheet for each size: at the brightness of a 60 nm particle at an SNR of 6, most
# of that size are too faint; those in view are 20 to 100 a frame
NUMBERS = {
    "nanosight": {100: (30, 100), 300: (20, 40), 60: (100,)},
    "zetaview": {100: (20, 70), 300: (10, 30), 60: (100,)},
}
CROWDED = {"nanosight": {100: 250}, "zetaview": {100: 180}}
FLOW_PX = 4.0
FRAMES = 400
AXIS_STEPS = 100_000
MOST_FILMS = 40
SEED = 2500
SOURCES = (
    "evsize/detection",
    "evsize/tracking",
    "evsize/diffusion",
    "evsize/simulation",
    "benchmarks/tracking/pooled.py",
)

Floats = NDArray[np.float64]


def table() -> pd.DataFrame:
    """A row a regime, size, exposure and number."""
    cells = [
        {"regime": regime, "nm": nm, "exposure": exposure, "number": number, "flow_px": 0.0}
        for regime, sizes in NUMBERS.items()
        for nm, numbers in sizes.items()
        for number in numbers
        for exposure in EXPOSURES
    ]
    cells += [
        {"regime": regime, "nm": nm, "exposure": 0.5, "number": number, "flow_px": 0.0}
        for regime, sizes in CROWDED.items()
        for nm, number in sizes.items()
    ]
    cells += [
        {"regime": regime, "nm": 100, "exposure": 0.5, "number": 30, "flow_px": flow}
        for regime in REGIMES
        for flow in (0.0, FLOW_PX)
    ]
    return cache.rows("pooled", cells, _cell, SOURCES)


def _cell(regime: str, nm: int, exposure: float, number: int, flow_px: float) -> cache.Row:
    """Films of new seeds until the steps are enough."""
    make = REGIMES[regime]
    base = make()
    scene = make(
        f"{nm}nm:{number}",
        exposure_ms=1e3 * exposure / base.frame_rate_hz,
        flow_um_s=(flow_px * base.pixel_size_um * base.frame_rate_hz, 0.0),
    )
    scene = scene.changed(photons_at_100nm=photons_for_snr(scene, 60.0, 6.0))
    in_a_row: list[Floats] = []
    near: list[Floats] = []
    far: list[Floats] = []
    log_likelihood: Floats = np.zeros(1)
    seen, inside, positions = 0, 0, 0
    films = 0
    while films < MOST_FILMS and 2 * sum(len(t) for t in in_a_row) < AXIS_STEPS:
        frames, _ = in_memory(scene, FRAMES, SEED + films)
        found = detect(Film(frames), DetectionSettings(engine="fast"), conditions=scene.conditions)
        tracks = link(found, scene.conditions)
        likelihoods = estimate_diffusion(tracks, scene.conditions)
        log_likelihood = log_likelihood + likelihoods.log_likelihood.sum(axis=0)
        films += 1
        seen += len(found.table)
        xy = tracks.table[["x_um", "y_um"]].to_numpy() - tracks.flow_um
        track, frame = tracks.table["track_id"].to_numpy(), tracks.table["frame"].to_numpy()
        in_a_row.append(triples(xy, track, frame))
        for steps, frames_apart in ((near, 1), (far, 2)):
            steps.append(_square_steps(xy, track, frame, frames_apart))
        same = track[1:] == track[:-1]
        inside += int(np.diff(frame)[same].sum())
        positions += int(same.sum())
    true = scene.conditions.diffusion_um2_s(nm)
    dt_s = scene.conditions.frame_interval_s
    each = np.concatenate(in_a_row) / dt_s
    best, best_se = _maximum(np.log(likelihoods.d_um2_s), log_likelihood)
    gapped = (np.concatenate(far).mean() - np.concatenate(near).mean()) / (2 * dt_s)
    return {
        "films": films,
        "seen_per_frame": seen / (films * FRAMES),
        "axis_steps": 2 * len(each),
        "bias_%": 100 * (float(each.mean()) / true - 1),
        # triples that follow one another share a step: about twice the variance
        "se_%": 100 * float(each.std(ddof=1)) * np.sqrt(2 / len(each)) / true,
        "gapped_%": 100 * (float(gapped) / true - 1),
        "likelihood_%": 100 * (float(np.exp(best)) / true - 1),
        "likelihood_se_%": 100 * best_se,
        "lost": 1 - positions / max(inside, 1),
    }


def _maximum(x: Floats, log_likelihood: Floats) -> tuple[float, float]:
    """Where the parabola through the highest value and its neighbours is highest; its width."""
    at = int(np.clip(np.argmax(log_likelihood), 1, len(x) - 2))
    near = slice(at - 1, at + 2)
    bend, slope, _ = np.polyfit(x[near] - x[at], log_likelihood[near] - log_likelihood[at], 2)
    return float(x[at] - slope / (2 * bend)), float(1 / np.sqrt(-2 * bend))


def triples(xy: Floats, track: NDArray[np.int64], frame: NDArray[np.int64]) -> Floats:
    """D times the frame interval from each three frames in a row, the mean of both axes."""
    row = (track[2:] == track[:-2]) & (frame[2:] == frame[:-2] + 2)
    first, second = (xy[1:-1] - xy[:-2])[row], (xy[2:] - xy[1:-1])[row]
    each: Floats = (0.25 * (first**2 + second**2) + first * second).mean(axis=1)
    return each


def _square_steps(
    xy: Floats, track: NDArray[np.int64], frame: NDArray[np.int64], frames_apart: int
) -> Floats:
    """Mean over the axes of all squared displacements over a number of frames."""
    parts = []
    for k in range(1, frames_apart + 1):
        row = (track[k:] == track[:-k]) & (frame[k:] - frame[:-k] == frames_apart)
        parts.append(((xy[k:] - xy[:-k])[row] ** 2).mean(axis=1))
    return np.concatenate(parts)

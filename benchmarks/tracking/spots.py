"""Isolated spots at rest: recall, false detections and localisation error against their SNR.

Eight-bit frames of Gaussian spots whose centres are elsewhere in each frame, 60 frames a row. The
ideal filter knows width, background and noise, and makes as many false peaks as evsize does in that
row; trackpy's mass makes one on blank frames of another seed. A detection belongs to a spot within
two of its deviations: a faint one that noise has moved farther counts as missed and as false.
Errors are root mean squares of a coordinate over the Cramer-Rao bound.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import erf

from benchmarks import cache
from benchmarks.detection import Film, nearest, quiet_trackpy
from evsize.detection import detect
from evsize.detection.filtering import matched_filter
from evsize.detection.threshold import threshold_for
from evsize.physics import Conditions
from evsize.tables import Flag

SEED = 2310
N_FRAMES = 60
SHAPE = (480, 640)
PSF_SDS_PX = (1.3, 1.7, 2.2)
SNRS = (4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 30.0)
BACKGROUND, NOISE = 40.0, 4.0
SPACING_PX, JITTER_PX, BORDER_PX = 55, 10, 15
# wide enough for each of these spots and odd, as trackpy asks for
TRACKPY_DIAMETER = 11
REST = Conditions(0.166, 0.04, 0.0, 22.0, 0.955)

Floats = NDArray[np.float64]


def table() -> pd.DataFrame:
    """A row for each width and SNR."""
    cells = [{"psf_sd_px": sd, "snr": snr} for sd in PSF_SDS_PX for snr in SNRS]
    return cache.rows("spots", cells, row, ("evsize/detection", "benchmarks/tracking/spots.py"))


def row(psf_sd_px: float, snr: float) -> cache.Row:
    """Both tools and the ideal filter on the same frames."""
    trackpy = quiet_trackpy()
    total = float(np.hypot(psf_sd_px, 12**-0.5))
    frames, truth = draw(np.random.default_rng(SEED), snr, psf_sd_px)
    blank, _ = draw(np.random.default_rng(1), 0.0, psf_sd_px)
    masses = [trackpy.locate(f, TRACKPY_DIAMETER, minmass=0, engine="numba")["mass"] for f in blank]
    mass = float(np.sort(np.concatenate(masses))[-len(blank) - 1])
    found = detect(Film(frames), conditions=REST).table
    strong = found[(found["flags"] & int(Flag.WEAK)) == 0]
    tools = {
        "": [
            strong.loc[strong["frame"] == k, ["x_px", "y_px"]].to_numpy() for k in range(N_FRAMES)
        ],
        "trackpy_": [
            trackpy.locate(f, TRACKPY_DIAMETER, minmass=mass, engine="numba")[["x", "y"]].to_numpy()
            for f in frames
        ],
    }
    bound = 2**0.5 * total / snr
    result = {}
    for name, positions in tools.items():
        recall, false, rms = score(positions, truth, 2 * total)
        result |= {f"{name}recall": recall, f"{name}false": false, f"{name}error": rms / bound}
    # where evsize has none, the rate below which sixty frames cannot tell
    ideal = ideal_recall(frames, truth, total, max(result["false"], 1 / N_FRAMES))
    return {"ideal_recall": ideal, **result}


def draw(
    rng: np.random.Generator, snr: float, psf_sd_px: float
) -> tuple[NDArray[np.uint8], list[Floats]]:
    """Frames and the centres (x, y) in each."""
    flux = snr * NOISE * 2 * np.sqrt(np.pi) * np.hypot(psf_sd_px, 12**-0.5)
    size = np.array(SHAPE[::-1])
    lattice = np.stack(np.meshgrid(*(np.arange(0, n + SPACING_PX, SPACING_PX) for n in size)))
    frames, truth = np.empty((N_FRAMES, *SHAPE), np.uint8), []
    for k in range(N_FRAMES):
        # all of it elsewhere in each frame: what is always near the same place is background
        xy = lattice.reshape(2, -1).T - rng.uniform(0, SPACING_PX, 2)
        xy += rng.uniform(-JITTER_PX, JITTER_PX, xy.shape)
        xy = xy[np.all((xy > BORDER_PX) & (xy < size - BORDER_PX), axis=1)]
        x, y = (
            np.diff(0.5 * erf((np.arange(n + 1) - 0.5 - c[:, None]) / (2**0.5 * psf_sd_px)))
            for n, c in zip(size, xy.T, strict=True)
        )
        image = BACKGROUND + flux * (y.T @ x) + rng.normal(0, NOISE, SHAPE)
        frames[k] = np.clip(np.rint(image), 0, 255)
        truth.append(xy)
    return frames, truth


def score(
    positions: list[Floats], truth: list[Floats], reach_px: float
) -> tuple[float, float, float]:
    """Recall, false detections a frame, root mean square error of a coordinate (px)."""
    errors, n_true, n_false = [], 0, 0
    for found, xy in zip(positions, truth, strict=True):
        f, t = nearest(found, xy, reach_px)
        errors.append((found[f] - xy[t]).ravel())
        n_true += len(xy)
        n_false += len(found) - len(f)
    e = np.concatenate(errors)
    return len(e) / 2 / n_true, n_false / len(truth), float(np.sqrt(np.mean(e**2)))


def ideal_recall(
    frames: NDArray[np.uint8], truth: list[Floats], sd: float, false_per_frame: float
) -> float:
    """Recall of a filter that knows spot, background and noise, at so many false peaks a frame."""
    threshold = threshold_for(false_per_frame / frames[0].size, sd)
    hits, n = 0, 0
    for frame, xy in zip(frames, truth, strict=True):
        m = matched_filter(((frame.astype(np.float32) - BACKGROUND) / NOISE).astype(np.float32), sd)
        x, y = np.rint(xy).astype(int).T
        near = [m[y + dy, x + dx] for dy in (-2, -1, 0, 1, 2) for dx in (-2, -1, 0, 1, 2)]
        hits += int((np.max(near, axis=0) > threshold).sum())
        n += len(xy)
    return hits / n

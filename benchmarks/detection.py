"""Detection against trackpy: ``python -m benchmarks.detection [speed] [spots] [pooled]``.

Ratios are taken in one run on the same frames, one thread each. Seeds below 100 were used while
the code was written, those used here were not.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import erf
from scipy.stats import norm

from evsize.detection import ENGINES, detect
from evsize.detection.filtering import matched_filter
from evsize.detection.model import grey
from evsize.detection.plan import make_plan
from evsize.detection.search import search_frame
from evsize.detection.table import mark_spots
from evsize.detection.threshold import threshold_for
from evsize.physics import Conditions
from evsize.results import Acquisition
from evsize.settings import DetectionSettings
from evsize.simulation import in_memory, nanosight, photons_for_snr, zetaview
from evsize.tables import Flag

SEED = 1000
PSF_SD_PX = 1.7
NOISE = 4.0
REST = Conditions(0.166, 0.04, 0.0, 22.0, 0.955)
REGIMES = {"nanosight": nanosight, "zetaview": zetaview}
REACH_PX = {"nanosight": 4.0, "zetaview": 2.0}  # 2.4 deviations of the PSF


class Film:
    """Frames in memory."""

    acquisition = Acquisition()

    def __init__(self, frames: NDArray[Any]) -> None:
        self.frames = frames
        self.frame_shape = frames.shape[1:]
        self.white_level = float(np.iinfo(frames.dtype).max)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, key: int, /) -> NDArray[Any]:
        frame: NDArray[Any] = self.frames[key]
        return frame


def quiet_trackpy() -> Any:
    """Import trackpy without its messages."""
    import trackpy  # noqa: PLC0415 - 2.4 s: only for the tables that compare

    trackpy.quiet()
    warnings.simplefilter("ignore", UserWarning)
    return trackpy


def speed(n_frames: int = 40) -> pd.DataFrame:
    """Time of a frame, detection alone, frames in memory; both on each frame in turn."""
    trackpy = quiet_trackpy()
    cv2.setNumThreads(1)
    rows = []
    for height, width in ((480, 640), (1024, 1280)):
        scene = nanosight(
            "100nm:55", height_px=height, width_px=width, number_fluctuates=False, depth_um=10.0
        )
        frames, _ = in_memory(scene, n_frames, SEED)
        film = Film(frames)
        plan = make_plan(film, DetectionSettings(engine="fast"), scene.conditions, 50.0)
        buffers = np.empty((2, height, width), np.float32)

        def ours(frame: NDArray[Any], plan: Any = plan, buffers: Any = buffers) -> int:
            scaled = plan.first_model.scale(grey(frame), plan.sign, buffers[0])
            spots, _ = search_frame(scaled.images, plan, ENGINES["fast"], buffers[1])
            return len(mark_spots(spots, frame, plan, 255.0))

        def theirs(frame: NDArray[Any]) -> int:
            return len(trackpy.locate(frame, 11, minmass=60, engine="numba"))

        times, counts = _interleaved((ours, theirs), frames)
        rows.append(
            {
                "frame": f"{width}x{height}",
                "spots": counts[0],
                "fast_ms": times[0],
                "trackpy_spots": counts[1],
                "trackpy_ms": times[1],
                "ratio": times[1] / times[0],
            }
        )
    return pd.DataFrame(rows)


def _interleaved(
    calls: tuple[Callable[[NDArray[Any]], int], ...], frames: NDArray[Any]
) -> tuple[list[float], list[float]]:
    """Median milliseconds and mean answer of each call, called in turn on every frame."""
    for call in calls:
        call(frames[0])
    times = np.empty((len(frames), len(calls)))
    counts = np.empty_like(times)
    for k, frame in enumerate(frames):
        for j, call in enumerate(calls):
            start = time.perf_counter()
            counts[k, j] = call(frame)
            times[k, j] = 1e3 * (time.perf_counter() - start)
    return list(np.median(times, axis=0)), list(counts.mean(axis=0))


def draw(
    rng: np.random.Generator, n_frames: int, snr: float, shape: tuple[int, int] = (480, 640)
) -> tuple[NDArray[np.uint8], list[NDArray[np.float64]]]:
    """Eight-bit frames of isolated Gaussian spots of one SNR (matched filter), at rest."""
    flux = snr * NOISE * 2 * np.sqrt(np.pi) * np.hypot(PSF_SD_PX, 12**-0.5)
    frames, truth = np.empty((n_frames, *shape), np.uint8), []
    grid = np.stack(np.meshgrid(np.arange(0, shape[1] + 55, 55), np.arange(0, shape[0] + 55, 55)))
    for k in range(n_frames):
        # the whole lattice elsewhere in each frame: what stays where it is is background
        xy = (
            grid.reshape(2, -1).T
            + rng.uniform(0, 55, 2)
            - 30
            + rng.uniform(-10, 10, (grid[0].size, 2))
        )
        xy = xy[np.all((xy > 15) & (xy < np.array(shape[::-1]) - 15), axis=1)]
        x, y = (
            np.diff(0.5 * erf((np.arange(n + 1) - 0.5 - c[:, None]) / (2**0.5 * PSF_SD_PX)))
            for n, c in ((shape[1], xy[:, 0]), (shape[0], xy[:, 1]))
        )
        image = 40 + flux * (y.T @ x) + rng.normal(0, NOISE, shape)
        frames[k] = np.clip(np.rint(image), 0, 255)
        truth.append(xy)
    return frames, truth


def nearest(
    found: NDArray[np.float64], truth: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Mutually nearest pairs (found, truth) within ``reach``."""
    if not len(found) or not len(truth):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    distance = np.hypot(*(found[:, None] - truth).transpose(2, 0, 1))
    at = distance.argmin(axis=1)
    rows = np.arange(len(found))
    good = (distance[rows, at] < reach) & (distance.argmin(axis=0)[at] == rows)
    return rows[good], at[good]


def _score(positions: list[NDArray[np.float64]], truth: list[NDArray[np.float64]]) -> Any:
    """Recall, false a frame, root mean square and robust error of a coordinate."""
    errors, n_true, n_false = [], 0, 0
    for found, xy in zip(positions, truth, strict=True):
        f, t = nearest(found, xy, 3.0)
        errors.append((found[f] - xy[t]).ravel())
        n_true += len(xy)
        n_false += len(found) - len(f)
    e = np.concatenate(errors)
    robust = 1.4826 * float(np.median(np.abs(e)))
    return len(e) / 2 / n_true, n_false / len(truth), float(np.sqrt(np.mean(e**2))), robust


def spots(n_frames: int = 60) -> pd.DataFrame:
    """Isolated spots at rest: recall, false detections, error against the Cramer-Rao bound."""
    trackpy = quiet_trackpy()
    rng = np.random.default_rng(SEED)
    blank, _ = draw(np.random.default_rng(1), 12, 0.0)
    tuned = _tuned_minmass(trackpy, blank)
    total = float(np.hypot(PSF_SD_PX, 12**-0.5))
    ideal_at = threshold_for(1 / blank[0].size, total)
    rows = []
    for snr in (4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 30.0):
        frames, truth = draw(rng, n_frames, snr)
        table = detect(Film(frames), DetectionSettings(engine="fast"), conditions=REST).table
        strong = table[(table["flags"] & int(Flag.WEAK)) == 0]
        ours = [
            strong.loc[strong["frame"] == k, ["x_px", "y_px"]].to_numpy() for k in range(n_frames)
        ]
        theirs = [
            trackpy.locate(f, 11, minmass=tuned, engine="numba")[["x", "y"]].to_numpy()
            for f in frames
        ]
        bound = 2**0.5 * total / snr
        for name, positions in (("fast", ours), ("trackpy", theirs)):
            recall, false, rms, robust = _score(positions, truth)
            rows.append(
                {
                    "snr": snr,
                    "engine": name,
                    "recall": recall,
                    "ideal_recall": _ideal_recall(frames, truth, total, ideal_at),
                    "theory": float(norm.sf(ideal_at - snr)),
                    "false_per_frame": false,
                    "rms_px": rms,
                    "robust_px": robust,
                    "bound_px": bound,
                    "rms_over_bound": rms / bound,
                }
            )
    return pd.DataFrame(rows)


def _ideal_recall(
    frames: NDArray[np.uint8], truth: list[NDArray[np.float64]], sd: float, threshold: float
) -> float:
    """Recall of a filter that knows spot, background and noise, at one false peak a frame."""
    hits, n = 0, 0
    for frame, xy in zip(frames, truth, strict=True):
        m = matched_filter(((frame.astype(np.float32) - 40) / NOISE).astype(np.float32), sd)
        x, y = np.rint(xy).astype(int).T
        near = [m[y + dy, x + dx] for dy in (-2, -1, 0, 1, 2) for dx in (-2, -1, 0, 1, 2)]
        hits += int((np.max(near, axis=0) > threshold).sum())
        n += len(xy)
    return hits / n


def _tuned_minmass(trackpy: Any, blank: NDArray[np.uint8]) -> float:
    """Smallest trackpy mass at which noise gives one spot a frame (frames of another seed)."""
    mass = np.sort(
        np.concatenate([trackpy.locate(f, 11, minmass=0, engine="numba")["mass"] for f in blank])
    )
    return float(mass[-len(blank) - 1])


def covariance_d(
    positions: NDArray[np.float64], identity: NDArray[Any], frame: NDArray[Any], dt_s: float
) -> tuple[float, float, float, int]:
    """Pooled D over three frames in a row, over gaps as well, the error of the first, its steps.

    Both are the mean squared displacement over two frames less that over one, which is the
    covariance estimator. The first takes three frames in a row; steps outside such triples would
    give noisy fragments more weight in one term than in the other. The second takes, particle
    by particle, all pairs whether the frame between was seen or not: the loss of smeared frames
    does the same to the ends of both displacements and cancels.
    """
    order = np.lexsort((frame, identity))
    x, i, f = positions[order], identity[order], frame[order]
    near, far = np.empty((0, 2)), np.empty((0, 2))
    near_of, far_of = np.empty(0), np.empty(0)
    for k in (1, 2):
        gap = np.where(i[k:] == i[:-k], f[k:] - f[:-k], 0)
        square = (x[k:] - x[:-k]) ** 2
        near, near_of = np.r_[near, square[gap == 1]], np.r_[near_of, i[:-k][gap == 1]]
        far, far_of = np.r_[far, square[gap == 2]], np.r_[far_of, i[:-k][gap == 2]]
    triple = (i[2:] == i[:-2]) & (f[2:] == f[:-2] + 2)
    first, second = (x[1:-1] - x[:-2])[triple], (x[2:] - x[1:-1])[triple]
    each = (0.25 * (first**2 + second**2) + first * second) / dt_s
    tables = [
        pd.DataFrame({"id": of, "square": square.mean(axis=1)}).groupby("id")["square"]
        for of, square in ((near_of, near), (far_of, far))
    ]
    both = pd.concat([t.agg(["mean", "size"]) for t in tables], axis=1, join="inner").to_numpy()
    weight = both[:, 1] * both[:, 3] / (both[:, 1] + both[:, 3])
    gapped = float(np.average(both[:, 2] - both[:, 0], weights=weight)) / (2 * dt_s)
    # successive triples share a step: about twice the variance of independent ones
    error = float(each.std()) * np.sqrt(2 / each.size)
    return float(each.mean()), gapped, error, int(each.size)


def pooled(n_frames: int = 250, numbers: tuple[int, ...] = (60,)) -> pd.DataFrame:
    """Pooled D from detections linked by the truth, 60 nm at focus at a matched-filter SNR of 6."""
    rows = []
    for regime, make in REGIMES.items():
        for diameter in (60, 100, 300):
            for fraction in (0.2, 0.5, 1.0):
                for number in numbers:
                    rows.append(_pooled_cell(regime, make, diameter, fraction, number, n_frames))
                    print(pd.DataFrame(rows[-1:]).to_string(header=len(rows) == 1), flush=True)
    return pd.DataFrame(rows)


def _pooled_cell(
    regime: str, make: Any, diameter: int, fraction: float, number: int, n_frames: int
) -> dict[str, Any]:
    rate = make().frame_rate_hz
    scene = make(f"{diameter}nm:{number}", exposure_ms=1e3 * fraction / rate)
    scene = scene.changed(photons_at_100nm=photons_for_snr(scene, 60.0, 6.0))
    frames, truth = in_memory(scene, n_frames, SEED + number)
    found = detect(Film(frames), DetectionSettings(engine="fast"), conditions=scene.conditions)
    table = found.table[(found.table["flags"] & int(Flag.EDGE)) == 0]
    pairs = []
    for k in range(n_frames):
        t, d = truth[truth["frame"] == k], table[table["frame"] == k]
        f, i = nearest(
            d[["x_px", "y_px"]].to_numpy(), t[["x_px", "y_px"]].to_numpy(), REACH_PX[regime]
        )
        pairs.append(
            np.column_stack(
                [
                    t["particle_id"].to_numpy()[i],
                    np.full(len(f), k),
                    d[["x_px", "y_px"]].to_numpy()[f],
                    t[["x_px", "y_px"]].to_numpy()[i],
                ]
            )
        )
    p = np.concatenate(pairs)
    true_d = scene.conditions.diffusion_um2_s(diameter)
    seen = covariance_d(p[:, 2:4] * scene.pixel_size_um, p[:, 0], p[:, 1], 1 / rate)
    true = covariance_d(p[:, 4:6] * scene.pixel_size_um, p[:, 0], p[:, 1], 1 / rate)
    return {
        "regime": regime,
        "nm": diameter,
        "exposure": fraction,
        "number": number,
        "seen": len(p) / n_frames,
        "bias_%": 100 * (seen[0] / true_d - 1),
        "gapped_%": 100 * (seen[1] / true_d - 1),
        "se_%": 100 * seen[2] / true_d,
        "selection_%": 100 * (true[0] / true_d - 1),
        "axis_steps": seen[3],
        "robust_px": 1.4826 * float(np.median(np.abs(p[:, 2:4] - p[:, 4:6]))),
        "false": float(found.frames["false_detections"].mean()),
    }


def main() -> None:
    """Run the tables named on the command line, all by default."""
    tables = {"speed": speed, "spots": spots, "pooled": pooled}
    for name in sys.argv[1:] or tables:
        print(f"\n{name}\n" + tables[name]().to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    main()

"""Detections linked by the truth: ``python -m benchmarks.detection``."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.detection import detect
from evsize.results import Acquisition
from evsize.settings import DetectionSettings
from evsize.simulation import in_memory, nanosight, photons_for_snr, zetaview
from evsize.tables import Flag

SEED = 1000
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
    tables = {"pooled": pooled}
    for name in sys.argv[1:] or tables:
        print(f"\n{name}\n" + tables[name]().to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    main()

"""Distance to the true distribution, beside what other ways make of the same tracks.

1-Wasserstein distance in nm, clipped to 10-1000 nm, to the sizes of the particles seen, each
weighted by its positions. Beside evsize: the usual histogram (slope of the mean squared step
over the first two lags), per-track covariance estimates, and saspt (state arrays, RBME likelihood),
which runs in an environment of its own (``--saspt PYTHON``).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from benchmarks.accuracy.coverage import STUDIES
from benchmarks.accuracy.sheet import REGIMES, Sheet, simulate_sheet
from evsize.diffusion import estimate_diffusion
from evsize.physics import Conditions
from evsize.settings import SizingSettings
from evsize.sizing import size

Floats = NDArray[np.float64]
SECONDS = 30.0
MIN_POSITIONS = 5
SASPT = """
import json, sys, numpy as np, pandas as pd
from saspt import StateArray
job = json.load(open(sys.argv[1]))
table = pd.read_csv(job["tracks"])
array = StateArray.from_detections(table, "rbme", pixel_size_um=1.0,
    frame_interval=job["interval_s"], focal_depth=np.inf, sample_size=10**6,
    diff_coefs=np.array(job["d_um2_s"]), progress_bar=False)
occupied = array.marginalize_on_diff_coef(array.posterior_occs)
print(json.dumps([float(x) for x in np.ravel(occupied)]))
"""


def one(name: str, seed: int, saspt: str | None) -> dict[str, float]:
    """Distance of each way to the truth, nm."""
    study = STUDIES[name]
    regime = REGIMES[study.regime]
    where = regime.conditions
    n_frames = round(SECONDS / where.frame_interval_s)
    sheet = simulate_sheet(study.population, regime, study.n_in_view, n_frames, seed)
    likelihoods = estimate_diffusion(sheet.tracks, where)
    table = sheet.tracks.table
    used = np.isin(table["track_id"].to_numpy(), likelihoods.track_id)
    true = np.clip(sheet.diameter_nm[used], 10, 1000)
    found = size(likelihoods, where, SizingSettings(n_bootstrap=0)).distribution_table

    def distance(diameter_nm: Floats, weight: Floats) -> float:
        return float(wasserstein_distance(np.clip(diameter_nm, 10, 1000), true, weight))

    positions = likelihoods.n_positions.astype(float)
    row = {"evsize": distance(found["diameter_nm"].to_numpy(), found["fraction"].to_numpy())}
    d_usual = _two_lags(table[used], where)
    for way, d in (("MSD histogram", d_usual), ("covariance", likelihoods.d_cov_um2_s)):
        good = d > 0
        row[way] = distance(where.stokes_einstein_um3_s / d[good] * 1e3, positions[good])
    if saspt is not None:
        d_grid = likelihoods.d_um2_s
        shares = _saspt(saspt, _renumbered(sheet, used), where, d_grid)
        row["saspt"] = distance(where.stokes_einstein_um3_s / d_grid * 1e3, shares)
    return row


def _two_lags(table: pd.DataFrame, where: Conditions) -> Floats:
    """D (um^2/s) of each track from the slope of its mean squared displacement at lags 1 and 2."""
    values = []
    for _, track in table.groupby("track_id"):
        path = track.set_index("frame")[["x_um", "y_um"]]
        path = path.reindex(range(path.index[0], path.index[-1] + 1)).to_numpy()
        one, two = (
            float(np.nanmean(((path[lag:] - path[:-lag]) ** 2).sum(axis=1))) for lag in (1, 2)
        )
        values.append((two - one) / (4 * where.frame_interval_s))
    return np.array(values)


def _renumbered(sheet: Sheet, used: NDArray[np.bool_]) -> pd.DataFrame:
    table = sheet.tracks.table[used]
    return pd.DataFrame(
        {
            "trajectory": table["track_id"],
            "frame": table["frame"],
            "y": table["y_um"],
            "x": table["x_um"],
        }
    )


def _saspt(python: str, table: pd.DataFrame, where: Conditions, d_um2_s: Floats) -> Floats:
    with tempfile.TemporaryDirectory() as folder:
        tracks, job = Path(folder) / "tracks.csv", Path(folder) / "job.json"
        table.to_csv(tracks, index=False)
        order = np.argsort(d_um2_s)
        words = {
            "tracks": str(tracks),
            "interval_s": where.frame_interval_s,
            "d_um2_s": d_um2_s[order].tolist(),
        }
        job.write_text(json.dumps(words))
        done = subprocess.run(
            [python, "-W", "ignore", "-c", SASPT, str(job)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.exit(f"saspt failed: {done.stderr[-500:]}")
    shares = np.empty(len(order))
    shares[order] = json.loads(done.stdout.splitlines()[-1])
    return shares

"""Do the 95 % intervals hold the truth in 95 % of the cases, and are they no wider than need be?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.sheet import REGIMES, Population, simulate_sheet
from evsize.diffusion import estimate_diffusion
from evsize.settings import SizingSettings
from evsize.sizing import size, summary

Floats = NDArray[np.float64]
GRID = np.exp(np.linspace(np.log(10), np.log(3000), 2401))


def _log_normal(median_nm: float, sd: float) -> Population:
    def draw(n: int, rng: np.random.Generator) -> Floats:
        return median_nm * np.exp(sd * np.clip(rng.standard_normal(n), -4, 4))

    return draw


def _beads(n: int, _: np.random.Generator) -> Floats:
    return np.full(n, 100.0)


def _two(n: int, rng: np.random.Generator) -> Floats:
    return np.where(rng.random(n) < 0.75, 100.0, 220.0)


def _vesicles(n: int, rng: np.random.Generator) -> Floats:
    """Most near 90 nm, and a tail that falls slowly."""
    small = 90 * np.exp(0.3 * rng.standard_normal(n))
    large = 180 * np.exp(0.4 * rng.standard_normal(n))
    return np.clip(np.where(rng.random(n) < 0.85, small, large), 40, 1000)


ANY = ("mean_nm", "d50_nm", "below_160", "below_200")
BROAD = ("d10_nm", *ANY, "d90_nm")


@dataclass(frozen=True)
class Study:
    """A population in an instrument, and the figures whose intervals are to hold."""

    regime: str
    population: Population
    figures: tuple[str, ...]
    n_in_view: float = 70.0
    seconds: float = 60.0


STUDIES: Mapping[str, Study] = {
    "beads, nanosight": Study("nanosight", _beads, ("mean_nm", "d50_nm")),
    "log-normal 20 %, nanosight": Study("nanosight", _log_normal(110, 0.2), BROAD),
    "vesicles, nanosight": Study("nanosight", _vesicles, BROAD),
    "vesicles, zetaview": Study("zetaview", _vesicles, BROAD),
    "two sizes, zetaview": Study("zetaview", _two, ("mean_nm", "below_160", "below_200")),
}


def one(name: str, seed: int) -> dict[str, Any]:
    """Figures with their intervals, and the true sizes of what was tracked."""
    study = STUDIES[name]
    regime = REGIMES[study.regime]
    where = regime.conditions
    n_frames = round(study.seconds / where.frame_interval_s)
    sheet = simulate_sheet(study.population, regime, study.n_in_view, n_frames, seed)
    likelihoods = estimate_diffusion(sheet.tracks, where)
    found = size(likelihoods, where, SizingSettings(seed=seed))
    used = np.isin(sheet.tracks.table["track_id"].to_numpy(), likelihoods.track_id)
    true = np.histogram(sheet.diameter_nm[used], bins=GRID)[0]
    shares = {"below_160": found.classes[0].fraction.value}
    estimates = {name: getattr(found.distribution, name) for name in BROAD if "_nm" in name}
    estimates["below_160"] = found.classes[1].fraction
    estimates["below_200"] = found.misev.small_fraction
    return {
        "true": [int(n) for n in true],
        "tracks": len(likelihoods.track_id),
        "units": found.choices["independent_units"].value,
        "particles": len(np.unique(sheet.particle[used])),
        "peaks": len(found.distribution.peaks),
        "strength": found.choices["smoothness"].value,
        "shares": shares,
        "estimates": {k: [e.value, e.low, e.high] for k, e in estimates.items()},
    }


def truth(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Figures of what is tracked in the long run: all seeds together."""
    counts = np.sum([row["true"] for row in rows], axis=0).astype(float)
    centre = np.sqrt(GRID[1:] * GRID[:-1])
    found = summary.figures(counts, centre, GRID)
    at = summary.cumulative(counts, GRID, np.array([40.0, 160.0, 200.0]))
    return found | {"below_160": float(at[1] - at[0]), "below_200": float(at[2])}


def table(name: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Coverage, and width against the spread over seeds, of each figure."""
    true = truth(rows)
    result = []
    for figure in STUDIES[name].figures:
        value, low, high = np.array([row["estimates"][figure] for row in rows], float).T
        spread = float(value.std(ddof=1))
        result.append(
            {
                "study": name,
                "figure": figure,
                "truth": true[figure],
                "mean": float(value.mean()),
                "spread": spread,
                "coverage": float(np.mean((low <= true[figure]) & (true[figure] <= high))),
                "too_high": float(np.mean(low > true[figure])),
                "too_low": float(np.mean(high < true[figure])),
                "width": float(np.median(high - low) / (2 * 1.96 * spread)),
                "seeds": len(rows),
            }
        )
    return result

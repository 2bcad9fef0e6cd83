"""Counting: class fractions, detection limit and concentration on whole simulated recordings.

``classes``: mixtures like vesicles and of two sizes in both regimes; the thickness of the light
sheet is given, nothing else of the optics; every second recording has a point-spread function
with defocus rings. ``concentration``: calibrated with beads of 100 nm of known number, then other
sizes, mixtures and numbers. Truth is number per volume above the detection limit that was found:
of the population, and of the particles that this very film had in its light sheet, which leaves
out what no method can know. The true limit is the diameter of which half of the particles within
0.15 beam radii of the focus have a spot.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache as once
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import norm, wasserstein_distance

import evsize
from benchmarks import cache
from benchmarks.accuracy.recordings import make_scene, usual_way
from benchmarks.detection import REGIMES
from evsize.calibration import calibrate
from evsize.completeness.limit import half_recovered
from evsize.detection import detect
from evsize.results import Result
from evsize.settings import InstrumentSettings, Settings
from evsize.simulation import Scene, in_memory

Floats = NDArray[np.float64]

SOURCES = ("evsize", "benchmarks/accuracy/counting.py", "benchmarks/accuracy/recordings.py")
SEEDS = tuple(range(2830, 2840))
QUICK_SEEDS = 3
USUAL_SEEDS = 2
"""Films of a population that are sized the usual way as well: it takes as long as all the rest."""
POPULATIONS: Mapping[str, str] = {
    "vesicles": "110nm~0.25:90, 220nm~0.3:10",
    "broad": "130nm~0.4:100",
    "two sizes": "100nm:80, 250nm:20",
}
SAMPLES: Mapping[str, Mapping[str, tuple[str, float]]] = {
    "nanosight": {
        "100 nm, 1e9 /mL": ("100nm:1", 1e9),
        "150 nm, 3e8 /mL": ("150nm:1", 3e8),
        "300 nm, 3e8 /mL": ("300nm:1", 3e8),
        "two sizes, 1e9 /mL": ("100nm:80, 250nm:20", 1e9),
        "100 nm, 1e8 /mL": ("100nm:1", 1e8),
        "100 nm, 1e7 /mL": ("100nm:1", 1e7),
        "two sizes, 1e8 /mL": ("100nm:80, 250nm:20", 1e8),
    },
    "zetaview": {
        "100 nm, 3e7 /mL": ("100nm:1", 3e7),
        "150 nm, 1e7 /mL": ("150nm:1", 1e7),
        "300 nm, 1e7 /mL": ("300nm:1", 1e7),
        "two sizes, 3e7 /mL": ("100nm:80, 250nm:20", 3e7),
    },
}
"""What the cell holds, and its number per mL: 6 to 35 particles in the light sheet at a time, of
the least 3."""
THIN_PER_ML = 1e8
"""At most so many in the NanoSight regime are filmed with the whole camera: a part of its field
would hold none or two."""
BEADS: Mapping[str, float] = {"nanosight": 1e9, "zetaview": 6e7}
STOCK = 100.0
"""Beads before their dilution, over those in the cell."""
WIDTH_PX, HEIGHT_PX, N_FRAMES = 320, 240, 400
WHOLE_PX = (1280, 1024)
AT_FOCUS = 0.15
REACH_PX = 5.0
CLASSES_MUST, DISTANCE_MUST, LIMIT_MUST = 0.03, 0.2, 0.1


def cells(kind: str, quick: bool) -> list[dict[str, Any]]:
    """Arguments of `row` for every recording of a kind, seed by seed."""
    return [
        {"kind": kind, "regime": regime, "population": name, "seed": seed}
        for seed in (SEEDS[:QUICK_SEEDS] if quick else SEEDS)
        for regime in REGIMES
        for name in (POPULATIONS if kind == "classes" else SAMPLES[regime])
    ]


def scene_of(regime: str, population: str, seed: int, per_ml: float | None = None) -> Scene:
    """Scene in which 100 nm has a matched-filter SNR of 20 at best focus.

    A quarter of the usual field; the population's numbers are those in a whole one, or its parts
    where a number per mL is given. Thin samples in the NanoSight regime fill the whole camera.
    """
    psf = "rings" if seed % 2 else "gaussian"
    scene = make_scene(regime, population, 0.5, psf, 100, 0.0)
    thin = regime == "nanosight" and per_ml is not None and per_ml <= THIN_PER_ML
    width, height = WHOLE_PX if thin else (WIDTH_PX, HEIGHT_PX)
    share = width * height / (scene.width_px * scene.height_px)
    scene = scene.changed(width_px=width, height_px=height)
    if per_ml is not None:
        total = sum(part.number for part in scene.population)
        share = per_ml * scene.illuminated_volume_ml / total
    parts = tuple(
        part.model_copy(update={"number": part.number * share}) for part in scene.population
    )
    return scene.changed(population=parts)


def row(kind: str, regime: str, population: str, seed: int) -> cache.Row:
    """Analyse one recording and hold it against the truth."""
    if kind == "classes":
        scene = scene_of(regime, POPULATIONS[population], seed)
    else:
        text, per_ml = SAMPLES[regime][population]
        scene = scene_of(regime, text, seed, per_ml)
    frames, truth = in_memory(scene, N_FRAMES, seed)
    settings, given = Settings(), given_of(scene)
    if kind == "classes":
        given["depth_um"] = scene.depth_um
    else:
        settings = settings.model_copy(update={"instrument": _calibrated(regime, seed % 2)})
    result = evsize.analyze(evsize.open_recording(frames, **given), settings)
    limit = result.summary.detection_limit_nm
    above = limit.value if limit and limit.value else 40.0
    own = in_sheet(truth, scene, above)
    exosomes = next(c.fraction for c in result.summary.classes if c.name == "exosome-size")
    counted = result.summary.concentration_per_ml
    population_above = scene.concentration_per_ml * (1 - _below(scene, above))
    found: cache.Row = {
        "limit": limit.value if limit else None,
        "exosome": exosomes.value,
        "exosome_low": exosomes.low,
        "exosome_high": exosomes.high,
        "exosome_population": _between(scene, above, 160.0),
        "exosome_film": float((own < 160).mean()) if len(own) else None,
        "distance_nm": _distance(*_answer(result), own),
        "concentration": counted.value if counted else None,
        "concentration_low": counted.low if counted else None,
        "concentration_high": counted.high if counted else None,
        "concentration_population": population_above,
        "concentration_film": len(own) / N_FRAMES / scene.illuminated_volume_ml,
        "self_check_percent": result.summary.diagnostics.get("self_check_bias_percent"),
        "pass_s": result.summary.provenance.seconds["completeness"],
        "note": result.summary.concentration_note[:80],
    }
    if kind == "classes" and population != "two sizes":
        found["limit_true"] = _true_limit(frames, truth, scene)
    if kind == "classes" and seed < SEEDS[0] + USUAL_SEEDS:
        found["usual_nm"] = _distance(*usual_way(frames, scene, regime), own)
    return found


def given_of(scene: Scene) -> dict[str, Any]:
    """What a user states of a recording."""
    names = ("pixel_size_um", "frame_rate_hz", "exposure_ms", "temperature_c", "medium")
    return {name: getattr(scene, name) for name in names}


@once
def _calibrated(regime: str, rings: int) -> InstrumentSettings:
    """The instrument by three films of beads, of the optics that the samples are filmed with.

    The number of beads is given as each film held it: that so few scatter is no error of ours.
    """
    films = []
    for seed in (2550 + rings, 2552 + rings, 2554 + rings):
        scene = scene_of(regime, "100nm:1", seed, BEADS[regime])
        frames, truth = in_memory(scene, N_FRAMES, seed)
        held = len(in_sheet(truth, scene, 0.0)) / N_FRAMES / scene.illuminated_volume_ml
        film = evsize.open_recording(
            frames, **given_of(scene), dilution=STOCK * BEADS[regime] / held
        )
        films.append((f"beads {seed}", film, film.acquisition))
    return calibrate(films, 100.0, STOCK * BEADS[regime], Settings()).instrument


def _below(scene: Scene, at_nm: float) -> float:
    """Share of the population below a diameter."""
    total = sum(part.number for part in scene.population)
    below = [
        part.number * float(norm.cdf(np.log(at_nm / part.diameter_nm) / part.sd_ln))
        if part.sd_ln
        else part.number * (part.diameter_nm < at_nm)
        for part in scene.population
    ]
    return sum(below) / total


def _between(scene: Scene, low_nm: float, high_nm: float) -> float:
    low, high = _below(scene, low_nm), _below(scene, high_nm)
    return (high - low) / max(1 - low, 1e-9)


def in_sheet(truth: pd.DataFrame, scene: Scene, above_nm: float) -> Floats:
    """Diameters (nm) of particles within the 1/e^2 points and the image, one a frame."""
    x, y, z = (truth[name].to_numpy() for name in ("x_px", "y_px", "z_um"))
    inside = (np.abs(z) < scene.depth_um / 2) & (x > -0.5) & (x < scene.width_px - 0.5)
    inside &= (y > -0.5) & (y < scene.height_px - 0.5)
    diameter = truth["diameter_nm"].to_numpy(np.float64)[inside]
    return np.asarray(diameter[diameter >= above_nm])


def _answer(result: Result) -> tuple[Floats, Floats]:
    table = result.distribution_table.dropna(subset=["fraction"])
    return table["diameter_nm"].to_numpy(), table["fraction"].to_numpy()


def _distance(diameter_nm: Floats, share: Floats, true_nm: Floats) -> float | None:
    """1-Wasserstein distance to what the film held above the limit, clipped to 10-1000 nm, nm."""
    if not len(diameter_nm) or not len(true_nm):
        return None
    at, true = (np.clip(sizes, 10, 1000) for sizes in (diameter_nm, true_nm))
    return float(wasserstein_distance(at, true, share))


def _true_limit(frames: NDArray[Any], truth: pd.DataFrame, scene: Scene) -> float | None:
    film = evsize.open_recording(frames, **given_of(scene))
    spots = detect(film, conditions=scene.conditions).table
    near = truth["z_um"].abs() < AT_FOCUS * scene.depth_um / 2
    for name, length in (("x_px", scene.width_px), ("y_px", scene.height_px)):
        near &= truth[name].between(10, length - 11)
    focal = truth[near]
    apart = 1e5
    tree = cKDTree(np.column_stack([spots[["x_px", "y_px"]], spots["frame"] * apart]))
    places = np.column_stack([focal[["x_px", "y_px"]], focal["frame"] * apart])
    seen = tree.query(places)[0] < REACH_PX
    each = pd.DataFrame({"id": focal["particle_id"].to_numpy(), "seen": seen}).groupby("id")["seen"]
    diameter = focal.groupby("particle_id")["diameter_nm"].first()
    found = half_recovered(
        np.log(diameter.to_numpy(np.float64)),
        each.sum().to_numpy(np.float64),
        each.size().to_numpy(np.float64),
    )
    return None if found is None else float(np.exp(found[0]))


def table(kind: str, quick: bool, jobs: int) -> tuple[pd.DataFrame, list[str]]:
    """Figures of a kind of recording, and what is missed."""
    return summary(kind, films(kind, quick, jobs))


def films(kind: str, quick: bool, jobs: int) -> pd.DataFrame:
    """A row a recording, those computed before read from where they are kept."""
    return cache.rows(f"counting-{kind}", cells(kind, quick), row, SOURCES, jobs)


def summary(kind: str, found: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """One line a regime and population, and what `measurement.md` demands and they do not show."""
    groups = found.groupby(["regime", "population"], sort=False)
    figures = _classes if kind == "classes" else _concentration
    made = pd.DataFrame(
        [
            {"regime": regime, "population": name} | figures(films)
            for (regime, name), films in groups
        ]
    )
    missed = []
    for line in made.to_dict("records"):
        where = f"{line['population']}, {line['regime']}"
        off = line.get("40-160 nm off")
        if off is not None and abs(off) > CLASSES_MUST:
            missed.append(f"40-160 nm of {where}: off by {100 * off:+.1f} points")
        if abs(line.get("limit / true", 1.0) - 1) > LIMIT_MUST:
            missed.append(f"detection limit of {where}: {line['limit / true']:.2f} of the true one")
        if kind == "classes" and line["of the usual"] > DISTANCE_MUST:
            missed.append(f"distance of {where}: {line['of the usual']:.2f} of the usual")
        if kind == "concentration" and abs(line["mean ratio"] - 1) > 0.1 + 2 * line["se"]:
            missed.append(f"concentration of {where}: {line['mean ratio']:.2f}")
        if line["held"] < 0.9:
            missed.append(f"intervals of {where}: {line['held']:.0%} hold the truth")
    return made, missed


def _classes(films: pd.DataFrame) -> dict[str, Any]:
    off = films["exosome"] - films["exosome_film"]
    truth = films["exosome_population"]
    held = (films["exosome_low"] <= truth) & (truth <= films["exosome_high"])
    beside = films[films["usual_nm"].notna()]
    line = {
        "films": len(films),
        "40-160 nm off": float(off.mean()),
        "se": float(off.std(ddof=1) / np.sqrt(len(off))),
        "off population": float((films["exosome"] - truth).mean()),
        "held": float(held.mean()),
        "distance nm": float(films["distance_nm"].mean()),
        "of the usual": float(beside["distance_nm"].sum() / beside["usual_nm"].sum()),
        "limit nm": float(films["limit"].mean()),
        "concentration / film": float(
            (films["concentration"] / films["concentration_film"]).mean()
        ),
    }
    if "limit_true" in films and films["limit_true"].notna().any():
        line["limit / true"] = float((films["limit"] / films["limit_true"]).mean())
    return line


def _concentration(films: pd.DataFrame) -> dict[str, Any]:
    ratio = films["concentration"] / films["concentration_population"]
    truth = films["concentration_population"]
    held = (films["concentration_low"] <= truth) & (truth <= films["concentration_high"])
    known = films["concentration"].notna()
    return {
        "films": len(films),
        "counted": int(known.sum()),
        "mean ratio": float(ratio.mean()),
        "se": float(ratio.std(ddof=1) / np.sqrt(max(known.sum(), 1))),
        "ratio to film": float((films["concentration"] / films["concentration_film"]).mean()),
        "held": float(held[known].mean()) if known.any() else 0.0,
    }

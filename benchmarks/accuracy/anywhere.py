"""Instruments and samples drawn at random: forty whole recordings, none like another.

Pixel size, aperture, point-spread function, frame rate, exposure, camera, light sheet, temperature,
flow, dust, flicker and the population are drawn anew for each; the sheet's thickness is given, the
rest of the optics is not. Two truths, both number per volume above the detection limit found: the
population, which the 95 % intervals are to hold, and the particles that this very film had in its
sheet, against which the figures are off by what the method itself does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import evsize
from benchmarks import cache
from benchmarks.accuracy.counting import given_of, in_sheet
from evsize.results import Estimate
from evsize.simulation import Scene, in_memory, photons_for_snr
from evsize.simulation.scene import Camera, Disturbances, Optics, checked_scene

Floats = NDArray[np.float64]

SOURCES = (
    "evsize",
    "benchmarks/accuracy/anywhere.py",
    "benchmarks/accuracy/counting.py",
)
SEEDS = tuple(range(2760, 2800))
QUICK_SEEDS = 6
WIDTH_PX, HEIGHT_PX, N_FRAMES = 400, 300, 500
POPULATIONS = (
    "80nm:1",
    "150nm:1",
    "300nm:1",
    "100nm~0.2:1",
    "120nm~0.3:1",
    "130nm~0.4:1",
    "110nm~0.25:90, 220nm~0.3:10",
    "100nm:80, 250nm:20",
    "90nm~0.15:50, 180nm~0.15:50",
)
GREY_LEVELS_OF_NOISE = {8: (1.2, 4.0), 10: (2.0, 8.0), 12: (3.0, 10.0), 16: (4.0, 20.0)}
HELD_MUST = 0.9
FIGURES = ("d50", "mean", "exosome", "concentration")


def scene_of(seed: int) -> Scene:
    """Draw a scene."""
    rng = np.random.default_rng([seed, 2026])

    def between(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def maybe(chance: float, low: float, high: float) -> float:
        return float((rng.random() < chance) * rng.uniform(low, high))

    text = str(rng.choice(POPULATIONS))
    pixel_um, rate_hz = between(0.12, 0.75), float(rng.choice([15, 20, 25, 30, 40, 60]))
    background, read_noise = between(8, 150), rng.uniform(1, 4)
    bits = int(rng.choice([8, 8, 10, 12, 16]))
    levels = between(*GREY_LEVELS_OF_NOISE[bits])
    scene = checked_scene(
        population=text,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        pixel_size_um=pixel_um,
        frame_rate_hz=rate_hz,
        exposure_ms=1e3 / rate_hz * float(rng.choice([0.1, 0.25, 0.5, 0.75, 1.0])),
        temperature_c=rng.uniform(18, 32),
        depth_um=between(6, 25),
        background_e=background,
        brightness_sd_ln=float(rng.choice([0.0, 0.2, 0.4])),
        scattering=str(rng.choice(["rayleigh", "mie"])),
        flow_um_s=tuple(maybe(0.3, -3, 3) * pixel_um * rate_hz for _ in range(2)),
        optics=Optics(
            numerical_aperture=rng.uniform(0.25, 0.5), psf=str(rng.choice(["gaussian", "rings"]))
        ),
        camera=Camera(
            bit_depth=bits,
            gain_e=float(np.hypot(np.sqrt(background), read_noise)) / levels,
            offset=4.0 if bits == 8 else 100.0,
            read_noise_e=read_noise,
        ),
        disturbances=Disturbances(
            gradient=maybe(0.25, 0.1, 0.6),
            flicker=maybe(0.2, 0.02, 0.08),
            dust=int(maybe(0.25, 1, 4)),
            hot_pixels=int(maybe(0.25, 1, 20)),
        ),
    )
    at_nm = scene.population[0].diameter_nm if len(scene.population) == 1 else 100.0
    scene = scene.changed(photons_at_100nm=photons_for_snr(scene, at_nm, between(12, 40)))
    share = between(8, 60) / sum(part.number for part in scene.population)
    return scene.changed(
        population=tuple(
            part.model_copy(update={"number": part.number * share}) for part in scene.population
        )
    )


def row(seed: int) -> cache.Row:
    """Analyse one recording and hold it against both truths."""
    scene = scene_of(seed)
    frames, truth = in_memory(scene, N_FRAMES, seed)
    film = evsize.open_recording(frames, **given_of(scene), depth_um=scene.depth_um)
    report = evsize.analyze(film).summary
    limit = report.detection_limit_nm
    above_nm = limit.value if limit and limit.value else 40.0
    film_nm = in_sheet(truth, scene, above_nm)
    whole_nm = _drawn(scene, above_nm)
    volume_ml = scene.illuminated_volume_ml
    all_drawn = _drawn(scene, 0.0)
    true = {
        "population": _figures(
            whole_nm, scene.concentration_per_ml * len(whole_nm) / max(len(all_drawn), 1)
        ),
        "film": _figures(film_nm, len(film_nm) / N_FRAMES / volume_ml),
    }
    answer = report.distribution
    found = {
        "d50": answer.d50_nm,
        "mean": answer.mean_nm,
        "exosome": next(c.fraction for c in report.classes if c.name == "exosome-size"),
        "concentration": report.concentration_per_ml or Estimate(),
    }
    result: cache.Row = {
        "population": ", ".join(map(str, scene.population)),
        "psf": scene.optics.psf,
        "pixel_um": scene.pixel_size_um,
        "exposure": scene.conditions.exposure_fraction,
        "verdict": report.qc.verdict,
        "tracks": report.tracks.n_used,
        "limit_nm": limit.value if limit else None,
        "per_volume": answer.per_volume,
        "note": report.concentration_note[:80],
    }
    for name, estimate in found.items():
        result |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        result |= {f"{name}_{which}": figures.get(name) for which, figures in true.items()}
    return result


def _drawn(scene: Scene, above_nm: float) -> Floats:
    """Many diameters (nm) of the population above a limit."""
    rng = np.random.default_rng(0)
    total = sum(part.number for part in scene.population)
    sizes = [part.draw_nm(round(2e5 * part.number / total), rng) for part in scene.population]
    every = np.concatenate(sizes)
    return np.asarray(every[every >= above_nm])


def _figures(diameter_nm: Floats, per_ml: float) -> dict[str, float]:
    if not len(diameter_nm):
        return {}
    return {
        "d50": float(np.median(diameter_nm)),
        "mean": float(diameter_nm.mean()),
        "exosome": float(((diameter_nm >= 40) & (diameter_nm < 160)).mean()),
        "concentration": per_ml,
    }


def table(quick: bool, jobs: int) -> tuple[pd.DataFrame, list[str]]:
    """One line a figure, and what `measurement.md` demands and they do not show."""
    cells = [{"seed": seed} for seed in (SEEDS[:QUICK_SEEDS] if quick else SEEDS)]
    found = cache.rows("anywhere", cells, row, SOURCES, jobs)
    counted = found[found["per_volume"]]
    made = pd.DataFrame([_line(counted, name, len(found)) for name in FIGURES])
    missed = [
        f"anywhere: the interval of {line['figure']} holds the truth in {line['held']} of "
        f"{line['films']}"
        for line in made.to_dict("records")
        if line["held"] < HELD_MUST * line["films"]
    ]
    return made, missed


def _line(films: pd.DataFrame, name: str, total: int) -> dict[str, Any]:
    """Where it is a share it is compared by difference, else by ratio."""
    known = films[films[name].notna() & films[f"{name}_film"].notna()]
    low, true, high = (known[f"{name}{end}"] for end in ("_low", "_population", "_high"))
    if name == "exosome":
        # a tenth of a percent: a smooth distribution never has all of itself in one class
        low, true, high = low.round(3), true.round(3), high.round(3)
        off, unit = 100 * (known[name] - known[f"{name}_film"]), "points"
    else:
        off, unit = 100 * (known[name] / known[f"{name}_film"] - 1), "%"
    held = (low <= true) & (true <= high)
    return {
        "figure": name,
        "of": total,
        "films": len(known),
        "held": int(held.sum()),
        "off the film": float(off.mean()),
        "se": float(off.std(ddof=1) / np.sqrt(max(len(off), 1))),
        "one film": float(off.std(ddof=1)),
        "unit": unit,
    }

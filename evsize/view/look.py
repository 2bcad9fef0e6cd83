"""Spots and sizes in a few frames, for a threshold to be chosen by eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evsize.detection import detect
from evsize.diffusion import estimate_diffusion
from evsize.physics import Conditions
from evsize.report import words
from evsize.report.charts import draw_histogram
from evsize.results import Detections, Sizing
from evsize.settings import Settings
from evsize.sizing import size
from evsize.tables import Flag
from evsize.tracking import link

SMALLEST_RADIUS_PX = 4.0


@dataclass(frozen=True)
class Look:
    """What a sample of frames shows at one threshold.

    Attributes
    ----------
    first, count : int
        The frames looked at.
    threshold_snr : float
        That was used.
    spots : list of list of (float, float, bool)
        By frame: column and row, px, and whether the spot is weak: it may continue a track and
        starts none.
    radius_px : float
        Of the rings around them.
    figures : sequence of (str, str)
        What was found, in words.
    sizes : str
        Histogram of single-track diameters, SVG; empty without tracks.
    remark : str
        Why there are no sizes.
    """

    first: int
    count: int
    threshold_snr: float
    spots: list[list[tuple[float, float, bool]]]
    radius_px: float
    figures: Sequence[tuple[str, str]]
    sizes: str = ""
    remark: str = ""


def look_at(recording: Any, settings: Settings, first: int, count: int) -> Look:
    """Find spots, and sizes where enough is known, in some frames of a recording.

    Parameters
    ----------
    recording : Recording
        The recording.
    settings : Settings
        As a run would use them.
    first, count : int
        The frames.
    """
    sample = recording[first : first + count]
    given = settings.acquisition.model_dump(exclude_none=True)
    acquisition = recording.acquisition.updated(given, "page")
    lacking = acquisition.missing()
    conditions = None if lacking else acquisition.conditions()
    detections = detect(
        sample,
        settings.detection,
        conditions=conditions,
        smallest_diameter_nm=settings.tracking.smallest_diameter_nm,
    )
    figures = [("spots a frame", words.figure(float(detections.frames["detections"].mean())))]
    false = detections.frames["false_detections"].dropna()
    if len(false):
        figures.append(("of these expected from noise alone", words.figure(false.mean(), 2)))
    sizes, remark = "", ""
    if conditions is None:
        missing = ", ".join(words.plain(name.rpartition("_")[0] or name) for name in lacking)
        remark = f"For sizes, fill in: {missing}."
    else:
        sizing = _size(detections, conditions, settings)
        figures += _figures(sizing)
        diameters = sizing.particles["diameter_nm"].to_numpy()
        sizes = draw_histogram(diameters, "diameter of a single track (nm)", log=True, bins=25)
    window = detections.choices.get("window_px")
    radius = float(window.value) / 2 if window and window.value else 0.0
    return Look(
        first=first,
        count=count,
        threshold_snr=_threshold(detections),
        spots=_spots(detections, count),
        radius_px=max(radius, SMALLEST_RADIUS_PX),
        figures=figures,
        sizes=sizes,
        remark=remark,
    )


def _size(detections: Detections, conditions: Conditions, settings: Settings) -> Sizing:
    tracks = link(detections, conditions, settings.tracking)
    likelihoods = estimate_diffusion(tracks, conditions, settings.diffusion)
    quick = settings.sizing.model_copy(update={"n_bootstrap": 0})
    return size(likelihoods, conditions, quick)


def _figures(sizing: Sizing) -> list[tuple[str, str]]:
    found = sizing.distribution
    figures = [("tracks that carry a size", str(len(sizing.particles)))]
    if found.d50_nm.value is not None:
        ends = f"{words.figure(found.d10_nm.value)} to {words.figure(found.d90_nm.value)} nm"
        figures += [("median diameter", f"{words.figure(found.d50_nm.value)} nm")]
        figures += [("D10 to D90", ends)]
    return figures


def _threshold(detections: Detections) -> float:
    value = detections.choices["threshold_snr"].value
    return float(value) if value is not None else float("nan")


def _spots(detections: Detections, count: int) -> list[list[tuple[float, float, bool]]]:
    table = detections.table
    weak = (table["flags"].to_numpy() & np.uint32(Flag.WEAK)) > 0
    spots: list[list[tuple[float, float, bool]]] = [[] for _ in range(count)]
    for frame, x, y, is_weak in zip(
        table["frame"], table["x_px"].round(2), table["y_px"].round(2), weak, strict=True
    ):
        spots[frame].append((float(x), float(y), bool(is_weak)))
    return spots

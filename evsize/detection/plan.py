"""What is decided once for a recording, each with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from evsize.detection.faint import lowest_snr
from evsize.detection.filtering import far_from, filter_noise, find_peaks, matched_filter
from evsize.detection.model import FrameModel, grey
from evsize.detection.pattern import (
    MIN_PATTERN_FRAMES,
    PATTERN_FRAMES,
    block_edges,
    build_model,
    spread_indices,
)
from evsize.detection.peaks import SEPARATION_SD
from evsize.detection.scaling import Image
from evsize.detection.spots import Parameters
from evsize.detection.survey import choose_spot_sd, decide_polarity, find_candidates
from evsize.detection.threshold import noise_peaks_per_px, threshold_for
from evsize.errors import RecordingError
from evsize.physics import Conditions
from evsize.results import Frames, Value
from evsize.settings import DetectionSettings

SURVEY_FRAMES = 10
SURVEY_CELL_PX = 40
FALSE_PER_FRAME = 0.6
WEAK_FALSE_PER_SEARCH = 0.01
LOWEST_WEAK_SNR = 3.0
# step exceeded with probability 1e-4 by a two-dimensional random walk: sqrt(2 ln 1e4) deviations
SEARCH_SD = 4.29
# the background takes up (CELL_SD / 3)^-2 of a spot's own light, about 2 %
CELL_SD = 22
HALO_WINDOWS = 4
NARROWEST_WEIGHT_PX = 1.0
"""Drawn spots of 0.45 px (0.53 with the pixel) at an SNR of 30 are located to 0.05 px with it, with
a weight as wide as the spot to 0.13; from 0.7 px on it changes less than a tenth."""
# frames' worth of free area: with less, next to nothing is known of the noise
LEAST_AREA = 0.2


class Plan(NamedTuple):
    """All that is fixed before the first frame is searched.

    Attributes
    ----------
    sign : int
        +1 for bright spots, -1 for dark ones.
    first_model : FrameModel
        Model of the first block of frames.
    parameters : Parameters
        Numbers for the engine.
    cell_px : int
        Cells of the slow background.
    halo_px : int
        How far the surroundings of a strong spot reach that tell nothing about noise.
    faint_snr : (float, float)
        Between them peaks are kept that are no spots.
    choices : dict of str to Value
        Every choice in words.
    later_models : mapping of int to FrameModel
        Models of later blocks by their first frames, once they are known: to make one takes as
        long as to search a hundred frames.
    """

    sign: int
    first_model: FrameModel
    parameters: Parameters
    cell_px: int
    halo_px: int
    faint_snr: tuple[float, float]
    choices: dict[str, Value]
    later_models: Mapping[int, FrameModel] = MappingProxyType({})


def _step_sds_px(
    conditions: Conditions | None, smallest_diameter_nm: float
) -> tuple[float, float] | None:
    """Smear within the exposure and step between frames of the smallest particle, px, an axis.

    A Brownian path of duration T has the variance D T / 3 about its own mean.
    """
    if conditions is None:
        return None
    d_px2 = conditions.diffusion_um2_s(smallest_diameter_nm) / conditions.pixel_size_um**2
    interval = conditions.frame_interval_s
    smear = math.sqrt(d_px2 * interval * conditions.exposure_fraction / 3)
    return smear, math.sqrt(2 * d_px2 * interval)


def _choose_polarity_and_width(
    scaled: list[Image], settings: DetectionSettings, choices: dict[str, Value]
) -> tuple[int, float]:
    """Sign and width of the spots."""
    bright = find_candidates(scaled) if settings.polarity != "dark" else None
    dark = find_candidates([-z for z in scaled]) if settings.polarity != "bright" else None
    if bright is not None and dark is not None:
        sign, why = decide_polarity(bright, dark)
    else:
        sign, why = (1 if dark is None else -1), "given"
    choices["polarity"] = Value(value="bright" if sign > 0 else "dark", source=why)
    spots = bright if sign > 0 else dark
    assert spots is not None
    if settings.spot_sd_px is not None:
        spot_sd, why = settings.spot_sd_px, "given"
    else:
        spot_sd, why = choose_spot_sd(spots, scaled if sign > 0 else [-z for z in scaled])
    choices["spot_sd_px"] = Value(value=spot_sd, unit="px", source=why)
    return sign, spot_sd


def _excess_false(
    filtered: list[Image], threshold: float, radius: int, reach: int
) -> tuple[float, str]:
    """Raise the threshold until the negated frames show no more than one peak each.

    Two standard errors of so few frames are allowed for. Peaks near strong spots are left out:
    those are the rings of real particles.
    """
    highest = 1.5 * threshold
    free = [far_from(m > threshold, reach) for m in filtered]
    area = max(float(np.mean(free)) * len(free), LEAST_AREA)
    raised = threshold
    while True:
        peaks = [find_peaks(-m, raised, radius) for m in filtered]
        count = sum(int(f[y, x].sum()) for f, (y, x) in zip(free, peaks, strict=True)) / area
        if count <= 1.0 + 2.0 / math.sqrt(area) or raised > highest:
            break
        raised += 0.1
    note = f"; the negated frames show {count:.2g}"
    return min(raised, highest), note


def _choose_thresholds(
    filtered: list[Image],
    settings: DetectionSettings,
    numbers: tuple[float, int, int],
    step_sd_px: float | None,
    choices: dict[str, Value],
) -> tuple[float, float]:
    """Upper and lower threshold."""
    filter_sd, radius, reach = numbers
    theory = threshold_for(FALSE_PER_FRAME / float(filtered[0].size), filter_sd)
    if settings.threshold_snr is not None:
        strong, why = settings.threshold_snr, "given"
    else:
        strong, why = theory, f"noise alone passes it {FALSE_PER_FRAME:g} times a frame"
        strong, note = _excess_false(filtered, strong, radius, reach)
        why += note
    strong = round(strong, 2)
    if step_sd_px is None:
        weak = min(strong, theory) - 1.0
        reason = "1 below the noise's own upper threshold: no conditions given"
    else:
        disc = math.pi * (SEARCH_SD * math.hypot(step_sd_px, filter_sd)) ** 2
        weak = threshold_for(WEAK_FALSE_PER_SEARCH / disc, filter_sd)
        reason = (
            f"noise puts {noise_peaks_per_px(weak, filter_sd) * disc:.2g} spots into the disc in "
            "which the next position of the smallest particle is searched"
        )
    weak = round(min(max(weak, LOWEST_WEAK_SNR), strong), 2)
    choices["threshold_snr"] = Value(value=strong, source=why)
    choices["weak_threshold_snr"] = Value(value=weak, source=reason)
    return strong, weak


def _describe_background(
    model: FrameModel, n_frames: int, cell_px: int, choices: dict[str, Value]
) -> None:
    """Say how the background was taken."""
    n_blocks = len(block_edges(n_frames)) - 1
    if model.is_flat:
        choices["background"] = Value(
            value="slow in space only",
            source=f"{n_frames} frames, fewer than the {MIN_PATTERN_FRAMES} needed to tell "
            "particles from what stands still",
        )
        return
    choices["background"] = Value(
        value="temporal median, level of each frame, slow in space",
        source=f"median of {min(PATTERN_FRAMES, n_frames)} frames in each of {n_blocks} "
        f"stretch{'es' if n_blocks > 1 else ''}; cells of {cell_px} px",
    )


def rest_weight_px(spot_sd_px: float, smear_sd_px: float) -> float:
    """Standard deviation of the weight in which a spot at rest is located, px.

    As wide as the spot it is the best where nothing smears: drawn spots at rest are 1.02 to 1.09
    times the bound off with it, and 1.11 to 1.29 times with one wider by a quarter. What smears is
    located nearer to its mean by a wider one; half as wide again costs a sixth. A weight narrower
    than a pixel sees a spot narrower than that differently wherever in the pixel it lies.
    """
    best = min(math.hypot(1.05 * spot_sd_px, 0.9 * smear_sd_px), 1.5 * spot_sd_px)
    return max(best, NARROWEST_WEIGHT_PX)


def make_plan(
    recording: Frames,
    settings: DetectionSettings,
    conditions: Conditions | None,
    smallest_diameter_nm: float,
) -> Plan:
    """Look at a few frames and decide everything that the search needs.

    Raises
    ------
    RecordingError
        If there are no frames.
    """
    n_frames = len(recording)
    if n_frames == 0:
        raise RecordingError("a recording without frames", "at least one frame")
    choices: dict[str, Value] = {"engine": Value(value=settings.engine, source="given")}
    model = build_model(recording, 0, block_edges(n_frames)[1], SURVEY_CELL_PX)
    frames = [grey(recording[i]) for i in spread_indices(0, n_frames, SURVEY_FRAMES)]
    scaled = [model.scale(f, 1).images[0] for f in frames[::2]]
    sign, spot_sd = _choose_polarity_and_width(scaled, settings, choices)

    sds = _step_sds_px(conditions, smallest_diameter_nm)
    smear, step = sds if sds is not None else (0.5 * spot_sd, None)
    total = math.hypot(spot_sd, smear)
    filter_sd = min(math.hypot(spot_sd, 0.7 * smear), 1.4 * spot_sd)
    window = max(3, math.ceil(3 * total))
    separation = max(2.5, SEPARATION_SD * total)
    halo = HALO_WINDOWS * window
    cell = max(SURVEY_CELL_PX, math.ceil(CELL_SD * total))
    _describe_background(model, n_frames, cell, choices)

    model = model.with_cells(cell)
    reach = math.ceil(3 * total)
    levels = zip(*(model.scale(f, sign).images for f in frames), strict=True)
    filtered, *coarse = ([matched_filter(z, filter_sd) for z in level] for level in levels)
    coarse_noise = tuple(
        max(1.0, float(np.median([filter_noise(m, reach) for m in level]))) for level in coarse
    )
    noise = float(np.median([filter_noise(m, reach) for m in filtered]))
    filtered = [m / np.float32(noise) for m in filtered]
    radius = max(1, round(separation / 2))
    strong, weak = _choose_thresholds(filtered, settings, (filter_sd, radius, halo), step, choices)
    smear_why = (
        f"3 deviations of spot and smear ({smear:.2g} px for {smallest_diameter_nm:g} nm)"
        if sds is not None
        else "3 deviations of the spot, widened by a quarter: no conditions given"
    )
    choices["filter_sd_px"] = Value(
        value=round(filter_sd, 2), unit="px", source="spot and part of the smear"
    )
    choices["filter_noise"] = Value(
        value=round(noise, 3), source="noise behind the filter against that of white noise"
    )
    choices["window_px"] = Value(value=window, unit="px", source=smear_why)
    choices["separation_px"] = Value(
        value=round(separation, 2),
        unit="px",
        source=f"{SEPARATION_SD:g} deviations of spot and smear",
    )
    parameters = Parameters(
        spot_sd_px=spot_sd,
        smear_sd_px=smear,
        filter_sd_px=filter_sd,
        threshold=strong,
        weak_threshold=weak,
        window_px=window,
        separation_px=separation,
        weight_sd_px=rest_weight_px(spot_sd, smear),
        widest_weight_px=3.5 * total,
        filter_noise=noise,
        coarse_noise=coarse_noise,
    )
    faint = (lowest_snr(filtered[0].size, n_frames, parameters), weak)
    return Plan(sign, model, parameters, cell, halo, faint, choices)

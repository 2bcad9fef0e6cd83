"""The fixed pattern of a stretch of a recording, and the noise of each pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evsize.detection.filtering import MAD_TO_SD, filter_noise, matched_filter
from evsize.detection.median import quick_median
from evsize.detection.model import FrameModel, Level, Pattern, grey, level_step
from evsize.detection.scaling import Image
from evsize.detection.temporal import add_unmasked, still_moments
from evsize.detection.transfer import measure_transfer
from evsize.detection.visits import fill, visited
from evsize.results import Frames

PATTERN_FRAMES = 50
BLOCK_FRAMES = 1000
MIN_PATTERN_FRAMES = 20
TRANSFER_FRAMES = 10
STEADY = 0.8
"""Noise in space against that over time below which it is a moving background that varies."""
CLIP_SD = 3.0
PASSERS_CELL_PX = 40
PASSERS_SD_PX = 3.0
PASSERS_AT = 2.5
NOISE_CELL_PX = 32
# noises by which a level stands out; what slow particles leave in it stays below
STILL_AT = 1.0
ALONE = 3.0
"""Spread and height of a pixel that is hot, over its neighbours', where slow particles were."""
SELDOM = 0.1
"""Share of the frames in which a hot pixel may look dark."""
ORDINARY = 1.5
FLICKER = 0.7
"""Spread of what stands still over that of an ordinary pixel, and over its contrast, at most."""
NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)


def spread_indices(first: int, stop: int, count: int) -> list[int]:
    """At most ``count`` frame numbers spread evenly over ``first <= i < stop``."""
    total = stop - first
    if total <= count:
        return list(range(first, stop))
    return [first + int((k + 0.5) * total / count) for k in range(count)]


def estimate_pattern(stack: NDArray[Any], white_level: float = np.inf) -> Pattern:
    """Fixed pattern and noise of each pixel from frames far apart in time.

    Parameters
    ----------
    stack : ndarray, (frames, height, width)
        Frames far apart in time.
    white_level : float
        Level at which a pixel is saturated.

    Returns
    -------
    Pattern
        Temporal median, refined by the mean of what lies near it, and the spread about it. Where
        a particle stays too long for that, the level of the surroundings.
    """
    step = 1.0 if np.issubdtype(stack.dtype, np.integer) else 0.0
    thin = np.ascontiguousarray(stack[:, ::4, ::4])  # of one layout: compiled once
    middle = np.median(thin, axis=0).astype(np.float32)
    rest = thin - middle
    reach = CLIP_SD * MAD_TO_SD * quick_median(np.abs(rest)) + 1.5 * step
    near = np.abs(rest) <= reach
    noise = float(np.sqrt(np.mean(np.square(rest[near]))))
    # whole grey levels average out: where the noise is less than one of them, the median alone
    # looks like a pattern of steps, and frames would be fitted to it
    count = np.maximum(near.sum(axis=0), 1)
    reference = middle + (np.where(near, rest, 0).sum(axis=0) / count).astype(np.float32)
    slow = visited(stack, white_level)
    noise = max(noise, 0.3 * step)
    offsets = np.median(rest[:, ::2, ::2], axis=(1, 2))
    _, sd = still_moments(thin, offsets, np.ones_like(offsets), noise, step)
    fixed = stands_still(reference, sd, noise) & ~slow[::4, ::4]
    reference = fill(reference, slow[::4, ::4])
    level = Level(reference, fixed, 1, noise)
    levels = [level.fit(f) for f in thin]
    offsets, gains = np.asarray(levels, np.float32).T
    mean, sd = still_moments(stack, offsets.copy(), gains.copy(), noise, step)
    still = without_visits(mean, slow, stack, noise)
    fixed = stands_still(mean, sd, _cell_medians(sd)) & ~slow
    first = Pattern(still, smooth_noise(sd, still, slow, step), fixed)
    shift, factor = _passers_by(stack, first)
    if factor < STEADY:
        first = first._replace(noise=np.maximum(first.noise * np.float32(factor), 0.29 * step))
    return first._replace(mean=still + shift)


def stands_still(mean: Image, sd: Image, noise: Image | float) -> NDArray[np.bool_]:
    """Pixels whose level does not come and go.

    Parameters
    ----------
    mean, sd : ndarray of float32, (height, width)
        Level of each pixel and its spread over time, grey levels.
    noise : ndarray of float32, (height, width), or float
        Spread of an ordinary pixel.

    Returns
    -------
    ndarray of bool, (height, width)
        Specks of dust and an uneven field follow the lamp, whose flicker is a small part of their
        contrast; what a particle leaves that stayed for half of the frames varies by more than
        that contrast (1.2 to 20 times, in simulated films).
    """
    contrast = mean - np.float32(quick_median(mean[::4, ::4]))
    still: NDArray[np.bool_] = sd <= np.hypot(ORDINARY * noise, FLICKER * contrast)
    return still


def without_visits(
    mean: Image, slow: NDArray[np.bool_], stack: NDArray[Any], noise: float
) -> Image:
    """Level of each pixel where slow particles were: of the surroundings, or a hot pixel's own.

    A hot pixel stands out alone, and in nearly all frames, whoever came by. Filled like its
    surroundings it would look like a particle that stays there, all through the film.

    Parameters
    ----------
    mean : ndarray of float32, (height, width)
        Level of each pixel, grey levels.
    slow : ndarray of bool, (height, width)
        Pixels visited by slow particles.
    stack : ndarray, (frames, height, width)
        Frames far apart in time.
    noise : float
        Noise of an ordinary pixel, grey levels.
    """
    level = fill(mean, slow)
    excess = mean - level
    hot = slow & (excess > CLIP_SD * noise) & (excess > ALONE * cv2.dilate(excess, NEIGHBOURS))
    rows, cols = np.nonzero(hot)
    lowest = np.quantile(stack[:, rows, cols], SELDOM, axis=0)
    stays = lowest - level[rows, cols] > 0.5 * excess[rows, cols]
    level[rows[stays], cols[stays]] = mean[rows[stays], cols[stays]]
    return level


def _passers_by(stack: NDArray[Any], first: Pattern) -> tuple[Image, float]:
    """What particles have left in a first fixed pattern, negative where they brightened it.

    And the noise of the frames, freed of what is slow in space, against that over time.

    A particle that crosses a pixel in a few of the frames shifts its level by a tenth of the
    noise, the matched filter multiplies that by ten. So the level is taken again without the
    surroundings of whatever stands out behind a wide filter.
    """
    shape = first.mean.shape
    model = FrameModel(first, PASSERS_CELL_PX, is_flat=False)
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.uint16)
    factors = []
    for frame in stack:
        freed = model.scale(frame, 1)
        scaled = freed.images[0]
        factors.append(float(freed.relative_noise[0, 0]))
        smooth = matched_filter(scaled, PASSERS_SD_PX)
        noise = filter_noise(smooth, 2 * math.ceil(PASSERS_SD_PX))
        strong = np.abs(smooth) > PASSERS_AT * noise
        reach = 2 * math.ceil(PASSERS_SD_PX) + 1
        mask = cv2.dilate(strong.astype(np.uint8), np.ones((reach, reach), np.uint8))
        add_unmasked(scaled, mask, total, count)
    enough = count >= max(5, len(stack) // 5)
    shift: Image = np.where(enough, total / np.maximum(count, 1), 0.0).astype(np.float32)
    return shift * first.noise, float(np.median(factors))


def smooth_noise(sd: Image, mean: Image, slow: NDArray[np.bool_], step: float) -> Image:
    """Noise map that is smooth but for what is noisier and stands still.

    Parameters
    ----------
    sd, mean : ndarray of float32, (height, width)
        Spread of each pixel over time and its level, grey levels.
    slow : ndarray of bool, (height, width)
        Pixels visited by slow particles.
    step : float
        Distance of grey levels; 0 for real numbers.

    Notes
    -----
    Medians of cells, interpolated: trails of particles do not reach them. Single pixels keep
    their own noise where they stand out against the median of their 5 x 5 neighbours too (hot,
    blinking): a slow particle makes a whole patch vary, and must not be taken for noise that hides
    it. Where one was they have to stand out against each neighbour: a small bright spot that stays
    makes its middle vary three times as much as its rim, and would lose it. Patches keep theirs
    where their level stands out as well: the light of a speck of dust has shot noise, which would
    look like a particle that trembles.
    """
    floor = np.float32(max(0.29 * step, 1e-6 * float(sd.max(initial=0.0)), 1e-12))
    local = _cell_medians(sd)
    near = cv2.medianBlur(sd, 5)
    hot = sd > 2 * np.maximum(near, local) + floor
    hot &= ~slow | (sd > ALONE * cv2.dilate(sd, NEIGHBOURS))
    around = cv2.blur(mean, (NOISE_CELL_PX, NOISE_CELL_PX), borderType=cv2.BORDER_REFLECT)
    bright = (mean - around > STILL_AT * local).astype(np.uint8)
    still = cv2.dilate(bright, np.ones((5, 5), np.uint8)) > 0
    patches = np.where(still, np.maximum(np.maximum(sd, near), local), local)
    result: Image = np.maximum(np.where(hot, sd, patches), floor)
    return result


def _cell_medians(image: Image) -> Image:
    """Medians of cells of `NOISE_CELL_PX`, smoothed and interpolated."""
    height, width = image.shape
    rows, cols = (
        np.array_split(np.arange(n), max(1, round(n / NOISE_CELL_PX))) for n in (height, width)
    )
    cells = [[quick_median(image[r[0] : r[-1] + 1, c[0] : c[-1] + 1]) for c in cols] for r in rows]
    grid = cv2.medianBlur(np.asarray(cells, np.float32), 3)
    smooth: Image = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return smooth


def flat_noise(frame: NDArray[Any], step: float) -> float:
    """Noise of a single frame from differences of neighbouring pixels, grey levels."""
    f = frame.astype(np.float64)
    # second differences: a slope of the background drops out; variance 1 + 4 + 1
    second = (f[:, :-2] - 2 * f[:, 1:-1] + f[:, 2:]) / np.sqrt(6.0)
    values = second.ravel()
    spread = MAD_TO_SD * quick_median(np.abs(values - quick_median(values))) + 0.5 * step
    sd = float(np.std(values[np.abs(values) <= CLIP_SD * spread]))
    return max(sd, 0.29 * step, 1e-12)


def block_edges(n_frames: int) -> list[int]:
    """First frames of the blocks that have a pattern each, and the end."""
    n_blocks = max(1, round(n_frames / BLOCK_FRAMES))
    return [k * n_frames // n_blocks for k in range(n_blocks + 1)]


def build_model(recording: Frames, first: int, stop: int, cell_px: int) -> FrameModel:
    """Model of the frames ``first <= i < stop`` from at most `PATTERN_FRAMES` of them."""
    indices = spread_indices(first, stop, PATTERN_FRAMES)
    one = grey(recording[indices[0]])
    stack = np.empty((len(indices), *one.shape), one.dtype)
    for k, i in enumerate(indices):
        stack[k] = grey(recording[i])
    is_flat = len(stack) < MIN_PATTERN_FRAMES
    if is_flat:
        noise = float(np.median([flat_noise(f, level_step(f)) for f in stack]))
        shape = stack[0].shape
        nothing, even = np.zeros(shape, np.float32), np.full(shape, noise, np.float32)
        pattern = Pattern(nothing, even, np.ones(shape, np.bool_))
    else:
        pattern = estimate_pattern(stack, float(recording.white_level))
    transfer = measure_transfer(_freed(stack, FrameModel(pattern, PASSERS_CELL_PX, is_flat)))
    return FrameModel(pattern._replace(transfer=transfer), cell_px, is_flat)


def _freed(stack: NDArray[Any], model: FrameModel) -> Iterator[tuple[Image, Image]]:
    """Some of the frames in units of the noise of the model, and the background of each."""
    for k in spread_indices(0, len(stack), TRANSFER_FRAMES):
        scaled = model.scale(stack[k], 1)
        yield scaled.images[0] * scaled.relative_noise[0, 0], scaled.surface


def iterate_models(
    recording: Frames, cell_px: int, first_model: FrameModel
) -> Iterator[tuple[range, FrameModel]]:
    """Blocks of frames with the model of each, made when it is needed."""
    edges = block_edges(len(recording))
    for k in range(len(edges) - 1):
        frames = range(edges[k], edges[k + 1])
        if k == 0:
            yield frames, first_model
        else:
            yield frames, build_model(recording, frames.start, frames.stop, cell_px)

"""What is in a frame besides particles: fixed pattern, slow background, noise of each pixel."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

MAD_TO_SD = 1.4826
CLIP_SD = 3.0
# standard deviation of a normal variable clipped (not cut) at CLIP_SD, of standard deviation 1
CLIPPED_SD = 0.9960
CELL_SAMPLES = 8


class Pattern(NamedTuple):
    """What stands still in a stretch of the recording.

    Attributes
    ----------
    mean : ndarray of float32, (height, width)
        Fixed pattern, grey levels.
    noise : ndarray of float32, (height, width)
        Standard deviation of each pixel about it, grey levels.
    """

    mean: Image
    noise: Image


def spread_indices(first: int, stop: int, count: int) -> list[int]:
    """At most ``count`` frame numbers spread evenly over ``first <= i < stop``."""
    total = stop - first
    if total <= count:
        return list(range(first, stop))
    return [first + int((k + 0.5) * total / count) for k in range(count)]


def fit_level(frame: NDArray[Any], pattern: Image, noise: float) -> tuple[float, float]:
    """Offset and gain that bring the fixed pattern to the level of one frame.

    Parameters
    ----------
    frame, pattern : ndarray, (height, width)
        One frame and the fixed pattern, grey levels.
    noise : float
        Standard deviation of one pixel, grey levels.

    Returns
    -------
    tuple of float
        Offset (grey levels) and gain. The gain stays 1 where the pattern has too little
        contrast to tell it: then the offset alone follows a flickering lamp.
    """
    step = max(1, int(np.sqrt(frame.size / 20000)))
    f = frame[::step, ::step].astype(np.float64).ravel()
    p = pattern[::step, ::step].astype(np.float64).ravel()
    contrast = p - np.median(p)
    contrast_var = float(np.mean(contrast**2))
    if contrast_var < 0.25 * noise**2:
        contrast = np.zeros_like(p)
        contrast_var = 1.0
    difference = f - p
    offset, slope = float(np.median(difference)), 0.0
    for _ in range(3):
        rest = difference - offset - slope * contrast
        limit = CLIP_SD * max(MAD_TO_SD * float(np.median(np.abs(rest))), 0.5 * noise, 1e-9)
        rest = np.clip(rest, -limit, limit)
        slope += float(np.mean((contrast - contrast.mean()) * rest)) / contrast_var
        offset += float(np.mean(rest))
    # frame = pattern + offset + slope (pattern - median): written as offset' + gain pattern
    return offset - slope * float(np.median(p)), 1.0 + slope


def _clipped_moments(
    values: NDArray[np.float32], step: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation along the last axis, values far from the median held back.

    ``step`` is the distance of grey levels: the median absolute deviation of a camera with
    less noise than one level would else be 0.
    """
    median = np.median(values, axis=-1, keepdims=True)
    rest = values - median
    spread = MAD_TO_SD * np.median(np.abs(rest), axis=-1, keepdims=True) + 0.5 * step
    np.clip(rest, -CLIP_SD * spread, CLIP_SD * spread, out=rest)
    mean = rest.mean(axis=-1)
    sd = rest.std(axis=-1) / CLIPPED_SD
    return (median[..., 0] + mean).astype(np.float32), sd.astype(np.float32)


def estimate_pattern(stack: list[NDArray[Any]]) -> Pattern:
    """Fixed pattern and noise of each pixel from frames far apart in time.

    Parameters
    ----------
    stack : list of ndarray, (height, width)
        Frames in which a particle does not stay on a pixel for more than a third of them.

    Returns
    -------
    Pattern
        Temporal median, refined by the mean of what lies near it, and the spread about it;
        computed in blocks of rows to keep memory small.
    """
    height, width = stack[0].shape
    step = 1.0 if np.issubdtype(stack[0].dtype, np.integer) else 0.0
    reference = np.median(np.stack([f[::4, ::4] for f in stack]), axis=0).astype(np.float32)
    thin = [f[::4, ::4] for f in stack]
    noise = MAD_TO_SD * float(np.median([np.median(np.abs(f - reference)) for f in thin]))
    levels = [fit_level(f, reference, max(noise, 0.3 * step)) for f in thin]
    mean = np.empty((height, width), np.float32)
    sd = np.empty((height, width), np.float32)
    rows = max(1, 2_000_000 // (width * len(stack)))
    for top in range(0, height, rows):
        block = np.empty((min(rows, height - top), width, len(stack)), np.float32)
        for k, (frame, (offset, gain)) in enumerate(zip(stack, levels, strict=True)):
            block[..., k] = (frame[top : top + rows] - offset) / gain
        mean[top : top + rows], sd[top : top + rows] = _clipped_moments(block, step)
    # the mean takes one degree of freedom
    sd *= np.sqrt(len(stack) / max(len(stack) - 1, 1))
    return Pattern(mean, smooth_noise(sd, step))


def smooth_noise(sd: Image, step: float, width: int = 31) -> Image:
    """Noise map that is smooth but for single hot or blinking pixels.

    A pixel stands out only against the median of its 5 x 5 neighbours: a slow particle makes a
    whole patch vary, and must not be taken for noise that hides it.
    """
    floor = np.float32(max(0.29 * step, 1e-6 * float(sd.max(initial=0.0)), 1e-12))
    near = cv2.medianBlur(sd, 5)
    typical = np.float32(np.median(sd))
    capped = np.minimum(near, 2 * typical + floor)
    local = np.sqrt(cv2.blur(np.square(capped), (width, width), borderType=cv2.BORDER_REFLECT))
    hot = sd > 2 * np.maximum(near, local) + floor
    result: Image = np.maximum(np.where(hot, sd, local), floor)
    return result


def flat_noise(frame: NDArray[Any], step: float) -> float:
    """Noise of a single frame from differences of neighbouring pixels, grey levels."""
    f = frame.astype(np.float64)
    # second differences: a slope of the background drops out; variance 1 + 4 + 1
    second = (f[:, :-2] - 2 * f[:, 1:-1] + f[:, 2:]) / np.sqrt(6.0)
    _, sd = _clipped_moments(second.reshape(1, -1).astype(np.float32), step)
    return max(float(sd[0]), 0.29 * step, 1e-12)


def slow_background(residual: Image, cell_px: int) -> tuple[Image, NDArray[np.float32]]:
    """Background that is slow in space, and the samples' distance from it.

    Parameters
    ----------
    residual : ndarray of float32, (height, width)
        Frame minus fixed pattern.
    cell_px : int
        Size of the cells; wider than a spot, so that a spot cannot be taken for background.

    Returns
    -------
    tuple of ndarray
        The background, (height, width), and residuals of the samples, (cells, samples), both
        in grey levels. Each cell gives the mean of its samples, those far from their median
        held back; cells are smoothed and interpolated linearly.
    """
    height, width = residual.shape
    ny, nx = max(1, round(height / cell_px)), max(1, round(width / cell_px))
    n = CELL_SAMPLES
    rows = ((np.arange(ny * n) + 0.5) * height / (ny * n)).astype(np.intp)
    cols = ((np.arange(nx * n) + 0.5) * width / (nx * n)).astype(np.intp)
    blocks = residual[np.ix_(rows, cols)].reshape(ny, n, nx, n).transpose(0, 2, 1, 3)
    samples = blocks.reshape(ny, nx, n * n)
    median = np.median(samples, axis=-1)
    rest = samples - median[..., None]
    limit = 2.5 * MAD_TO_SD * float(np.median(np.abs(rest))) + 1e-6
    cells = median + np.clip(rest, -limit, limit).mean(axis=-1)
    grid = cv2.GaussianBlur(
        np.ascontiguousarray(cells, np.float32), (3, 3), 0.7, borderType=cv2.BORDER_REPLICATE
    )
    surface = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return surface, (samples - cells[..., None]).astype(np.float32)

"""What is in a frame besides particles: fixed pattern, slow background, noise of each pixel."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evsize.detection.scaling import Image, fit_level

MAD_TO_SD = 1.4826
CLIP_SD = 3.0
# standard deviation of a normal variable clipped (not cut) at CLIP_SD, of standard deviation 1
CLIPPED_SD = 0.9975


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


class Level:
    """Brings the fixed pattern to the level of a frame; holds what is needed for that.

    Parameters
    ----------
    pattern : ndarray of float32, (height, width)
        Fixed pattern, grey levels.
    step : int
        Every ``step``-th pixel is used.
    noise : float
        Standard deviation of one pixel, grey levels. Where the pattern has less contrast than
        a quarter of it, its gain stays 1: the offset alone follows a flickering lamp.
    """

    def __init__(self, pattern: Image, step: int, noise: float) -> None:
        self._step, self._noise = step, noise
        self._pattern = np.ascontiguousarray(pattern[::step, ::step])
        self._median = float(np.median(self._pattern))
        contrast = self._pattern - np.float32(self._median)
        if float(np.mean(np.square(contrast))) < (0.25 * noise) ** 2:
            contrast[:] = 0
        self._contrast = contrast

    def fit(self, frame: NDArray[Any]) -> tuple[float, float]:
        """Offset (grey levels) and gain of the pattern in one frame."""
        offset, slope = fit_level(frame, self._pattern, self._contrast, self._step, self._noise)
        return offset - slope * self._median, 1.0 + slope


def spread_indices(first: int, stop: int, count: int) -> list[int]:
    """At most ``count`` frame numbers spread evenly over ``first <= i < stop``."""
    total = stop - first
    if total <= count:
        return list(range(first, stop))
    return [first + int((k + 0.5) * total / count) for k in range(count)]


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
    level = Level(reference, 1, max(noise, 0.3 * step))
    levels = [level.fit(f) for f in thin]
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

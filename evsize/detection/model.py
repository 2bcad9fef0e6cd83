"""From a frame as read to one without background, in units of noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evsize.detection.background import (
    CLIPPED_SD,
    MAD_TO_SD,
    Image,
    Pattern,
    estimate_pattern,
    fit_level,
    flat_noise,
    slow_background,
    spread_indices,
)
from evsize.results import Frames

PATTERN_FRAMES = 50
BLOCK_FRAMES = 1000
MIN_PATTERN_FRAMES = 20


def grey(frame: Any) -> NDArray[Any]:
    """Return one frame as a plain array, real numbers in single precision at most."""
    array = np.asarray(frame)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def level_step(frame: NDArray[Any]) -> float:
    """Distance of grey levels: 1 for integers, 0 for real numbers."""
    return 0.0 if frame.dtype.kind == "f" else 1.0


class Scaled(NamedTuple):
    """A frame freed of its background.

    Attributes
    ----------
    image : ndarray of float32, (height, width)
        Spots positive, in units of the pixel noise.
    noise : ndarray of float32, (height, width) or (1, 1)
        Standard deviation of each pixel, grey levels.
    background : float
        Median grey level of the background.
    typical_noise : float
        Median of ``noise``.
    """

    image: Image
    noise: Image
    background: float
    typical_noise: float


class FrameModel(NamedTuple):
    """How the frames of one stretch are scaled.

    Attributes
    ----------
    pattern : Pattern or None
        Fixed pattern and noise of each pixel; None where the recording is too short to tell
        particles from what stands still.
    flat_noise : float
        Noise where there is no pattern, grey levels.
    cell_px : int
        Cells of the slow background.
    """

    pattern: Pattern | None
    flat_noise: float
    cell_px: int

    def scale(self, frame: NDArray[Any], sign: int) -> Scaled:
        """Subtract pattern and slow background, divide by the noise; ``frame`` is not changed."""
        level = 0.0
        if self.pattern is None:
            noise = np.full((1, 1), self.flat_noise, np.float32)
            residual = frame.astype(np.float32)
        else:
            noise = self.pattern.noise
            typical = float(np.median(noise[::4, ::4]))
            offset, gain = fit_level(frame, self.pattern.mean, typical)
            residual = frame - self.pattern.mean * np.float32(gain)
            residual -= np.float32(offset)
            level = offset + gain * float(np.median(self.pattern.mean[::4, ::4]))
        surface, samples = slow_background(residual, self.cell_px)
        residual -= surface
        typical = float(np.median(noise[::4, ::4]))
        factor = _noise_factor(samples, typical, level_step(frame))
        residual *= sign / (noise * np.float32(factor))
        return Scaled(
            residual,
            noise * np.float32(factor),
            level + float(np.median(surface[::8, ::8])),
            typical * factor,
        )


def _noise_factor(samples: NDArray[np.float32], typical: float, step: float) -> float:
    """Noise of this frame against that of the pattern, held to a factor of 2 either way."""
    rest = samples.ravel()
    spread = MAD_TO_SD * float(np.median(np.abs(rest))) + 0.5 * step
    clipped = np.clip(rest, -3 * spread, 3 * spread)
    own = float(clipped.std()) / CLIPPED_SD
    return float(np.clip(own / typical, 0.5, 2.0))


def block_edges(n_frames: int) -> list[int]:
    """First frames of the blocks that have a pattern each, and the end."""
    n_blocks = max(1, round(n_frames / BLOCK_FRAMES))
    return [k * n_frames // n_blocks for k in range(n_blocks + 1)]


def build_model(recording: Frames, first: int, stop: int, cell_px: int) -> FrameModel:
    """Model of the frames ``first <= i < stop`` from at most `PATTERN_FRAMES` of them."""
    stack = [grey(recording[i]) for i in spread_indices(first, stop, PATTERN_FRAMES)]
    if len(stack) < MIN_PATTERN_FRAMES:
        noise = float(np.median([flat_noise(f, level_step(f)) for f in stack]))
        return FrameModel(None, noise, cell_px)
    return FrameModel(estimate_pattern(stack), 0.0, cell_px)


def iterate_models(
    recording: Frames, cell_px: int, first_model: FrameModel
) -> Iterator[tuple[range, FrameModel]]:
    """Blocks of frames with the model of each; only one model is held at a time."""
    edges = block_edges(len(recording))
    for k in range(len(edges) - 1):
        frames = range(edges[k], edges[k + 1])
        if k == 0:
            yield frames, first_model._replace(cell_px=cell_px)
        else:
            yield frames, build_model(recording, frames.start, frames.stop, cell_px)

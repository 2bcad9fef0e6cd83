"""From a frame as read to one without background, in units of noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evsize.detection.background import (
    Level,
    Pattern,
    estimate_pattern,
    flat_noise,
    spread_indices,
)
from evsize.detection.scaling import Image, held_spread, sample_cells, scale_pixels
from evsize.results import Frames

PATTERN_FRAMES = 50
BLOCK_FRAMES = 1000
MIN_PATTERN_FRAMES = 20


def grey(frame: Any) -> NDArray[Any]:
    """Return one frame as a plain array of one of three types: fewer kernels to compile."""
    array = np.asarray(frame)
    if array.dtype not in (np.uint8, np.uint16):
        array = array.astype(np.float32)
    return np.require(array, requirements=["C", "W"])


def level_step(frame: NDArray[Any]) -> float:
    """Distance of grey levels: 1 for integers, 0 for real numbers."""
    return 0.0 if frame.dtype.kind == "f" else 1.0


class Scaled(NamedTuple):
    """A frame freed of its background.

    Attributes
    ----------
    image : ndarray of float32, (height, width)
        Spots positive, in units of the pixel noise.
    background : float
        Median grey level of the background.
    noise : float
        Typical noise of a pixel, grey levels.
    noise_factor : float
        Noise of this frame against that of the model.
    """

    image: Image
    background: float
    noise: float
    noise_factor: float


class FrameModel:
    """How the frames of one stretch of a recording are scaled.

    Parameters
    ----------
    pattern : Pattern
        Fixed pattern and noise of each pixel; zeros and one value where the recording is too
        short to tell particles from what stands still.
    cell_px : int
        Size of the cells of the slow background: wider than a spot, so that a spot cannot be
        taken for background.
    is_flat : bool
        Whether there is no fixed pattern.
    """

    def __init__(self, pattern: Pattern, cell_px: int, is_flat: bool) -> None:
        self.pattern, self.cell_px, self.is_flat = pattern, cell_px, is_flat
        height, width = pattern.mean.shape
        self.typical_noise = float(np.median(pattern.noise[::4, ::4]))
        self._per_noise = np.float32(1) / pattern.noise
        self._level = Level(
            pattern.mean, max(1, int(np.sqrt(height * width / 20000))), self.typical_noise
        )
        self._middle = float(np.median(pattern.mean[::4, ::4]))
        cells = max(1, round(height / cell_px)), max(1, round(width / cell_px))
        self._grid = np.empty(cells, np.float32)

    def with_cells(self, cell_px: int) -> FrameModel:
        """Return the same model with other cells."""
        return FrameModel(self.pattern, cell_px, self.is_flat)

    def scale(self, frame: NDArray[Any], sign: int) -> Scaled:
        """Subtract pattern and slow background, divide by the noise; ``frame`` is not changed."""
        mean, noise = self.pattern.mean, self.typical_noise
        level = (0.0, 1.0) if self.is_flat else self._level.fit(frame)
        rest = sample_cells(frame, mean, level, noise, self._grid)
        factor = held_spread(rest, noise) / noise
        image = np.empty(mean.shape, np.float32)
        scale_pixels(frame, mean, self._per_noise, level, self._grid, sign / factor, image)
        background = level[0] + level[1] * self._middle + float(np.median(self._grid))
        return Scaled(image, background, noise * factor, factor)


def block_edges(n_frames: int) -> list[int]:
    """First frames of the blocks that have a pattern each, and the end."""
    n_blocks = max(1, round(n_frames / BLOCK_FRAMES))
    return [k * n_frames // n_blocks for k in range(n_blocks + 1)]


def build_model(recording: Frames, first: int, stop: int, cell_px: int) -> FrameModel:
    """Model of the frames ``first <= i < stop`` from at most `PATTERN_FRAMES` of them."""
    stack = [grey(recording[i]) for i in spread_indices(first, stop, PATTERN_FRAMES)]
    if len(stack) < MIN_PATTERN_FRAMES:
        noise = float(np.median([flat_noise(f, level_step(f)) for f in stack]))
        shape = stack[0].shape
        flat = Pattern(np.zeros(shape, np.float32), np.full(shape, noise, np.float32))
        return FrameModel(flat, cell_px, is_flat=True)
    return FrameModel(estimate_pattern(stack), cell_px, is_flat=False)


def iterate_models(
    recording: Frames, cell_px: int, first_model: FrameModel
) -> Iterator[tuple[range, FrameModel]]:
    """Blocks of frames with the model of each; only one model is held at a time."""
    edges = block_edges(len(recording))
    for k in range(len(edges) - 1):
        frames = range(edges[k], edges[k + 1])
        if k == 0:
            yield frames, first_model.with_cells(cell_px)
        else:
            yield frames, build_model(recording, frames.start, frames.stop, cell_px)

"""From a frame as read to one without background, in units of noise."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evsize.detection.median import quick_median
from evsize.detection.scaling import (
    BIN_PX,
    Image,
    fit_level,
    fit_slope,
    halve,
    held_spread,
    sample_cells,
    scale_pixels,
    subtract_surface,
)
from evsize.detection.slow import slow_surface
from evsize.detection.transfer import Transfer

LEVEL_PIXELS = 10000

STANDS_OUT = 3.0
MOST_STANDING_OUT = 1500
FEWEST_STANDING_OUT = 50


def grey(frame: Any) -> NDArray[Any]:
    """Return one frame as a plain array of one of three types: fewer kernels to compile."""
    array = np.asarray(frame)
    if array.dtype not in (np.uint8, np.uint16):
        array = array.astype(np.float32)
    return np.require(array, requirements=["C", "W"])


def level_step(frame: NDArray[Any]) -> float:
    """Distance of grey levels: 1 for integers, 0 for real numbers."""
    return 0.0 if frame.dtype.kind == "f" else 1.0


class Pattern(NamedTuple):
    """What stands still in a stretch of the recording.

    Attributes
    ----------
    mean : ndarray of float32, (height, width)
        Fixed pattern, grey levels.
    noise : ndarray of float32, (height, width)
        Standard deviation of each pixel about it, grey levels.
    fixed : ndarray of bool, (height, width)
        Pixels whose level is known to be fixed: only they tell the gain of a frame.
    transfer : Transfer
        How the noise grows with a background that lies over the pattern.
    """

    mean: Image
    noise: Image
    fixed: NDArray[np.bool_]
    transfer: Transfer = Transfer()


class Level:
    """Brings the fixed pattern to the level of a frame; holds what is needed for that.

    Parameters
    ----------
    pattern : ndarray of float32, (height, width)
        Fixed pattern, grey levels.
    fixed : ndarray of bool, (height, width)
        Pixels that tell the gain. What slow particles leave in a pattern must not: it is there in
        some frames and not in others, and gains of up to 30 blew up the pattern's own noise.
    step : int
        Every ``step``-th pixel is used.
    noise : float
        Standard deviation of one pixel, grey levels. Where the pattern has less contrast than
        a quarter of it, its gain stays 1: the offset alone follows a flickering lamp.
    """

    def __init__(self, pattern: Image, fixed: NDArray[np.bool_], step: int, noise: float) -> None:
        self._step, self._noise = step, noise
        self._pattern = np.ascontiguousarray(pattern[::step, ::step])
        self._median = quick_median(self._pattern)
        usable = fixed[::step, ::step]
        contrast = np.where(usable, self._pattern - np.float32(self._median), np.float32(0))
        if float(np.mean(np.square(contrast))) < (0.25 * noise) ** 2:
            contrast[:] = 0
        else:
            contrast[~usable] = contrast[usable].mean()  # no weight in the fit of the slope
        self._contrast, self._mean_contrast = contrast, float(contrast.mean())
        self._places, self._known = self._standing_out(pattern, fixed)

    def _standing_out(
        self, pattern: Image, fixed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], tuple[Image, Image]]:
        """Pixels in which the pattern stands out most: places, level, level about the median.

        Few pixels hold specks of dust, and each `step`-th of these would leave the gain, hence
        the middle of each speck, uncertain by several noises.
        """
        contrast = pattern - np.float32(self._median)
        strength = np.where(fixed, np.abs(contrast), 0).ravel()
        most = min(MOST_STANDING_OUT, strength.size)
        chosen = np.argpartition(strength, strength.size - most)[-most:]
        chosen = np.sort(chosen[strength[chosen] > STANDS_OUT * self._noise])
        places = np.asarray(np.unravel_index(chosen, pattern.shape), np.int64)
        return places, (pattern.ravel()[chosen], contrast.ravel()[chosen])

    def fit(self, frame: NDArray[Any]) -> tuple[float, float]:
        """Offset (grey levels) and gain of the pattern in one frame."""
        offset, slope = fit_level(frame, self._pattern, self._contrast, self._step, self._noise)
        if self._places.shape[1] >= FEWEST_STANDING_OUT:
            centre = offset + slope * self._mean_contrast
            for _ in range(2):
                slope = fit_slope(frame, self._places, self._known, offset)
                offset = centre - slope * self._mean_contrast
        return offset - slope * self._median, 1.0 + slope


class Scaled(NamedTuple):
    """A frame freed of its background.

    Attributes
    ----------
    images : tuple of ndarray of float32
        The frame, spots positive, in units of the pixel noise; then the frame two and four times
        smaller, pixels averaged and again in units of their noise.
    background : float
        Median grey level of the background.
    noise : float
        Typical noise of a pixel, grey levels.
    surface : ndarray of float32, (height // `BIN_PX`, width // `BIN_PX`)
        Background above the pattern, in units of the noise of the model.
    relative_noise : ndarray of float32, as ``surface``
        Noise of this frame against that of the model.
    """

    images: tuple[Image, Image, Image]
    background: float
    noise: float
    surface: Image
    relative_noise: Image

    def noise_at(self, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> NDArray[np.float64]:
        """Noise at pixels of this frame against that of the model."""
        down, across = self.relative_noise.shape
        i, j = np.minimum(rows // BIN_PX, down - 1), np.minimum(cols // BIN_PX, across - 1)
        return np.asarray(self.relative_noise[i, j], np.float64)


def frame_buffers(shape: tuple[int, ...]) -> tuple[Image, Image, Image]:
    """Memory for a frame, and for the same two and four times smaller."""
    full, half, quarter = ([max(1, n // k) for n in shape] for k in (1, 2, 4))
    return np.zeros(full, np.float32), np.zeros(half, np.float32), np.zeros(quarter, np.float32)


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
        self.typical_noise = quick_median(pattern.noise[::4, ::4])
        self._per_noise = np.float32(1) / pattern.noise
        step = max(1, int(np.sqrt(height * width / LEVEL_PIXELS)))
        self._level = Level(pattern.mean, pattern.fixed, step, self.typical_noise)
        self._middle = quick_median(pattern.mean[::4, ::4])
        self._cells = [max(1, round(n / cell_px / 1.5)) for n in (height, width)]

    def with_cells(self, cell_px: int) -> FrameModel:
        """Return the same model with other cells."""
        return FrameModel(self.pattern, cell_px, self.is_flat)

    def scale(
        self, frame: NDArray[Any], sign: int, buffers: tuple[Image, Image, Image] | None = None
    ) -> Scaled:
        """Subtract pattern and slow background, divide by the noise; ``frame`` is not changed.

        ``buffers`` receive the images where they are given (`frame_buffers`): fresh memory for
        each frame costs as much as the arithmetic.
        """
        mean, noise = self.pattern.mean, self.typical_noise
        level = (0.0, 1.0) if self.is_flat else self._level.fit(frame)
        image, half, quarter = buffers or frame_buffers(mean.shape)
        bins = np.empty([max(1, n // BIN_PX) for n in mean.shape], np.float32)
        grid = np.empty(self._cells, np.float32)
        scale_pixels(frame, mean, self._per_noise, level, image, bins)
        sample_cells(image, grid)
        surface = slow_surface(bins, grid, self.cell_px, sign)
        local = self.pattern.transfer.noise(surface)
        local *= np.float32(held_spread(_samples(image, surface, local), 1.0))
        wide = [_widen(each, mean.shape[1]) for each in (surface, np.float32(sign) / local)]
        subtract_surface(image, *wide, half)
        halve(half, quarter)
        middle = level[0] + level[1] * self._middle
        background = middle + noise * quick_median(grid)
        typical = noise * quick_median(local)
        return Scaled((image, half, quarter), background, typical, surface, local)


def _widen(image: Image, width: int) -> Image:
    """Interpolate an image linearly along its rows."""
    wide: Image = cv2.resize(image, (width, len(image)), interpolation=cv2.INTER_LINEAR)
    return wide


def _samples(image: Image, surface: Image, noise: Image) -> Image:
    """The middle pixel of each bin, without its background and in units of its noise."""
    middle = min(BIN_PX, *image.shape) // 2
    rows, cols = surface.shape
    values = image[middle::BIN_PX, middle::BIN_PX][:rows, :cols]
    return np.ascontiguousarray((values - surface) / noise).ravel()

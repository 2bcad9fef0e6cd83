"""Where slow particles stay so long that they look like a fixed pattern."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evsize.detection.filtering import MAD_TO_SD
from evsize.detection.median import quick_median
from evsize.detection.scaling import Image

SHRINK = 4
WIDE_CELLS = 12
MOST_OF_FIELD = 0.95
NARROWEST_FILL = 8
SMOOTHINGS = 30
VISIBLE = 2.0
"""Noises by which a pixel has to vary."""


def visited(stack: NDArray[Any], white_level: float) -> NDArray[np.bool_]:
    """Pixels whose level follows a slow particle.

    Parameters
    ----------
    stack : ndarray, (frames, height, width)
        Frames far apart in time, grey levels.
    white_level : float
        Level at which a pixel is saturated.

    Returns
    -------
    ndarray of bool, (height, width)
        What is fixed varies from frame to frame by noise alone, a particle that passes fast by
        single frames; a slow one makes each frame like the one before. Its pixels vary by more
        than noise, and the ratio of von Neumann, Ann. Math. Statist. 12, 367 (1941), 1 for white
        noise with a standard error of 1/sqrt(frames), is low. Tried on pixels `SHRINK` times
        larger: a defocused particle hardly shows in a single one. All false where they would be
        more than `MOST_OF_FIELD`: then it is the light that changes.
    """
    n, height, width = stack.shape
    size = max(width // SHRINK, 1), max(height // SHRINK, 1)
    cells = np.empty((n, size[1], size[0]), np.float32)
    for k in range(n):
        small = cv2.resize(stack[k].astype(np.float32), size, interpolation=cv2.INTER_AREA)
        cells[k] = small - _slow(small)
    noise = MAD_TO_SD * quick_median(np.abs(np.diff(cells, axis=0))) / np.sqrt(2.0)
    cells -= cells.mean(axis=0)
    change = np.diff(cells, axis=0)
    total = np.square(cells).sum(axis=0)
    slow = 0.5 * np.square(change).sum(axis=0) < (1.0 - 4.0 / np.sqrt(n)) * total
    mask = (slow & (total > VISIBLE**2 * n * noise**2)).astype(np.uint8)
    mask = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    full: NDArray[np.bool_] = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 0
    full |= np.mean(stack >= white_level, axis=0) > 0.5
    if float(full.mean()) > MOST_OF_FIELD:
        return np.zeros((height, width), np.bool_)
    return full


def _slow(image: Image) -> Image:
    """Background that is smooth over `WIDE_CELLS`: medians of blocks, interpolated."""
    height, width = image.shape
    rows, cols = -(-height // WIDE_CELLS), -(-width // WIDE_CELLS)
    beyond = (0, rows * WIDE_CELLS - height), (0, cols * WIDE_CELLS - width)
    blocks = np.pad(image, beyond, mode="edge").reshape(rows, WIDE_CELLS, cols, WIDE_CELLS)
    grid = np.median(blocks, axis=(1, 3))
    size = cols * WIDE_CELLS, rows * WIDE_CELLS
    surface: Image = cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)[:height, :width]
    return surface


def fill(image: Image, holes: NDArray[np.bool_]) -> Image:
    """Replace the pixels of holes by what leads smoothly from one side to the other."""
    filled = image.copy()
    weight = (~holes).astype(np.float32)
    width, left = NARROWEST_FILL, holes.copy()
    while left.any() and width < 2 * max(image.shape):
        box = (2 * width + 1, 2 * width + 1)
        share = cv2.blur(weight, box)
        mean = cv2.blur(image * weight, box) / np.maximum(share, 1e-6)
        known = left & (share > 0.1)
        filled[known] = mean[known]
        left &= ~known
        width *= 2
    for _ in range(SMOOTHINGS):
        filled[holes] = cv2.blur(filled, (9, 9))[holes]
    return filled

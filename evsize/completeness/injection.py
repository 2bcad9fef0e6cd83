"""Simulated particles laid on the recording's own frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evsize.completeness.optics import Optics
from evsize.simulation.kernels import add_gaussian_spots, spot_reach_px

Floats = NDArray[np.float64]

MARGIN_SD = 4.0
"""Distance beyond the image to which particles are simulated, in spot widths and steps."""
FAINTEST = 1.0
"""Particles that give less light than so many noises of a spot are not drawn: their SNR is below
0.15."""
PARTS = (4, 16)
"""Fewest and most parts of an exposure."""


@dataclass(frozen=True)
class Particles:
    """Particles to be laid on a stretch of frames, one array element each.

    Attributes
    ----------
    diameter_nm, brightness : ndarray, (n,)
        Brightness is the sum over the spot in focus and sheet centre, grey levels.
    d_um2_s : ndarray, (n,)
        Diffusion coefficient.
    start : ndarray, (n, 3)
        Where each starts within its box, along x, y and depth, 0 to 1.
    half_um : ndarray, (n,)
        Half height of its box, whose top and bottom reflect.
    """

    diameter_nm: Floats
    brightness: Floats
    d_um2_s: Floats
    start: Floats
    half_um: Floats


@dataclass(frozen=True)
class Camera:
    """How light becomes grey levels.

    Attributes
    ----------
    sign : int
        +1 where particles are bright, -1 where they are dark.
    electrons_per_level : float
        Photo-electrons of a grey level.
    white_level : float
        Highest grey level.
    """

    sign: int
    electrons_per_level: float
    white_level: float


@dataclass(frozen=True)
class Stage:
    """Where and when the particles move.

    Attributes
    ----------
    size_um : (float, float)
        Width and height of the image.
    margin_um : float
        By which the box is larger than the image on each side.
    pixel_um, interval_s, open_s : float
        Pixel size, time from frame to frame, exposure.
    """

    size_um: tuple[float, float]
    margin_um: float
    pixel_um: float
    interval_s: float
    open_s: float


def move(
    particles: Particles, stage: Stage, flow_um: Floats, n_parts: int, rng: np.random.Generator
) -> Floats:
    """Positions averaged over each part of each exposure, (frames, n, parts, 3), um.

    Parameters
    ----------
    particles : Particles
        What moves.
    stage : Stage
        Where.
    flow_um : ndarray, (frames, 2)
        Displacement by the flow over each frame interval.
    n_parts : int
        Parts of the exposure.
    rng : Generator
        Draws the paths.

    Notes
    -----
    The average of a Brownian path over a part of length t that leads from a to b is normal with
    mean (a + b)/2 and variance D t / 6. The box is periodic in x and y, outside the image.
    """
    n, n_frames = len(particles.diameter_nm), len(flow_um)
    part_s, shut_s = stage.open_s / n_parts, max(stage.interval_s - stage.open_s, 0.0)
    two_d = 2 * particles.d_um2_s[None, :, None, None]
    moves = np.sqrt(two_d * part_s) * rng.standard_normal((n_frames, n, n_parts, 3))
    rest = np.sqrt(two_d[:, :, 0] * shut_s) * rng.standard_normal((n_frames, n, 3))
    bridge = np.sqrt(two_d * part_s / 12) * rng.standard_normal((n_frames, n, n_parts, 3))
    total = moves.sum(axis=2) + rest
    total[:, :, :2] += flow_um[:, None, :]
    length = np.array([stage.size_um[0], stage.size_um[1]]) + 2 * stage.margin_um
    origin = np.empty((n, 3))
    origin[:, :2] = particles.start[:, :2] * length - stage.margin_um
    origin[:, 2] = (2 * particles.start[:, 2] - 1) * particles.half_um
    begin = origin + np.cumsum(total, axis=0) - total
    path = begin[:, :, None, :] + np.cumsum(moves, axis=2) - moves / 2 + bridge
    share = (np.arange(n_parts) + 0.5) / n_parts * stage.open_s / stage.interval_s
    path[..., :2] += flow_um[:, None, None, :] * share[:, None]
    # whole exposures are moved back into the box, never parts of one
    turns = np.floor((path[..., :2].mean(axis=2) + stage.margin_um) / length)
    path[..., :2] -= (turns * length)[:, :, None, :]
    half = particles.half_um[None, :, None]
    path[..., 2] = np.abs((path[..., 2] - half) % (4 * half) - 2 * half) - half
    return np.asarray(path)


def lay_on(
    frame: NDArray[Any],
    path_um: Floats,
    particles: Particles,
    optics: Optics,
    stage: Stage,
    camera: Camera,
    rng: np.random.Generator,
    light: Floats | None = None,
) -> NDArray[Any]:
    """Return a frame with the particles' light added to it; the frame is not changed.

    Parameters
    ----------
    frame : ndarray, (height, width)
        As read.
    path_um : ndarray, (n, parts, 3)
        From `move`.
    particles, optics, stage, camera
        What is drawn, how and onto what.
    rng : Generator
        Draws the photon noise of the added light.
    light : ndarray, (height, width), optional
        Zeros to work in, and zeros again afterwards: to fetch fresh memory for each frame takes
        longer than to draw.

    Returns
    -------
    ndarray, (height, width)
        8 or 16 bits as the frame, else float32.
    """
    n_parts = path_um.shape[1]
    z_um = path_um[..., 2]
    each = particles.brightness[:, None] / n_parts * np.exp(optics.log_light(z_um))
    within = particles.d_um2_s * stage.open_s / n_parts / 3 / stage.pixel_um**2
    # the pixel's own width, 1/12, comes with the drawing
    variance = np.maximum(optics.variance_px2(z_um) - 1 / 12, 0.04)
    sd_px = np.sqrt(variance + within[:, None])
    seen = each.sum(axis=1) > FAINTEST * optics.noise
    xy_px, sd_px, each = path_um[seen, :, :2] / stage.pixel_um, sd_px[seen], each[seen]
    light = np.zeros(frame.shape) if light is None else light
    add_gaussian_spots(
        light, xy_px[..., 0].ravel(), xy_px[..., 1].ravel(), sd_px.ravel(), each.ravel()
    )
    # of three types, for which the loop over the pixels is compiled
    result = frame.astype(frame.dtype if frame.dtype in (np.uint8, np.uint16) else np.float32)
    boxes = _boxes(xy_px, spot_reach_px(sd_px, each)[..., None], frame.shape)
    whole = frame.dtype.kind in "iu"
    normal, uniform = _chances(boxes, whole, rng)
    numbers = (float(camera.sign), camera.electrons_per_level, camera.white_level)
    _expose(result, light, boxes, normal, uniform, numbers)
    return result


def _boxes(xy_px: Floats, reach_px: Floats, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Parts of an image that hold the spots: first and last row, first and last column, (n, 4)."""
    low = np.ceil((xy_px - reach_px).min(axis=1))
    high = np.floor((xy_px + reach_px).max(axis=1)) + 1
    rows, cols = (np.clip([low[:, k], high[:, k]], 0, shape[1 - k]) for k in (1, 0))
    return np.column_stack([*rows, *cols]).astype(np.int64)


def _chances(
    boxes: NDArray[np.int64], whole: bool, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Normal numbers, and uniform ones where levels are whole, for all pixels of the boxes."""
    sizes = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    normal, uniform = np.empty(ends[-1]), np.empty(ends[-1] if whole else 0)
    for first, last in pairwise(ends):
        rng.standard_normal(out=normal[first:last])
        if whole:
            rng.random(out=uniform[first:last])
    return normal, uniform


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _expose(
    frame: NDArray[Any],
    light: Floats,
    boxes: NDArray[np.int64],
    normal: Floats,
    uniform: Floats,
    camera: tuple[float, float, float],
) -> None:
    """Add light with its photon noise to a frame, box by box, and use it up; both in place.

    ``camera`` is its sign, electrons and white level. Where there are ``uniform`` numbers, levels
    are rounded by chance: those of the frame are whole already, and to the nearest one the faint
    skirts of a spot would be rounded away.
    """
    sign, electrons, white = camera
    n = 0
    for k in range(len(boxes)):
        for y in range(boxes[k, 0], boxes[k, 1]):
            for x in range(boxes[k, 2], boxes[k, 3]):
                if light[y, x] > 0.0:
                    noise = math.sqrt(light[y, x] / electrons) * normal[n]
                    level = frame[y, x] + sign * (light[y, x] + noise)
                    if len(uniform) > 0:
                        level = min(max(math.floor(level + uniform[n]), 0.0), white)
                    frame[y, x] = level
                    light[y, x] = 0.0
                n += 1


def parts(fastest_um2_s: float, focus_px2: float, stage: Stage) -> int:
    """Parts of the exposure in which the fastest particle moves less than a spot is wide."""
    step2_px2 = 2 * fastest_um2_s * stage.open_s / stage.pixel_um**2
    return int(np.clip(np.ceil(step2_px2 / (0.5 * focus_px2)), *PARTS)) if stage.open_s else 1

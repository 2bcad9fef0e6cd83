"""Simulated particles laid on the recording's own frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.completeness.optics import Optics
from evsize.simulation.kernels import add_gaussian_spots

Floats = NDArray[np.float64]

MARGIN_SD = 4.0
"""Distance beyond the image to which particles are simulated, in spot widths and steps."""
FAINTEST = 0.05
"""Particles that give less light than so many noises of a spot are not drawn."""
SPOT_REACH_SD = 5.5
"""Where a drawn spot ends at the latest (`evsize.simulation.kernels`)."""
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
    """
    n_parts = path_um.shape[1]
    z_um = path_um[..., 2]
    light = particles.brightness[:, None] / n_parts * np.exp(optics.log_light(z_um))
    within = particles.d_um2_s * stage.open_s / n_parts / 3 / stage.pixel_um**2
    # the pixel's own width, 1/12, comes with the drawing
    variance = np.maximum(optics.variance_px2(z_um) - 1 / 12, 0.04)
    sd_px = np.sqrt(variance + within[:, None])
    seen = light.sum(axis=1) > FAINTEST * optics.noise
    xy_px, sd_px, light = path_um[seen, :, :2] / stage.pixel_um, sd_px[seen], light[seen]
    added = np.zeros(frame.shape)
    add_gaussian_spots(
        added, xy_px[..., 0].ravel(), xy_px[..., 1].ravel(), sd_px.ravel(), light.ravel()
    )
    result = np.array(frame)
    for place, width in zip(xy_px, sd_px.max(axis=1), strict=True):
        box = _around(place, width, frame.shape)
        _expose(result[box], added[box], camera, rng)
    return result


def _around(place_px: Floats, sd_px: float, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Part of an image that holds a spot."""
    low = np.floor(place_px.min(axis=0) - SPOT_REACH_SD * sd_px - 1)
    high = np.ceil(place_px.max(axis=0) + SPOT_REACH_SD * sd_px + 2)
    (x0, y0), (x1, y1) = (np.maximum(corner, 0).astype(int) for corner in (low, high))
    return slice(min(y0, shape[0]), min(y1, shape[0])), slice(min(x0, shape[1]), min(x1, shape[1]))


def _expose(part: NDArray[Any], light: Floats, camera: Camera, rng: np.random.Generator) -> None:
    """Add light with its photon noise to a part of a frame, and use it up; both in place."""
    noise = np.sqrt(light / camera.electrons_per_level) * rng.standard_normal(light.shape)
    level = part + camera.sign * (light + noise)
    if part.dtype.kind in "iu":
        # rounded by chance: the frame's levels are whole already, and to the nearest one the faint
        # skirts of a spot would be rounded away
        level = np.clip(np.floor(level + rng.random(light.shape)), 0, camera.white_level)
    part[:] = level
    light[:] = 0


def parts(fastest_um2_s: float, focus_px2: float, stage: Stage) -> int:
    """Parts of the exposure in which the fastest particle moves less than a spot is wide."""
    step2_px2 = 2 * fastest_um2_s * stage.open_s / stage.pixel_um**2
    return int(np.clip(np.ceil(step2_px2 / (0.5 * focus_px2)), *PARTS)) if stage.open_s else 1

"""A simulated recording: frames with their truth, streamed, in memory or to files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.errors import UsageError
from evsize.results import Floats, Progress
from evsize.simulation.particles import Particles, Paths
from evsize.simulation.rendering import (
    NEGLIGIBLE_E,
    Backdrop,
    Sensor,
    SpotRenderer,
    part_electrons,
)
from evsize.simulation.scene import Scene
from evsize.tables import Column, Schema

TRUTH = Schema(
    "truth",
    (
        Column("particle_id", "int64", "", "number of the particle, from 0"),
        Column("frame", "int64", "", "frame number, from 0"),
        Column("x_px", "float32", "px", "column, averaged over the exposure"),
        Column("y_px", "float32", "px", "row, averaged over the exposure"),
        Column("z_um", "float32", "um", "distance from the focal plane, averaged"),
        Column("diameter_nm", "float32", "nm", "hydrodynamic diameter"),
        Column("photons", "float32", "electrons", "expected electrons over the whole spot"),
    ),
)
TRUTH_PARTICLES = Schema(
    "truth_particles",
    (
        Column("particle_id", "int64", "", "number of the particle, from 0"),
        Column("diameter_nm", "float64", "nm", "hydrodynamic diameter"),
        Column("frames_in_view", "int64", "", "frames with its centre in the image"),
    ),
)
NEAR_VIEW_PX = 10.0
"""Particles this far outside the image are still written to the truth."""

Frame = NDArray[Any]


@dataclass(frozen=True)
class SimulatedRecording:
    """A recording that is computed while it is read; constant memory.

    Attributes
    ----------
    scene : Scene
        What is recorded.
    n_frames : int
        Its length.
    seed : int
        Same scene and seed, same bytes.
    """

    scene: Scene
    n_frames: int
    seed: int

    def __post_init__(self) -> None:
        if self.n_frames < 1 or self.seed < 0:
            raise UsageError(
                f"a simulation of {self.n_frames} frames with seed {self.seed}",
                "at least one frame and a seed of 0 or more",
            )

    def __len__(self) -> int:
        return self.n_frames

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.scene.height_px, self.scene.width_px

    def iter_frames(self) -> Iterator[tuple[Frame, pd.DataFrame]]:
        """Yield each frame with its truth (schema `TRUTH`), from the first to the last.

        A particle has a row in a frame when its mean position is in the image or within
        `NEAR_VIEW_PX` of it, and it either lies between the 1/e^2 points of the sheet or is drawn
        (its brightest pixel expects at least `NEGLIGIBLE_E` electrons).
        """
        film = _Film(self.scene, self.seed)
        for frame in range(self.n_frames):
            yield film.take(frame)

    def write(
        self,
        folder: str | Path,
        name: str,
        *,
        overwrite: bool = False,
        compression_level: int = 4,
        progress: Progress | None = None,
    ) -> Path:
        """Write the TIFF with its sidecar and truth; see `evsize.simulation.files`."""
        from evsize.simulation.files import write_recording  # noqa: PLC0415 - file libraries

        return write_recording(
            self,
            folder,
            name,
            overwrite=overwrite,
            compression_level=compression_level,
            progress=progress,
        )


def simulate(scene: Scene, n_frames: int, seed: int) -> SimulatedRecording:
    """Simulate a recording.

    Parameters
    ----------
    scene : Scene
        What is recorded.
    n_frames : int
        Number of frames.
    seed : int
        Seed of every random number.

    Returns
    -------
    SimulatedRecording
        Nothing is computed until its frames are asked for.
    """
    return SimulatedRecording(scene, n_frames, seed)


def in_memory(scene: Scene, n_frames: int, seed: int) -> tuple[Frame, pd.DataFrame]:
    """Simulate a short recording at once.

    Parameters
    ----------
    scene : Scene
        What is filmed, and how.
    n_frames : int
        Number of frames.
    seed : int
        Same seed, same recording.

    Returns
    -------
    frames : ndarray, (frames, height, width)
        Grey levels.
    truth : DataFrame
        Schema `TRUTH`.
    """
    frames, truth = zip(*simulate(scene, n_frames, seed).iter_frames(), strict=True)
    return np.stack(frames), pd.concat(truth, ignore_index=True)


class _Film:
    """The state of a recording in the making."""

    def __init__(self, scene: Scene, seed: int) -> None:
        # Independent streams: the noise of the camera does not change the paths.
        path_seed, backdrop_seed, noise_seed = np.random.SeedSequence(seed).spawn(3)
        self.scene = scene
        self.particles = Particles(scene, np.random.default_rng(path_seed))
        self.backdrop_rng = np.random.default_rng(backdrop_seed)
        self.backdrop = Backdrop(scene, self.backdrop_rng)
        self.noise_rng = np.random.default_rng(noise_seed)
        self.renderer, self.sensor = SpotRenderer(scene), Sensor(scene)
        self.next_identity = 0

    def take(self, frame: int) -> tuple[Frame, pd.DataFrame]:
        """Take the next frame."""
        scene, trouble = self.scene, self.scene.disturbances
        if frame in trouble.scene_cuts:
            self.particles.scatter_anew()
        for at, x_um, y_um in trouble.stage_jumps:
            if at == frame:
                self.particles.shift(x_um, y_um)
        time_s = frame / scene.frame_rate_hz
        power = self.backdrop.laser_power(time_s, self.backdrop_rng)
        paths = self.particles.expose(time_s)
        electrons = part_electrons(scene, self.particles.brightness, paths, power)
        image = self.backdrop.image(time_s, power)
        drawn = self._draw(image, paths, electrons)
        truth = self._truth(frame, paths, electrons, drawn)
        self.particles.settle()
        return self.sensor.expose(image, self.noise_rng), truth

    def _draw(self, image: Floats, paths: Paths, electrons: Floats) -> NDArray[np.bool_]:
        """Add the particles that matter to the image; say which they were."""
        z_um = paths.xyz_um[:, :, 2]
        peak_e = np.sum(electrons * self.renderer.peak_share(z_um), axis=1)
        drawn = np.asarray(peak_e >= NEGLIGIBLE_E)
        pixel_um = self.scene.pixel_size_um
        self.renderer.add(
            image,
            paths.xyz_um[drawn, :, :2] / pixel_um,
            z_um[drawn],
            electrons[drawn],
            paths.spread_um2[drawn] / pixel_um**2,
        )
        return drawn

    def _truth(
        self, frame: int, paths: Paths, electrons: Floats, drawn: NDArray[np.bool_]
    ) -> pd.DataFrame:
        mean_um = paths.xyz_um.mean(axis=1)
        xy_px = mean_um[:, :2] / self.scene.pixel_size_um
        size_px = np.array([self.scene.width_px, self.scene.height_px])
        near = np.all((xy_px > -NEAR_VIEW_PX) & (xy_px < size_px - 1 + NEAR_VIEW_PX), axis=1)
        lit = np.abs(mean_um[:, 2]) <= self.scene.beam_radius_um
        rows = np.flatnonzero(near & (lit | drawn))
        identity = self.particles.identity
        new = rows[identity[rows] < 0]
        identity[new] = self.next_identity + np.arange(len(new))
        self.next_identity += len(new)
        return TRUTH.build(
            particle_id=identity[rows],
            frame=np.full(len(rows), frame),
            x_px=xy_px[rows, 0],
            y_px=xy_px[rows, 1],
            z_um=mean_um[rows, 2],
            diameter_nm=self.particles.diameter_nm[rows],
            photons=electrons[rows].sum(axis=1),
        )

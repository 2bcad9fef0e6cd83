"""Spots of simulated films without pictures, and figures of their links."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.results import Detections
from evsize.simulation import Scene
from evsize.simulation.particles import Particles
from evsize.tables import DETECTIONS, FRAMES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def true_spots(
    scene: Scene, n_frames: int, seed: int, shear: float = 0.0
) -> tuple[Ints, Floats, Ints]:
    """Frame, position averaged over the exposure (um) and identity of all particles in view.

    Who is drawn is decided by the sheet alone: |z| within the 1/e^2 points. Scene cuts and stage
    jumps are made as the simulated camera makes them. ``shear`` is what the flow along x gains
    over a frame with each um of y from the centre, in um.
    """
    # the average over the exposure is exact for any number of parts: one is the quickest
    particles = Particles(scene.changed(substeps=1), np.random.default_rng(seed))
    size_um = np.array([scene.width_px, scene.height_px]) * scene.pixel_size_um
    frames, places, names = [], [], []
    following = 0
    for frame in range(n_frames):
        if frame in scene.disturbances.scene_cuts:
            particles.scatter_anew()
        for at, x_um, y_um in scene.disturbances.stage_jumps:
            if at == frame:
                particles.shift(x_um, y_um)
        mean = particles.expose(frame / scene.frame_rate_hz).xyz_um.mean(axis=1)
        xy = mean[:, :2] + scene.pixel_size_um / 2
        seen = np.flatnonzero(
            np.all((xy > 0) & (xy < size_um), axis=1) & (np.abs(mean[:, 2]) < scene.beam_radius_um)
        )
        new = seen[particles.identity[seen] < 0]
        particles.identity[new] = following + np.arange(len(new))
        following += len(new)
        frames.append(np.full(len(seen), frame))
        places.append(mean[seen, :2])
        particles._xy_um[:, 0] += shear * (particles._xy_um[:, 1] - size_um[1] / 2)
        names.append(particles.identity[seen])
        particles.settle()
    return np.concatenate(frames), np.concatenate(places), np.concatenate(names)


def as_detections(scene: Scene, n_frames: int, frame: Ints, xy_um: Floats) -> Detections:
    """The spots as the detection stage would hand them on, with little noise."""
    n = len(frame)
    blank = np.zeros(n_frames)
    table = DETECTIONS.build(
        frame=frame,
        x_px=xy_um[:, 0] / scene.pixel_size_um,
        y_px=xy_um[:, 1] / scene.pixel_size_um,
        loc_se_px=np.full(n, 0.01),
        brightness=np.full(n, 1e3),
        snr=np.full(n, 20.0),
        flags=np.zeros(n),
    )
    frames = FRAMES.build(
        frame=np.arange(n_frames),
        t_s=np.arange(n_frames) / scene.frame_rate_hz,
        detections=np.bincount(frame, minlength=n_frames),
        false_detections=blank,
        background=blank,
        noise=blank,
        flow_x_um_s=blank * np.nan,
        flow_y_um_s=blank * np.nan,
        flags=blank,
    )
    return Detections(table, frames, scene.height_px, scene.width_px, {})


def links(frame: Ints, name: NDArray[Any]) -> tuple[Ints, Ints]:
    """Pairs (spot, next spot) of one name over neighbouring frames."""
    order = np.lexsort((frame, name))
    a, b = order[:-1], order[1:]
    good = (name[a] == name[b]) & (frame[b] - frame[a] == 1)
    return a[good], b[good]


def recall_and_precision(frame: Ints, truth: Ints, track: Ints) -> tuple[float, float]:
    """Share of the true links that were found, and of the links found that are true."""
    a, b = links(frame, track)
    right = float((truth[a] == truth[b]).sum())
    return right / max(len(links(frame, truth)[0]), 1), right / max(len(a), 1)

"""The pass itself: particles laid on stretches of frames, searched and linked again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.completeness import injection, plan, recovery
from evsize.completeness.brightness import Law
from evsize.completeness.chance import Looks
from evsize.completeness.optics import Optics
from evsize.completeness.view import View
from evsize.detection import search_again
from evsize.physics import Conditions
from evsize.results import Detections, Frames, Progress, Tracks
from evsize.settings import Settings
from evsize.tables import Flag
from evsize.tracking import link

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BAD_FRAME = Flag.DUPLICATE_FRAME | Flag.CORRUPT_FRAME | Flag.SCENE_CUT | Flag.STAGE_JUMP
AT_FOCUS = 0.15
"""Depth over the beam radius up to which a particle is at best focus: 96 % of the light."""
REACH_SD = 2.5
"""Widths of spot and smear within which a spot may be the particle laid there."""
OWN_SHARE = 0.8
"""Share of a track's positions that have to be one particle's for its size to be compared."""


@dataclass(frozen=True)
class Injected:
    """All injected particles, one array element each, and the tracks that are theirs alone.

    Attributes
    ----------
    diameter_nm, brightness : ndarray, (n,)
    looks : Looks
        Frames with a particle in the image, and those in which it was followed.
    looked_in_focus, recovered_in_focus : ndarray, (n,)
        Frames with the particle in the image at best focus, and those of them with a spot there.
    tracks : Tracks
        Tracks of single particles, over all stretches.
    owner : ndarray of int, (tracks,)
        Particle of each track, in the order of their numbers.
    """

    diameter_nm: Floats
    brightness: Floats
    looks: Looks
    looked_in_focus: Floats
    recovered_in_focus: Floats
    tracks: Tracks
    owner: Ints
    sizes: plan.Sizes
    searched: int


class Trial:
    """Lays particles on the frames of a recording and looks for them.

    Parameters
    ----------
    recording, detections, tracks
        The recording, and what was found in it.
    view : View
        What the tracks show.
    optics, law
        How the particles are drawn.
    conditions, settings
        As they were.
    """

    def __init__(
        self,
        recording: Frames,
        detections: Detections,
        tracks: Tracks,
        view: View,
        optics: Optics,
        law: Law,
        conditions: Conditions,
        settings: Settings,
    ) -> None:
        self.recording, self.detections, self.tracks = recording, detections, tracks
        self.view, self.optics, self.law = view, optics, law
        self.conditions, self.settings = conditions, settings
        self.search = search_again(recording, detections, settings.detection)
        radius = tracks.search_radius_um
        self.linking = settings.tracking.model_copy(update={"search_radius_um": radius})
        by_frame = detections.table["frame"].to_numpy()
        self.bounds = np.searchsorted(by_frame, np.arange(len(detections.frames) + 1))

    def run(self, progress: Progress | None = None) -> Injected:
        """Do it all."""
        completeness = self.settings.completeness
        rng = np.random.default_rng([completeness.seed, 5])
        height, width = self.detections.height_px, self.detections.width_px
        flags = self.tracks.frames["flags"].to_numpy() & np.uint32(BAD_FRAME)
        found_by = self.view.found_by
        effort = plan.effort(
            plan.stretch_length(self.search.blocks),
            height * width,
            found_by.window_px,
            len(self.detections.table) / max(len(self.detections.frames), 1),
            plan.THOROUGH if completeness.mode == "thorough" else 1,
        )
        stretches = plan.stretches(self.search.blocks, flags > 0, effort.n_stretches)
        n_versions = effort.n_versions
        sizes = plan.sizes(
            self.optics,
            self.law,
            self.conditions,
            found_by.threshold,
            self.view.brightest(self.optics),
            self.view.diameter_nm,
            self.view.size_shares,
        )
        runs = plan.draw(
            effort.at_a_time,
            len(stretches) * n_versions,
            sizes,
            self.law,
            self.optics,
            self.conditions,
            found_by.threshold,
            rng,
            self.view.diameter_nm,
            self.view.size_shares,
        )
        parts, done, total = [], 0, sum(stretch.n_frames for stretch in stretches)
        for number, stretch in enumerate(stretches):
            versions = runs[number * n_versions : (number + 1) * n_versions]
            parts += self._stretch(stretch, versions, rng)
            done += stretch.n_frames
            if progress is not None:
                progress("completeness", done, total)
        return _together(parts, self.tracks, sizes, total * n_versions)

    def _stretch(
        self,
        stretch: plan.Stretch,
        versions: list[injection.Particles],
        rng: np.random.Generator,
    ) -> list[Injected]:
        stage = self._stage(versions)
        frames = range(stretch.first, stretch.first + stretch.n_frames)
        speed = self.tracks.frames[["flow_x_um_s", "flow_y_um_s"]].to_numpy()[frames]
        flow_um = np.nan_to_num(speed) * stage.interval_s
        fastest = max(float(p.d_um2_s.max()) for p in versions)
        n_parts = injection.parts(fastest, self.optics.focus_px2, stage)
        paths = [injection.move(p, stage, flow_um, n_parts, rng) for p in versions]
        altered = self._altered(stretch, versions, paths, stage, rng)
        return [
            self._found(stretch, particles, path, spots, stage)
            for particles, path, spots in zip(
                versions, paths, self.search.search(frames, altered), strict=True
            )
        ]

    def _stage(self, versions: list[injection.Particles]) -> injection.Stage:
        c = self.conditions
        size = (
            self.detections.width_px * c.pixel_size_um,
            self.detections.height_px * c.pixel_size_um,
        )
        fastest = max(float(p.d_um2_s.max()) for p in versions)
        margin = injection.MARGIN_SD * (
            np.sqrt(self.optics.focus_px2) * c.pixel_size_um
            + np.sqrt(2 * fastest * c.frame_interval_s)
        )
        open_s = c.exposure_fraction * c.frame_interval_s
        return injection.Stage(size, float(margin), c.pixel_size_um, c.frame_interval_s, open_s)

    def _altered(
        self,
        stretch: plan.Stretch,
        versions: list[injection.Particles],
        paths: list[Floats],
        stage: injection.Stage,
        rng: np.random.Generator,
    ) -> Iterator[list[NDArray[Any]]]:
        noise = float(self.detections.frames["noise"].median())
        background = float(self.detections.frames["background"].median())
        # were all background light, and all noise that of its photons: with a read noise the gain
        # is higher, with a black level lower
        electrons = max(background, noise**2 * 0.1) / noise**2
        camera = injection.Camera(
            self.view.found_by.sign, electrons, float(self.recording.white_level)
        )
        light = np.zeros((self.detections.height_px, self.detections.width_px))
        for index in range(stretch.n_frames):
            frame = np.asarray(self.recording[stretch.first + index])
            yield [
                injection.lay_on(
                    frame, path[index], particles, self.optics, stage, camera, rng, light
                )
                for particles, path in zip(versions, paths, strict=True)
            ]

    def _found(
        self,
        stretch: plan.Stretch,
        particles: injection.Particles,
        path: Floats,
        spots: Detections,
        stage: injection.Stage,
    ) -> Injected:
        linked = link(spots, self.conditions, self.linking)
        positions = linked.table
        count = np.bincount(positions["track_id"], minlength=1)
        used = count[positions["track_id"]] >= self.settings.diffusion.min_positions
        mean_um = path.mean(axis=2)
        true_px = mean_um[..., :2] / stage.pixel_um
        before = self.detections.table.iloc[
            self.bounds[stretch.first] : self.bounds[stretch.first + stretch.n_frames]
        ]
        reach_px = self._reach_px(particles)

        def matched(frame: Ints, xy_px: Floats, true_px: Floats) -> Ints:
            was_px = before[["x_px", "y_px"]].to_numpy()
            was_frame = before["frame"].to_numpy() - stretch.first
            return recovery.match(frame, xy_px, true_px, was_frame, was_px, reach_px)

        frame = positions["frame"].to_numpy()
        owner = matched(frame, positions[["x_um", "y_um"]].to_numpy() / stage.pixel_um, true_px)
        owner[~used] = -1
        n = len(particles.diameter_nm)
        size_px = np.array([self.detections.width_px, self.detections.height_px])
        followed = np.zeros(true_px.shape[:2], np.bool_)
        followed[frame[owner >= 0], owner[owner >= 0]] = True
        counted = np.all((true_px > -0.5) & (true_px < size_px - 0.5), axis=2)
        counted[: stretch.guard] = counted[stretch.n_frames - stretch.guard :] = False
        looks = Looks(np.nonzero(counted)[1], mean_um[counted, 2], followed[counted])
        edge = self.view.found_by.window_px
        focal = np.abs(mean_um[..., 2]) < AT_FOCUS * self.optics.depth_um / 2
        focal &= np.all((true_px > edge) & (true_px < size_px - 1 - edge), axis=2)
        spot_frame = spots.table["frame"].to_numpy()
        spot = matched(spot_frame, spots.table[["x_px", "y_px"]].to_numpy(), true_px)
        in_focus = (spot >= 0) & focal[spot_frame, np.maximum(spot, 0)]
        own, kept = _own_tracks(linked, owner)
        return Injected(
            particles.diameter_nm,
            particles.brightness,
            looks,
            focal.sum(axis=0).astype(float),
            np.bincount(spot[in_focus], minlength=n).astype(float),
            kept,
            own,
            plan.Sizes(0, 0, 0),
            stretch.n_frames,
        )

    def _reach_px(self, particles: injection.Particles) -> Floats:
        smear = plan.smear_px2(particles.diameter_nm, self.conditions)
        return np.asarray(REACH_SD * np.sqrt(self.optics.focus_px2 + smear) + 1.0)


def _own_tracks(linked: Tracks, owner: Ints) -> tuple[Ints, Tracks]:
    """Particle of each track that is one particle's alone, and these tracks."""
    track = linked.table["track_id"].to_numpy()
    n = int(track.max(initial=-1)) + 1
    count = np.bincount(track, minlength=n)
    most = np.zeros(n, np.int64)
    share = np.zeros(n)
    mine = owner >= 0
    pairs, number = np.unique(np.stack([track[mine], owner[mine]]), axis=1, return_counts=True)
    for (t, particle), k in zip(pairs.T, number, strict=True):
        if k > share[t]:
            share[t], most[t] = k, particle
    good = share >= OWN_SHARE * np.maximum(count, 1)
    rows = good[track] if n else np.zeros(0, bool)
    renumbered = (np.cumsum(good) - 1)[track[rows]] if n else track
    table = linked.table[rows].assign(track_id=renumbered).reset_index(drop=True)
    return most[good], replace(linked, table=table, flow_um=linked.flow_um[rows])


def _together(parts: list[Injected], tracks: Tracks, sizes: plan.Sizes, searched: int) -> Injected:
    """All runs as one: particles and tracks numbered through."""

    def joined(name: str) -> Floats:
        return np.concatenate([getattr(part, name) for part in parts])

    tables, owners, particles, n_tracks, n_particles = [], [], [], 0, 0
    for part in parts:
        particles.append(part.looks.particle + n_particles)
        tables.append(part.tracks.table.assign(track_id=part.tracks.table["track_id"] + n_tracks))
        owners.append(part.owner + n_particles)
        n_tracks += len(part.owner)
        n_particles += len(part.diameter_nm)
    together = replace(
        tracks,
        table=pd.concat(tables, ignore_index=True),
        flow_um=np.concatenate([part.tracks.flow_um for part in parts]),
        # each stretch had its own flow, fitted to all of its steps and not to these alone
        flow_parameters=0,
    )
    return Injected(
        joined("diameter_nm"),
        joined("brightness"),
        Looks(
            np.concatenate(particles),
            np.concatenate([part.looks.z_um for part in parts]),
            np.concatenate([part.looks.followed for part in parts]),
        ),
        joined("looked_in_focus"),
        joined("recovered_in_focus"),
        together,
        np.concatenate(owners),
        sizes,
        searched,
    )

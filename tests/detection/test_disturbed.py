"""What is not a particle makes no track, whatever the camera and the laser do."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.detection import detect
from evsize.diffusion import estimate_diffusion
from evsize.settings import DetectionSettings
from evsize.simulation import in_memory, nanosight
from evsize.simulation.scene import Disturbances
from evsize.tables import Flag
from evsize.tracking import link
from tests.detection.drawing import Film, draw_film

N_FRAMES = 100


@pytest.mark.parametrize(
    "disturbances",
    [
        Disturbances(),
        Disturbances(hot_pixels=30),
        Disturbances(gradient=0.6, wave=0.2),
        Disturbances(wave=0.5),
        Disturbances(flicker=0.1, flicker_sine=0.2),
        Disturbances(dust=4, flicker=0.05),
        Disturbances(dust=8),
        Disturbances(dust=8, flicker=0.1, flicker_sine=0.1),
    ],
    ids=[
        "blank",
        "hot pixels",
        "moving gradient",
        "moving haze",
        "flicker",
        "dust",
        "steady dust",
        "lit dust",
    ],
)
def test_a_film_without_particles_has_no_tracks_that_count(disturbances: Disturbances) -> None:
    """The figure to reach is 0.1 tracks a second: none in four seconds."""
    scene = nanosight("100nm:0.000001", height_px=240, width_px=320, disturbances=disturbances)
    frames, truth = in_memory(scene, N_FRAMES, 131)
    assert not len(truth)
    found = detect(Film(frames), conditions=scene.conditions)
    used = estimate_diffusion(link(found, scene.conditions), scene.conditions).n_positions
    assert len(used) == 0


class Damaged(Film):
    """A film of which some frames could not be decoded: the frame before stands in."""

    bad = (7, 8, 20)

    def __getitem__(self, key: int, /) -> np.ndarray:
        frame = self.frames[6 if key in (7, 8) else key].view(Marked)
        frame.metadata = {"corrupt": True} if key in self.bad else {}
        return frame


class Marked(np.ndarray):
    """A frame that carries metadata, as those of a recording do."""

    metadata: dict[str, bool]


def test_damaged_frames_are_flagged_and_give_no_spots() -> None:
    film, truth = draw_film(np.random.default_rng(32), 30, (96, 128), snr=15)
    result = detect(Damaged(film.frames), DetectionSettings(spot_sd_px=1.5))
    corrupt = (result.frames["flags"] & int(Flag.CORRUPT_FRAME)) != 0
    assert tuple(np.flatnonzero(corrupt)) == Damaged.bad
    assert not result.table["frame"].isin(Damaged.bad).any()
    assert (result.frames["detections"][corrupt] == 0).all()
    assert (
        result.frames.loc[corrupt, ["background", "noise", "false_detections"]]
        .isna()
        .to_numpy()
        .all()
    )
    # the frames about them are searched as ever
    assert (result.frames["detections"][~corrupt] >= 0.9 * len(truth[0])).all()
    assert not (result.frames["flags"][~corrupt] & int(Flag.DUPLICATE_FRAME)).any()


@pytest.mark.parametrize("jobs", [2, 5])
def test_jobs_change_nothing(jobs: int) -> None:
    film, _ = draw_film(np.random.default_rng(33), 40, (96, 128), snr=8)
    alone, together = detect(film), detect(film, jobs=jobs)
    assert alone.table.equals(together.table)
    assert alone.frames.equals(together.frames)
    assert alone.choices == together.choices

"""Whole recordings: truth, reproducibility, streaming, files."""

import hashlib
import tomllib
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import tifffile

from evsize.errors import OutputError, UsageError
from evsize.settings import AcquisitionSettings
from evsize.simulation import (
    TRUTH,
    Camera,
    Disturbances,
    Optics,
    in_memory,
    nanosight,
    simulate,
    zetaview,
)

SMALL = nanosight("100nm:8,200nm:2", height_px=60, width_px=80, snr_at_100nm=30)
EXACT = Camera(bit_depth=16, gain_e=1.0, offset=100.0, read_noise_e=1.0)


def isolated(truth, scene, reach_px):
    """Rows of particles near the focal plane with nothing else within reach."""
    rows = []
    for _, frame in truth.groupby("frame"):
        xy = frame[["x_px", "y_px"]].to_numpy()
        size = np.array([scene.width_px, scene.height_px])
        gap = np.hypot(*(xy[:, None] - xy[None]).T)
        np.fill_diagonal(gap, np.inf)
        free = gap.min(axis=0) > 2 * reach_px if len(xy) > 1 else np.ones(len(xy), bool)
        inside = np.all((xy > reach_px + 1) & (xy < size - 2 - reach_px), axis=1)
        rows.append(frame[free & inside & (frame["z_um"].abs() < 1.5)])
    return pd.concat(rows)


@pytest.mark.parametrize("psf", ["gaussian", "rings"])
def test_spots_hold_the_expected_light_at_the_true_place(psf):
    scene = nanosight(
        "150nm:16",
        camera=EXACT,
        optics=Optics(psf=psf),
        photons_at_100nm=3000.0,
    )
    frames, truth = in_memory(scene, 50, 2)
    reach = 24
    light, place = [], []
    for row in isolated(truth, scene, reach).itertuples():
        x0, y0 = round(row.x_px), round(row.y_px)
        window = frames[row.frame, y0 - reach : y0 + reach + 1, x0 - reach : x0 + reach + 1]
        signal = window - 100.0 - 20.0
        error = np.sqrt(row.photons + window.size * (20 + 1 + 1 / 12))
        light.append((signal.sum() - row.photons) / error)
        offset = np.arange(-reach, reach + 1)
        # Centroid with its error: each pixel's variance times the square of its lever.
        x = (signal.sum(axis=0) * offset).sum() / row.photons + x0 - row.x_px
        variance = (np.maximum(signal.sum(axis=0), 0) + 21.1 * offset.size) * offset**2
        place.append(x / (np.sqrt(variance.sum()) / row.photons))
    light, place = np.array(light), np.array(place)
    n = len(light)
    assert n > 50
    assert abs(light.mean()) < 4 / np.sqrt(n)
    assert abs(light.std() - 1) < 4 / np.sqrt(2 * n)
    # The truth averages over time, the light also over the sheet's intensity: nearly the same.
    assert abs(place.mean()) < 4 / np.sqrt(n)
    assert place.std() < 1 + 4 / np.sqrt(2 * n) + 0.1


def test_truth_follows_sheet_and_law():
    scene = nanosight("100nm:20,200nm:5", exposure_ms=0, height_px=200, width_px=200)
    _, truth = in_memory(scene, 2, 1)
    law = scene.photons_at_100nm * (truth["diameter_nm"] / 100) ** 6
    sheet = np.exp(-2 * (truth["z_um"] / 5) ** 2)
    assert np.allclose(truth["photons"], law * sheet)
    assert list(truth.columns) == TRUTH.names
    assert set(truth["frame"]) == {0, 1}


def test_visible_depth_is_populated_as_stated():
    # The stated number is that between the 1/e^2 points in the field of view.
    scene = nanosight("100nm:60", height_px=120, width_px=160, photons_at_100nm=1.0)
    counts = []
    for seed in range(40):
        _, truth = in_memory(scene.changed(exposure_ms=0), 1, seed)
        inside = truth["x_px"].between(-0.5, 159.5) & truth["y_px"].between(-0.5, 119.5)
        counts.append(np.sum(inside & (truth["z_um"].abs() <= 5)))
    assert abs(np.mean(counts) - 60) < 4 * np.sqrt(60 / 40)


def test_same_seed_same_bytes():
    first, truth = in_memory(SMALL, 3, 11)
    again, same = in_memory(SMALL, 3, 11)
    other, _ = in_memory(SMALL, 3, 12)
    assert first.tobytes() == again.tobytes()
    pd.testing.assert_frame_equal(truth, same)
    assert first.tobytes() != other.tobytes()
    # Camera noise has its own stream: the paths stay when the camera is another.
    _, quiet = in_memory(SMALL.changed(camera=Camera(read_noise_e=0)), 3, 11)
    pd.testing.assert_frame_equal(truth, quiet)


def test_scene_cut_and_stage_jump():
    trouble = Disturbances(scene_cuts=(2,), stage_jumps=((4, 3.0, 0.0),))
    scene = nanosight("300nm:20", height_px=200, width_px=200, disturbances=trouble)
    _, truth = in_memory(scene, 6, 1)
    ids = [set(frame["particle_id"]) for _, frame in truth.groupby("frame")]
    assert ids[0] & ids[1]
    assert not ids[1] & ids[2]
    x_px = truth.pivot_table(index="particle_id", columns="frame", values="x_px")
    step_px = np.sqrt(2 * scene.conditions.diffusion_um2_s(300) / 25) / 0.166
    jump = (x_px[4] - x_px[3]).dropna()
    assert abs(jump.mean() - 3 / 0.166) < 4 * step_px / np.sqrt(len(jump))


def test_memory_does_not_grow():
    def peak(n_frames):
        tracemalloc.start()
        for _ in simulate(SMALL, n_frames, 1).iter_frames():
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(3)
    assert peak(120) < 1.1 * peak(20) + 50_000


def test_files(tmp_path):
    path = simulate(SMALL, 120, 4).write(tmp_path, "film")
    frames, truth = in_memory(SMALL, 120, 4)
    assert path == tmp_path / "film.tif"
    with tifffile.TiffFile(path) as tiff:
        assert len(tiff.series) == 1
        assert tiff.pages[0].compression == 8
        assert np.array_equal(tiff.asarray(), frames)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "film_truth.parquet"), truth)
    particles = pd.read_csv(tmp_path / "film_truth_particles.csv")
    inside = truth[truth["x_px"].between(-0.5, 79.5) & truth["y_px"].between(-0.5, 59.5)]
    seen = inside.groupby("particle_id").size()
    seen = seen.reindex(particles["particle_id"], fill_value=0)
    assert particles["frames_in_view"].tolist() == seen.tolist()
    sidecar = tomllib.loads((tmp_path / "film.toml").read_text())
    acquisition = AcquisitionSettings(**sidecar["acquisition"])
    assert acquisition == SMALL.acquisition
    assert sidecar["truth"]["population"] == "100nm:8,200nm:2"
    assert sidecar["truth"]["concentration_per_ml"] == pytest.approx(SMALL.concentration_per_ml)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "film.tif",
        "film.toml",
        "film_truth.parquet",
        "film_truth_particles.csv",
    ]


def test_files_are_reproducible_and_kept(tmp_path):
    recording = simulate(SMALL, 5, 1)
    digests = []
    for folder in ("a", "b"):
        recording.write(tmp_path / folder, "film")
        files = sorted((tmp_path / folder).iterdir())
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1]
    with pytest.raises(OutputError, match="exists already"):
        recording.write(tmp_path / "a", "film")
    recording.write(tmp_path / "a", "film", overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        recording.write(tmp_path / "file", "film")


def test_blank_files_have_every_column(tmp_path):
    simulate(SMALL.changed(population=""), 2, 1).write(tmp_path, "blank")
    assert list(pd.read_parquet(tmp_path / "blank_truth.parquet").columns) == TRUTH.names
    assert len(pd.read_csv(tmp_path / "blank_truth_particles.csv")) == 0


@pytest.mark.parametrize(("n_frames", "seed"), [(0, 1), (5, -1)])
def test_refuses(n_frames, seed):
    with pytest.raises(UsageError):
        simulate(SMALL, n_frames, seed)


def test_zetaview_is_another_regime():
    scene = zetaview("100nm:50")
    assert (scene.pixel_size_um, scene.frame_rate_hz) == (0.713, 30.0)
    frames, truth = in_memory(scene.changed(height_px=100, width_px=100), 2, 1)
    assert frames.max() > 12
    assert len(truth) > 0

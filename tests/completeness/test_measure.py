"""The whole pass on simulated films: what is found, twice the same, and why it may fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evsize.completeness import measure, plan
from evsize.detection import detect
from evsize.diffusion import estimate_diffusion
from evsize.recording import open_recording
from evsize.settings import CompletenessSettings, DiffusionSettings, Settings
from evsize.simulation import Disturbances, in_memory, matched_filter_snr, nanosight
from evsize.sizing import diameter_grid
from evsize.tables import Flag
from evsize.tracking import link

N_FRAMES = 160
SETTINGS = Settings()


class Case:
    """A film and what the stages find in it."""

    def __init__(self, population: str, n_frames: int = N_FRAMES, **changes) -> None:
        self.scene = nanosight(population, height_px=192, width_px=192, **changes)
        self.recording = open_recording(in_memory(self.scene, n_frames, 3)[0])
        self.conditions = self.scene.conditions
        self.detections = detect(self.recording, conditions=self.conditions)
        self.tracks = link(self.detections, self.conditions)
        d_um2_s = self.conditions.stokes_einstein_um3_s / diameter_grid() * 1e3
        self.likelihoods = estimate_diffusion(
            self.tracks, self.conditions, DiffusionSettings(), d_um2_s=d_um2_s
        )

    def measure(self, settings: Settings = SETTINGS, **changes):
        stages = (self.detections, self.tracks, self.likelihoods)
        return measure(self.recording, *stages, self.conditions, settings, **changes)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A few frames tell enough here, but where figures are judged."""
    monkeypatch.setattr(plan, "FRAMES_SEARCHED", 500)


@pytest.fixture(scope="module")
def film():
    return Case("100nm:20, 140nm:10")


@pytest.fixture(scope="module")
def found(film):
    return film.measure(depth_um=10.0)


def test_depth_grows_with_size_and_stays_within_the_sheet(found):
    log_d = np.log(found.diameter_nm)
    at = np.exp(np.interp(np.log([80, 100, 140]), log_d, found.log_depth))
    assert np.all(np.diff(at) > 0)
    # the sheet of 10 um is down to exp(-8) at twice its half thickness
    assert 1 < at[1] < 20
    assert not found.reason
    assert found.has_scale


def test_numbers_in_view_over_depth_are_what_was_put_in(film, found):
    track = film.tracks.table["track_id"]
    used = track.isin(film.likelihoods.track_id)
    per_frame = used.sum() / N_FRAMES
    mean_depth = np.exp(np.interp(np.log(115), np.log(found.diameter_nm), found.log_depth))
    per_ml = per_frame / mean_depth / found.area_um2 * 1e12
    spread = np.sqrt((found.log_error**2).sum(axis=1))
    error = float(np.interp(np.log(115), np.log(found.diameter_nm), spread))
    # 30 particles at a time, each seen for a good part of the film, beside what the pass says
    total = np.hypot(error, 1 / np.sqrt(30))
    assert abs(np.log(per_ml / film.scene.concentration_per_ml)) < 3.5 * total
    assert total < 0.5


def test_detection_limit_is_that_of_the_detector(film, found):
    limit = found.detection_limit_nm
    threshold = film.detections.choices["threshold_snr"].value
    sizes = np.linspace(40, 160, 241)
    resting = np.array([matched_filter_snr(film.scene, float(nm)) for nm in sizes])
    bound = float(sizes[np.argmax(resting > threshold)])
    # motion smears what the bound takes for resting; within 10 % of it all the same, and its error
    assert bound * 0.95 < limit.value
    assert limit.low < 1.1 * bound * 1.05


def test_self_check_finds_no_bias_beyond_its_error(found):
    bias, error = (
        found.diagnostics[name]
        for name in ("self_check_bias_percent", "self_check_bias_percent_se")
    )
    assert abs(bias) < 4 * error + 2


def test_equal_brightness_tells_no_smallest_size_and_one_depth_for_all(monkeypatch):
    def alike(scene, diameter_nm):
        return np.ones_like(diameter_nm)

    monkeypatch.setattr("evsize.simulation.particles.relative_brightness", alike)
    found = Case("100nm:15, 250nm:15", photons_at_100nm=4000.0).measure(depth_um=10.0)
    assert not found.reason
    assert found.detection_limit_nm.value is None
    assert "does not surely grow" in found.choices["detection_limit_nm"].source
    depth = np.interp(np.log([80, 100, 250]), np.log(found.diameter_nm), found.log_depth)
    # small ones smear a little more; with d^6 these depths differ by more than a factor of two
    assert np.ptp(depth) < 0.3
    assert np.isfinite(found.log_error).all()


def test_twice_the_same(film):
    once, again = film.measure(), film.measure()
    assert np.array_equal(again.log_depth, once.log_depth)
    assert again.table.equals(once.table)


def test_frames_are_not_changed(film):
    before = [np.array(film.recording[k]) for k in (0, 80, 159)]
    film.measure()
    assert all(
        np.array_equal(film.recording[k], f) for k, f in zip((0, 80, 159), before, strict=True)
    )


def test_without_thickness_there_is_no_scale(film):
    assert not film.measure().has_scale


def test_a_calibration_goes_before_a_given_thickness(film):
    calibrated = SETTINGS.model_copy(
        update={
            "instrument": SETTINGS.instrument.model_copy(
                update={"depth_um": 9.0, "concentration_per_ml": 1e8, "widening_per_um": 0.15}
            )
        }
    )
    found = film.measure(calibrated, depth_um=30.0)
    assert found.choices["sheet_um"].value == 9.0
    assert found.choices["widening"].value == pytest.approx(0.15)
    assert found.has_scale


def test_off_is_off(film):
    off = SETTINGS.model_copy(update={"completeness": CompletenessSettings(mode="off")})
    assert film.measure(off).reason


@pytest.mark.parametrize(
    ("population", "changes", "word"),
    [
        ("", {}, "no particle"),
        ("150nm:2", {"n_frames": 60}, "tracks"),
        ("100nm:20", {"n_frames": 30}, "frames"),
    ],
)
def test_what_cannot_be_had_says_why(population, changes, word):
    found = Case(population, **changes).measure()
    assert word in found.reason
    assert found.table is None


def test_all_saturated_says_why(film):
    table = film.tracks.table
    dazzled = table.assign(flags=table["flags"] | np.uint32(Flag.SATURATED))
    tracks = replace(film.tracks, table=dazzled)
    stages = (film.detections, tracks, film.likelihoods)
    found = measure(film.recording, *stages, film.conditions, SETTINGS)
    assert "saturated" in found.reason


def test_dark_spots_say_why():
    # a bright-field film: a sphere of 1 um is a disc with rings there, no spot that grows brighter
    case = Case("120nm:20", disturbances=Disturbances())
    frames = np.stack([255 - np.asarray(frame) for frame in case.recording])
    recording = open_recording(frames)
    detections = detect(recording, conditions=case.conditions)
    stages = (detections, case.tracks, case.likelihoods)
    found = measure(recording, *stages, case.conditions, SETTINGS)
    assert "dark" in found.reason
    assert found.detection_limit_nm.value is None

"""From a simulated recording in memory to a whole result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from evsize.completeness.selfcheck import REMAINING_SE
from evsize.diffusion import estimate_diffusion
from evsize.errors import MissingSettingsError, UsageError
from evsize.pipeline import run
from evsize.recording import open_recording
from evsize.results import Acquisition, Report
from evsize.settings import CompletenessSettings, Settings, SizingSettings
from evsize.simulation import Disturbances, in_memory, nanosight
from evsize.tables import DISTRIBUTION, FRAMES, PARTICLES, TRACKS, Flag

N_FRAMES = 60
KNOWN = {
    "pixel_size_um": 0.166,
    "frame_rate_hz": 25.0,
    "exposure_ms": 20.0,
    "temperature_c": 22.0,
    "medium": "water",
}
FEW = Settings(
    sizing=SizingSettings(n_bootstrap=10, n_sizes=80),
    completeness=CompletenessSettings(mode="off"),
)
TABLES = {
    "particles": PARTICLES,
    "tracks": TRACKS,
    "frames": FRAMES,
    "distribution_table": DISTRIBUTION,
}


def frames_with(population: str, **changes):
    scene = nanosight(
        population, snr_at_100nm=40.0, height_px=96, width_px=96, exposure_ms=20.0, **changes
    )
    return in_memory(scene, N_FRAMES, 1)[0]


def analysed(frames, settings=FEW, **known):
    with open_recording(frames, **(known or KNOWN)) as recording:
        return run(recording, settings)


@pytest.fixture(scope="module")
def beads():
    return frames_with("150nm:8")


@pytest.fixture(scope="module")
def result(beads):
    return analysed(beads)


@pytest.fixture(scope="module")
def blank():
    return analysed(frames_with(""))


def without_provenance(report: Report):
    return report.model_dump(exclude={"provenance"})


def test_particles_are_found_and_sized(result):
    summary = result.summary
    assert summary.tracks.n_used > 5
    assert summary.tracks.n == summary.tracks.n_used + sum(summary.tracks.rejected.values())
    found = summary.distribution.d50_nm
    assert found.low <= found.value <= found.high
    # a few tracks of one size: its own error alone, four times, beside 3 % for the chain
    steps = int((result.particles["frames"] - 1).sum())
    assert abs(np.log(found.value / 150)) < 4 * 1.5 / np.sqrt(steps) + 0.03


def test_the_positions_of_a_film_are_told_one_by_one():
    cuts = (20, 40)
    disturbances = Disturbances(scene_cuts=cuts)
    scene = nanosight(
        "150nm:30", snr_at_100nm=40.0, height_px=240, width_px=240, disturbances=disturbances
    )
    several = analysed(in_memory(scene, N_FRAMES, 1)[0])
    positions = several.summary.positions
    assert [(p.first_frame, p.last_frame) for p in positions] == [(0, 19), (20, 39), (40, 59)]
    assert sum(p.tracks_used for p in positions) == several.summary.tracks.n_used
    spans = several.tracks.groupby("track_id")["frame"].agg(["min", "max"])
    assert not any(((spans["min"] < cut) & (spans["max"] >= cut)).any() for cut in cuts)


def test_a_film_of_one_position_has_none_to_tell(result):
    assert result.summary.positions == []


def test_every_table_is_as_declared(result, blank):
    for each in (result, blank):
        for name, schema in TABLES.items():
            table = getattr(each, name)
            assert list(table.columns) == schema.names
            assert [str(t) for t in table.dtypes] == [column.dtype for column in schema]
        assert len(each.frames) == N_FRAMES
        assert Report.model_validate_json(each.summary.model_dump_json(by_alias=True))


def test_tables_agree_with_each_other(result):
    positions = result.tracks.groupby("track_id").size()
    particles = result.particles.set_index("track_id")
    assert np.array_equal(positions.reindex(particles.index), particles["frames"])
    medians = result.tracks.groupby("track_id")["brightness"].median()
    assert np.allclose(medians.reindex(particles.index), particles["brightness"])
    assert result.summary.tracks.positions == len(result.tracks)
    assert result.frames["detections"].sum() >= len(result.tracks)


def test_every_setting_used_is_named(result):
    settings = result.summary.settings
    assert {name.split(".")[0] for name in settings} == {
        "detection",
        "tracking",
        "diffusion",
        "sizing",
        "completeness",
        "qc",
    }
    assert all(value.source for value in settings.values())
    acquisition = result.summary.acquisition
    assert acquisition["viscosity_mpas"].unit == "mPa s"
    assert set(KNOWN) <= set(acquisition)


def test_what_all_sizes_of_a_film_share_is_in_its_intervals(result):
    # nothing was put into this film: what films of one size show stays
    shown = result.summary.settings["sizing.common_error"].value
    assert shown == pytest.approx(100 * REMAINING_SE)


def test_a_picture_comes_with_it(result):
    assert result.preview.dtype == np.uint8
    height, width, channels = result.preview.shape
    assert (height, channels) == (width, 3)
    assert width >= 640


def test_twice_the_same(beads, result):
    again = analysed(beads)
    for name in TABLES:
        one, two = getattr(result, name), getattr(again, name)
        for column in one:
            assert one[column].to_numpy().tobytes() == two[column].to_numpy().tobytes(), column
    assert without_provenance(again.summary) == without_provenance(result.summary)
    old, new = result.summary.provenance, again.summary.provenance
    assert new.config_hash == old.config_hash
    assert new.dependencies == old.dependencies
    assert np.array_equal(again.preview, result.preview)


def test_matrices_are_multiplied_in_one_thread(beads, monkeypatch):
    threads = []

    def watched(*arguments, **named):
        threads.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return estimate_diffusion(*arguments, **named)

    monkeypatch.setattr("evsize.pipeline.estimate_diffusion", watched)
    with threadpool_limits(2, "blas"):
        analysed(beads)
    assert threads
    assert set(threads) == {1}


def test_input_is_not_changed(beads):
    before = beads.copy()
    beads.flags.writeable = False
    analysed(beads)
    assert np.array_equal(beads, before)


def test_a_blank_is_a_whole_result_that_fails(blank):
    summary = blank.summary
    assert summary.tracks.n_used == 0
    assert len(blank.particles) == 0
    assert summary.qc.verdict == "fail"
    assert summary.distribution.d50_nm.value is None
    assert summary.distribution.peaks == []
    assert summary.tracks.median_frames is None
    assert all(share.fraction.value is None for share in summary.classes)
    failed = {each.rule for each in summary.qc.findings if each.status == "fail"}
    assert "something_to_size" in failed


def test_all_that_is_missing_is_named_at_once(beads):
    with open_recording(beads) as recording, pytest.raises(MissingSettingsError) as caught:
        run(recording, FEW)
    for word in ("pixel_size_um", "frame_rate_hz", "temperature_c", "medium"):
        assert word in str(caught.value)
    for option in ("--pixel-size", "--frame-rate", "--temperature", "--medium", "--viscosity"):
        assert option in str(caught.value)


@pytest.mark.parametrize("name", ["pixel_size_um", "frame_rate_hz", "temperature_c", "medium"])
def test_one_missing_value_is_enough_to_refuse(beads, name):
    known = {key: value for key, value in KNOWN.items() if key != name}
    with (
        open_recording(beads, **known) as recording,
        pytest.raises(MissingSettingsError, match=name) as caught,
    ):
        run(recording, FEW)
    others = {"pixel_size_um", "frame_rate_hz", "temperature_c", "medium"} - {name}
    assert not any(other in str(caught.value) for other in others - {"medium"})


def test_an_exposure_longer_than_the_frame_is_refused(beads):
    with (
        open_recording(beads, **KNOWN | {"exposure_ms": 50.0}) as recording,
        pytest.raises(UsageError, match="longer than the frame"),
    ):
        run(recording, FEW)


def test_an_unknown_exposure_warns_and_widens(beads, result):
    known = {key: value for key, value in KNOWN.items() if key != "exposure_ms"}
    found = analysed(beads, **known).summary
    blur = next(each for each in found.qc.findings if each.rule == "motion_blur")
    assert blur.status == "warn"
    assert "not known" in blur.message
    # the shutter is anywhere from shut to open: sd of the mean squared step 11.5 %
    assert found.distribution.systematic_percent > 11.5
    assert result.summary.distribution.systematic_percent < 3
    assert "assumed" in found.acquisition["exposure_ms"].source


def test_the_medium_scales_the_size(beads, result):
    # the same steps in a liquid of twice the viscosity: half the diameter, on a shifted grid
    known = {key: value for key, value in KNOWN.items() if key != "medium"}
    water = result.summary.acquisition["viscosity_mpas"].value
    found = analysed(beads, **known, viscosity_mpas=2 * water)
    assert found.summary.acquisition["viscosity_mpas"].value == 2 * water
    ratio = result.summary.distribution.d50_nm.value / found.summary.distribution.d50_nm.value
    assert ratio == pytest.approx(2, rel=0.05)


def test_progress_is_told(beads):
    calls = []
    with open_recording(beads, **KNOWN) as recording:
        run(recording, FEW, progress=lambda *call: calls.append(call))
    assert calls
    for stage, done, total in calls:
        assert isinstance(stage, str)
        assert 0 <= done <= total


def test_acquisition_given_counts_before_the_recordings_own(beads):
    with open_recording(beads, **KNOWN) as recording:
        warm = Acquisition(**KNOWN | {"temperature_c": 37.0})
        found = run(recording, FEW, acquisition=warm).summary
    assert found.acquisition["temperature_c"].value == 37.0


def test_saturated_positions_are_counted():
    frames = frames_with("150nm:8")
    found = analysed(np.minimum(frames, 40).astype(frames.dtype))
    assert found.tracks["flags"].dtype == np.uint32
    bright = frames_with("400nm:4")
    seen = analysed(bright)
    share = next(e for e in seen.summary.qc.findings if e.rule == "saturated_spots")
    marked = (seen.tracks["flags"].to_numpy() & np.uint32(Flag.SATURATED)) > 0
    assert share.measured == pytest.approx(100 * marked.mean())


def test_frozen(result):
    with pytest.raises(AttributeError):
        result.summary = None
    assert replace(result, preview=None).preview is None

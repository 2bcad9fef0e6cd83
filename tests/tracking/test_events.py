"""Scene cuts, stage jumps and pulses: found where they are, and never where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.tables import Flag
from evsize.tracking import events, link
from tests.theory.brownian import conditions, detections_of, film

WHERE = conditions(0.5)
D = WHERE.diffusion_um2_s(100)
STEP = float(np.sqrt(2 * D * WHERE.frame_interval_s))
SIZE = (60.0, 60.0)
EVENTS = (Flag.SCENE_CUT, Flag.STAGE_JUMP, Flag.PULSE)


def marked(tracks):
    flags = tracks.frames["flags"].to_numpy()
    return {flag: np.flatnonzero(flags & np.uint32(flag)).tolist() for flag in EVENTS}


def moved(seed, per_frame, n_frames, jumps):
    """Spots of a film whose frames from each key on are displaced by the value, um."""
    flow = np.zeros((n_frames, 2))
    for at, by in jumps.items():
        flow[at - 1] += by
    rng = np.random.default_rng(seed)
    return film(rng, per_frame, n_frames, SIZE, STEP, flow)


@pytest.mark.parametrize("per_frame", [5, 15, 40, 100])
@pytest.mark.parametrize("seed", [1, 2])
def test_no_false_alarm(per_frame, seed):
    # a thousandth of an alarm a recording is expected
    frame, xy, _ = film(np.random.default_rng(seed), per_frame, 200, SIZE, STEP)
    tracks = link(detections_of(frame, xy, 200, SIZE), WHERE)
    assert marked(tracks) == {flag: [] for flag in EVENTS}
    assert tracks.flow_parameters < 20


@pytest.mark.parametrize("per_frame", [20, 80])
def test_a_scene_cut_ends_all_tracks(per_frame):
    first = film(np.random.default_rng(3), per_frame, 60, SIZE, STEP)
    second = film(np.random.default_rng(4), per_frame, 60, SIZE, STEP)
    frame = np.concatenate([first[0], second[0] + 60])
    xy = np.concatenate([first[1], second[1]])
    tracks = link(detections_of(frame, xy, 120, SIZE), WHERE)
    assert marked(tracks) == {Flag.SCENE_CUT: [60], Flag.STAGE_JUMP: [], Flag.PULSE: []}
    ends = tracks.table.groupby("track_id")["frame"].agg(["min", "max"])
    assert not ((ends["min"] < 60) & (ends["max"] >= 60)).any()


@pytest.mark.parametrize("by", [(12.0, -5.0), (0.0, 4 * STEP)])
def test_a_stage_jump_is_taken_out(by):
    frame, xy, _ = moved(5, 30, 120, {50: by})
    tracks = link(detections_of(frame, xy, 120, SIZE), WHERE)
    assert marked(tracks) == {Flag.SCENE_CUT: [], Flag.STAGE_JUMP: [50], Flag.PULSE: []}
    table = tracks.table
    over = (table["frame"].to_numpy()[1:] == 50) & (np.diff(table["track_id"]) == 0)
    assert over.sum() > 5
    carried = np.diff(tracks.flow_um, axis=0)[over].mean(axis=0)
    # the mean of as many steps, the smooth flow left aside
    assert np.all(np.abs(carried - by) < 5 * STEP / np.sqrt(over.sum()))


def test_a_pulse_is_found_with_its_frames():
    pulse = dict.fromkeys(range(100, 107), (1.5 * STEP, 0.0))
    frame, xy, _ = moved(6, 40, 300, pulse)
    found = marked(link(detections_of(frame, xy, 300, SIZE), WHERE))
    assert found[Flag.PULSE] == list(range(100, 107))
    assert found[Flag.SCENE_CUT] == found[Flag.STAGE_JUMP] == []


def test_a_regular_pulsation_is_followed_by_finer_splines():
    # one period in 25 frames: splines with 25 frames to a coefficient cannot follow
    speed = 0.6 * STEP * np.sin(2 * np.pi * (np.arange(400) + 0.5) / 25)
    rng = np.random.default_rng(7)
    frame, xy, _ = film(rng, 40, 400, SIZE, STEP, np.column_stack([speed, 0 * speed]))
    tracks = link(detections_of(frame, xy, 400, SIZE), WHERE)
    found = tracks.frames["flow_x_um_s"].to_numpy() * WHERE.frame_interval_s
    n_steps = len(tracks.table) - tracks.table["track_id"].nunique()
    wrong = float(((found - speed) ** 2).mean())
    # least squares: sigma^2 p / M, chi-square with p degrees
    p = tracks.flow_parameters
    assert wrong < STEP**2 * p / n_steps * (1 + 4 * np.sqrt(2 / p)) + 0.01 * float(speed.var())


def test_sudden_motion_by_chance():
    """Standard normal steps exceed the limit `FALSE_ALARMS` times a film: none in thirty."""
    rng = np.random.default_rng(8)
    frame = np.repeat(np.arange(500), 10)
    for _ in range(30):
        step = rng.standard_normal((5000, 2))
        assert not len(events.sudden_motion(frame, step, np.ones(5000), 500, 0.0))


def test_runs():
    assert [run.tolist() for run in events.runs(np.array([3, 4, 6, 20]))] == [[3, 4, 6], [20]]
    assert events.runs(np.zeros(0, np.int64)) == []

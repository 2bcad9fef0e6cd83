"""Detections in, tracks out: flow, drift and diffusion against the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evsize.diffusion import estimate_diffusion
from evsize.results import Value
from evsize.settings import DiffusionSettings, TrackingSettings
from evsize.tables import TRACKS, Flag
from evsize.tracking import flow, link
from tests.theory.brownian import conditions, detections_of, film, maximum

D = 4.0
WHERE = conditions(0.0)
STEP = float(np.sqrt(2 * D * WHERE.frame_interval_s))
SIZE = (50.0, 50.0)
MIDDLE = np.array(SIZE) / 2
NOISE_FREE = DiffusionSettings(loc_sd_nm=0)
FINE = D * np.geomspace(0.005, 4, 4000)


def followed(seed, per_frame=25, n_frames=300, settings=None, flow_um=None, gradient=None):
    rng = np.random.default_rng(seed)
    frame, xy, _ = film(rng, per_frame, n_frames, SIZE, STEP, flow_um, gradient)
    return link(detections_of(frame, xy, n_frames, SIZE), WHERE, settings)


def pooled_d(tracks):
    found = estimate_diffusion(tracks, WHERE, NOISE_FREE, d_um2_s=FINE)
    return maximum(found.log_likelihood.sum(axis=0), FINE)


def n_steps(tracks):
    return len(tracks.table) - tracks.table["track_id"].nunique()


def flow_of(tracks):
    """Flow per frame, um."""
    speed = tracks.frames[["flow_x_um_s", "flow_y_um_s"]].to_numpy()
    return speed * WHERE.frame_interval_s


def check_flow(tracks, truth):
    """Mean squared error of a least-squares fit: sigma^2 p/M, chi-square with 2 p degrees."""
    p, m = tracks.flow_parameters, n_steps(tracks)
    wrong = float(((flow_of(tracks) - truth) ** 2).mean())
    assert wrong < STEP**2 * p / m * (1 + 4 / np.sqrt(p))
    mean = (flow_of(tracks) - truth).mean(axis=0)
    assert np.all(np.abs(mean) < 4 * STEP / np.sqrt(m))


@pytest.mark.parametrize("seed", [1, 2])
def test_no_flow_is_found_as_none(seed):
    tracks = followed(seed)
    check_flow(tracks, np.zeros((300, 2)))
    best, error = pooled_d(tracks)
    assert abs(best - D) < 4 * error


@pytest.mark.parametrize("direction", [(1.0, 0.0), (-0.6, 0.8)])
def test_constant_flow_of_four_pixels_a_frame(direction):
    truth = np.tile(4 * WHERE.pixel_size_um * np.array(direction), (300, 1))
    tracks = followed(3, flow_um=truth)
    check_flow(tracks, truth)
    best, error = pooled_d(tracks)
    assert abs(best / D - 1) < 0.01 + 3 * error / D


def test_slowly_pulsing_flow():
    # One period in 200 frames. Between knots 25 frames apart a cubic spline misses a sine by less
    # than (2 pi 25/200)^4/384 of its height: 0.1 %.
    time = np.arange(600) + 0.5
    pulse = 0.5 * np.sin(2 * np.pi * time / 200)
    truth = np.column_stack([0.3 + pulse, -0.5 * pulse])
    tracks = followed(4, n_frames=600, flow_um=truth)
    assert tracks.flow_parameters > 5
    check_flow(tracks, truth)
    best, error = pooled_d(tracks)
    assert abs(best - D) < 4 * error


def test_flow_that_grows_across_the_image():
    # A gradient is known to sigma/(sd of x sqrt M); a vortex and a strain, up to 0.3 um a frame
    gradient = np.array([[0.006, -0.01], [0.008, -0.006]])
    tracks = followed(5, gradient=gradient)
    table = tracks.table
    start = np.concatenate([[True], np.diff(table["track_id"]) != 0])
    carried = np.diff(tracks.flow_um, axis=0)[~start[1:]]
    span = np.diff(table["frame"])[~start[1:]]
    place = table[["x_um", "y_um"]].to_numpy()[:-1][~start[1:]] - np.array(SIZE) / 2
    design = np.column_stack([place, np.ones(len(place))])
    rate = carried / span[:, None]
    found = np.linalg.lstsq(design, rate, rcond=None)[0][:2].T
    error = STEP / (place.std(axis=0) * np.sqrt(len(place)))
    assert np.all(np.abs(found - gradient) < 4 * error)
    best, error = pooled_d(tracks)
    assert abs(best - D) < 4 * error


@pytest.mark.parametrize("seed", [6, 7, 8])
def test_never_a_mean_per_frame(seed):
    # taking the mean of five particles off each frame would cost 20 % of D
    tracks = followed(seed, per_frame=5, n_frames=600)
    assert tracks.flow_parameters <= n_steps(tracks) / 200 + 2  # linear in x and y
    best, error = pooled_d(tracks)
    assert error / D < 0.03
    assert abs(best - D) < 4 * error


def test_flow_left_in_when_asked():
    truth = np.tile([0.3, 0.0], (100, 1))
    tracks = followed(9, n_frames=100, flow_um=truth, settings=TrackingSettings(remove_flow=False))
    assert tracks.flow_parameters == 0
    assert not tracks.flow_um.any()


def test_flow_before_linking_finds_more_than_a_search_radius():
    # 8 um a frame, three times the radius: no link could tell
    rng = np.random.default_rng(10)
    frame, xy, _ = film(rng, 20, 60, SIZE, STEP, np.tile([8.0, 3.0], (60, 1)))
    found = flow.before_linking(frame, xy, 60, 12.0, STEP, MIDDLE).per_frame_um
    # the top of a kernel density of pairs sigma wide over a kernel as wide: 2 sigma/sqrt(pairs)
    assert np.all(np.abs(found - [8.0, 3.0]) < 4 * 2 * STEP / np.sqrt(0.7 * len(frame)))


def test_noise_has_no_flow_before_linking():
    rng = np.random.default_rng(11)
    frame = np.repeat(np.arange(60), 20)
    xy = rng.uniform(0, 50, (1200, 2))
    assert not flow.before_linking(frame, xy, 60, 12.0, STEP, MIDDLE).per_frame_um.any()


def test_gaps_are_closed_and_marked():
    rng = np.random.default_rng(12)
    frame, xy, _ = film(rng, 10, 200, SIZE, STEP)
    lost = rng.random(len(frame)) < 0.1
    tracks = link(detections_of(frame[~lost], xy[~lost], 200, SIZE), WHERE)
    table = TRACKS.validate(tracks.table)
    after = (table["flags"].to_numpy() & np.uint32(Flag.AFTER_GAP)) > 0
    span = np.diff(table["frame"])
    same = np.diff(table["track_id"]) == 0
    assert np.array_equal(after[1:], same & (span > 1))
    assert span[same].max() == TrackingSettings().max_gap_frames + 1
    assert after.sum() > 0.05 * len(table)
    best, error = pooled_d(tracks)
    # the radius stays the same over a gap: of steps with twice the variance exp(-REACH^2/4) = 1 %
    # exceed it, and take 5 % of these steps' mean square; they are a tenth of all
    assert abs(best - D) < 4 * error + 0.005 * D
    none = link(
        detections_of(frame[~lost], xy[~lost], 200, SIZE), WHERE, TrackingSettings(max_gap_frames=0)
    )
    assert not ((none.table["flags"].to_numpy() & np.uint32(Flag.AFTER_GAP)) > 0).any()


def test_radius_follows_the_particles_found():
    # 400 nm particles: a third of the step for which the first radius was made
    rng = np.random.default_rng(13)
    step = float(np.sqrt(2 * WHERE.diffusion_um2_s(400) * WHERE.frame_interval_s))
    frame, xy, _ = film(rng, 10, 200, SIZE, step)
    tracks = link(detections_of(frame, xy, 200, SIZE), WHERE)
    # 4.3 steps, 1.1 in variance for safety, and what scatter of the tracks remains
    assert 4.2 * step < tracks.search_radius_um < 5.5 * step
    assert tracks.diagnostics["truncated_step_share"] < 2e-4
    assert "fastest" in tracks.choices["search_radius_um"].source


def test_a_radius_given_is_kept():
    tracks = followed(14, n_frames=50, settings=TrackingSettings(search_radius_um=1.0))
    assert tracks.search_radius_um == 1.0
    assert tracks.choices["search_radius_um"].source == "given"
    assert tracks.diagnostics["truncated_step_share"] > 0.05


def test_a_crowded_film_says_so():
    tracks = followed(15, per_frame=600, n_frames=20)
    assert "crowding" in tracks.choices["search_radius_um"].source
    assert tracks.diagnostics["ambiguous_link_share"] > 0.02


def test_nothing_found():
    empty = detections_of(np.zeros(0, np.int64), np.zeros((0, 2)), 30, SIZE)
    tracks = link(empty, WHERE)
    assert len(TRACKS.validate(tracks.table)) == 0
    assert tracks.flow_um.shape == (0, 2)
    assert len(tracks.frames) == 30
    assert np.all(flow_of(tracks) == 0)
    assert tracks.diagnostics["truncated_step_share"] is None


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_spots(n):
    tracks = link(detections_of(np.arange(n), np.full((n, 2), 25.0), 10, SIZE), WHERE)
    assert len(tracks.table) == n
    assert set(tracks.table["track_id"]) == {0}


def test_a_frame_with_nothing_is_a_gap():
    rng = np.random.default_rng(16)
    frame, xy, _ = film(rng, 10, 60, SIZE, STEP)
    there = frame != 30
    tracks = link(detections_of(frame[there], xy[there], 60, SIZE), WHERE)
    table = tracks.table
    assert 30 not in set(table["frame"])
    after = table[(table["flags"].to_numpy() & np.uint32(Flag.AFTER_GAP)) > 0]
    assert (after["frame"] == 31).sum() >= 3


def test_order_of_the_spots_does_not_matter():
    rng = np.random.default_rng(17)
    frame, xy, _ = film(rng, 20, 80, SIZE, STEP)
    shuffled = rng.permutation(len(frame))
    one = link(detections_of(frame, xy, 80, SIZE), WHERE)
    two = link(detections_of(frame[shuffled], xy[shuffled], 80, SIZE), WHERE)

    def paths(tracks):
        groups = tracks.table.groupby("track_id")[["frame", "x_um", "y_um"]]
        return sorted(tuple(map(tuple, rows.to_numpy().tolist())) for _, rows in groups)

    assert paths(one) == paths(two)
    assert two.search_radius_um == pytest.approx(one.search_radius_um, rel=1e-9)
    assert np.allclose(flow_of(two), flow_of(one), atol=1e-9)


def test_table_is_sorted_and_numbered():
    table = followed(18, n_frames=60).table
    key = table["track_id"].to_numpy() * 1000 + table["frame"].to_numpy()
    assert np.all(np.diff(key) > 0)
    assert set(table["track_id"]) == set(range(table["track_id"].max() + 1))
    assert np.allclose(table["t_s"], table["frame"] * WHERE.frame_interval_s)


def test_weak_spots_continue_but_do_not_start():
    frame = np.arange(8)
    xy = np.full((8, 2), 25.0) + 0.01 * np.arange(8)[:, None]
    flags = np.where(np.isin(frame, [0, 1, 4]), Flag.WEAK, 0)
    table = link(detections_of(frame, xy, 8, SIZE, flags), WHERE).table
    assert table["frame"].tolist() == list(range(2, 8))


def test_twice_the_same_and_input_unchanged():
    rng = np.random.default_rng(19)
    frame, xy, _ = film(rng, 20, 100, SIZE, STEP)
    detections = detections_of(frame, xy, 100, SIZE)
    before = pd.util.hash_pandas_object(detections.table).to_numpy().copy()
    one, two = link(detections, WHERE), link(detections, WHERE)
    assert one.table.equals(two.table)
    assert np.array_equal(one.flow_um, two.flow_um)
    assert one.diagnostics == two.diagnostics
    assert np.array_equal(pd.util.hash_pandas_object(detections.table).to_numpy(), before)


def test_spots_without_standard_errors_are_linked_as_well():
    frame, xy, _ = film(np.random.default_rng(77), 25, 60, SIZE, STEP)
    spots = detections_of(frame, xy, 60, SIZE)
    nameless = replace(spots, table=spots.table.assign(loc_se_px=np.nan))
    with_errors, without = link(spots, WHERE).table, link(nameless, WHERE).table
    assert without["loc_se_nm"].isna().all()
    # errors of 0.01 px are nothing against the steps
    pd.testing.assert_frame_equal(
        without.drop(columns="loc_se_nm"), with_errors.drop(columns="loc_se_nm")
    )


def test_a_single_spot_is_a_track_of_its_own():
    tracks = link(detections_of(np.array([2]), MIDDLE[None], 5, SIZE), WHERE)
    assert tracks.flow_um.shape == (len(tracks.table), 2) == (1, 2)


def test_the_likelihood_is_told_what_it_takes_to_be_seen():
    rng = np.random.default_rng(21)
    frame, xy, _ = film(rng, 5, 20, SIZE, STEP)
    spots = detections_of(frame, xy, 20, SIZE)
    chosen = {"spot_sd_px": 1.5, "filter_sd_px": 2.0, "weak_threshold_snr": 3.9}
    values = {name: Value(value=value, source="test") for name, value in chosen.items()}
    choices = link(replace(spots, choices=values), WHERE).choices
    told = {name: choice.value for name, choice in choices.items()}
    assert told["answer_sd_px"] == pytest.approx(2.5)
    assert told["spot_snr"] == told["faint_snr"] == 3.9  # no faint peaks are kept
    assert "answer_sd_px" not in link(spots, WHERE).choices  # of another program nothing is known

"""What must not change when a film is turned, run backwards or renumbered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evsize.tracking import link, linking
from tests.theory.brownian import conditions, detections_of, film

WHERE = conditions(0.5)
STEP = 0.5
SIDE = 241 * 0.166  # a whole number of pixels: turned, the image keeps its sides
N = 80


def spots(seed=1, per_frame=25, flow=(0.4, 0.0)):
    rng = np.random.default_rng(seed)
    frame, xy, _ = film(rng, per_frame, N, (SIDE, SIDE), STEP, np.tile(flow, (N, 1)))
    return frame, xy


def links_of(frame, track):
    order = np.lexsort((frame, track))
    same = np.diff(track[order]) == 0
    return set(zip(order[:-1][same].tolist(), order[1:][same].tolist(), strict=True))


@given(seed=st.integers(0, 2**32 - 1), quarter=st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_turned_by_right_angles_the_links_are_the_same(seed, quarter):
    frame, xy = spots(seed)
    cosine, sine = round(np.cos(quarter * np.pi / 2)), round(np.sin(quarter * np.pi / 2))
    turned = xy @ np.array([[cosine, sine], [-sine, cosine]])
    one, two = (linking.link(frame, p, N, 2.0, 1) for p in (xy, turned))
    assert np.array_equal(one, two)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_backwards_the_links_are_the_same_without_gaps(seed):
    # with gaps a track that waits meets its rivals in another order
    frame, xy = spots(seed)
    back = np.argsort(N - 1 - frame, kind="stable")
    one = linking.link(frame, xy, N, 2.0, 0)
    two = linking.link((N - 1 - frame)[back], xy[back], N, 2.0, 0)
    reverse = {(int(back[b]), int(back[a])) for a, b in links_of((N - 1 - frame)[back], two)}
    assert links_of(frame, one) == reverse


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_within_a_frame_the_order_does_not_matter(seed):
    frame, xy = spots(seed)
    mixed = np.lexsort((np.random.default_rng(seed).random(len(frame)), frame))
    one, two = linking.link(frame, xy, N, 2.0, 1), linking.link(frame[mixed], xy[mixed], N, 2.0, 1)
    renamed = {(int(mixed[a]), int(mixed[b])) for a, b in links_of(frame[mixed], two)}
    assert links_of(frame, one) == renamed


@pytest.mark.parametrize("seed", [1, 2])
def test_turned_the_whole_stage_finds_the_turned_flow_and_the_same_steps(seed):
    frame, xy = spots(seed)
    turned = np.column_stack([SIDE - xy[:, 1], xy[:, 0]])
    one = link(detections_of(frame, xy, N, (SIDE, SIDE)), WHERE)
    two = link(detections_of(frame, turned, N, (SIDE, SIDE)), WHERE)
    assert two.search_radius_um == pytest.approx(one.search_radius_um, rel=1e-6)
    assert np.array_equal(two.table["track_id"], one.table["track_id"])
    assert np.allclose(two.flow_um, one.flow_um @ np.array([[0, 1], [-1, 0]]), atol=1e-6)


@pytest.mark.parametrize("seed", [1, 2])
def test_steps_over_a_frame_end_at_the_radius_about_the_prediction(seed):
    frame, xy = spots(seed, per_frame=60)
    tracks = link(detections_of(frame, xy, N, (SIDE, SIDE)), WHERE)
    place = tracks.table[["x_um", "y_um"]].to_numpy() - tracks.flow_um
    single = (np.diff(tracks.table["track_id"]) == 0) & (np.diff(tracks.table["frame"]) == 1)
    length = np.hypot(*np.diff(place, axis=0)[single].T)
    assert length.max() <= tracks.search_radius_um * (1 + 1e-9)
    share = tracks.diagnostics["truncated_step_share"]
    assert share is not None
    assert 0 <= share < 1e-2


def test_truncated_share_is_the_share_of_the_true_steps():
    """One size: exp(-R^2/2 v) of the steps are longer than R; their number is Poisson."""
    rng = np.random.default_rng(5)
    frame, xy, name = film(rng, 8, 1500, (SIDE, SIDE), STEP)
    from evsize.settings import TrackingSettings

    radius = 1.5
    given_radius = TrackingSettings(search_radius_um=radius, remove_flow=False)
    tracks = link(detections_of(frame, xy, 1500, (SIDE, SIDE)), WHERE, given_radius)
    order = np.lexsort((frame, name))
    same = (np.diff(name[order]) == 0) & (np.diff(frame[order]) == 1)
    steps = np.hypot(*np.diff(xy[order], axis=0)[same].T)
    true = float((steps > radius).mean())
    assert true == pytest.approx(
        np.exp(-(radius**2) / 2 / STEP**2), abs=4 * (true / len(steps)) ** 0.5
    )
    stated = tracks.diagnostics["truncated_step_share"]
    # variances seen are those of the steps kept, 1 - x e^-x/(1 - e^-x) of the true one with
    # x = R^2/2 v: the share stated is lower by exp(-x (ratio - 1))
    x = radius**2 / 2 / STEP**2
    kept = 1 - x * np.exp(-x) / (1 - np.exp(-x))
    assert stated == pytest.approx(np.exp(-x / kept), rel=0.25)

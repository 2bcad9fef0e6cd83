"""Links of a whole film at once: the best set, and a link over a gap against a wrong one now."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from evsize.tracking import joint, linking
from evsize.tracking.odds import FINENESS, Odds

VARIANCE_UM2 = 0.25


def odds_of(n: int, spans: int, missed: float = 2.0, alone: float = 4.0) -> Odds:
    """Spots all alike; a frame missed costs `missed`, a link gains `alone` beside its density."""
    reach = 4.29 * np.sqrt(VARIANCE_UM2 * np.arange(1, spans + 1))
    step = np.empty((spans, 1, FINENESS))
    for m in range(spans):
        square = (np.arange(FINENESS) + 0.5) / FINENESS * reach[m] ** 2
        variance = VARIANCE_UM2 * (m + 1)
        step[m, 0] = -square / (2 * variance) - np.log(2 * np.pi * variance)
    going_on = (alone - missed * np.arange(spans))[:, None, None]
    return Odds(np.zeros(n, np.int64), going_on, step, reach)


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_the_set_of_pairs_has_the_largest_gain(seed: int, n: int, pairs: int) -> None:
    rng = np.random.default_rng(seed)
    chosen = np.unique(rng.integers(0, n * n, pairs))
    source, target = np.divmod(chosen, n)
    gain = rng.uniform(0.01, 5, len(chosen))
    taken = joint.assign(source, target, gain, n)
    assert len(np.unique(source[taken])) == taken.sum() == len(np.unique(target[taken]))
    dense = np.zeros((n, n))
    dense[source, target] = gain
    rows, columns = linear_sum_assignment(-dense)
    assert gain[taken].sum() == pytest.approx(dense[rows, columns].sum())


def test_no_pairs_are_no_links() -> None:
    none = np.zeros(0, np.int64)
    assert joint.assign(none, none, np.zeros(0), 3).shape == (0,)


def test_a_spot_is_kept_for_its_own_particle_behind_a_gap() -> None:
    """One particle is missed in frame 1, where another begins near by."""
    frame = np.array([0, 1, 2, 2])
    xy = np.array([[0.0, 0.0], [1.2, 0.0], [0.1, 0.0], [1.3, 0.0]])
    still, cuts = np.zeros((2, 4, 2)), np.zeros(3, bool)
    assert joint.link(frame, xy, odds_of(4, 2), still, cuts)[0].tolist() == [0, 1, 0, 1]
    # from frame to frame the first would go on as the other
    assert linking.link(frame, xy, 3, 2.0, 1).tolist() == [0, 0, 1, 0]


def test_flow_is_followed_and_a_scene_cut_ends_all() -> None:
    frame = np.array([0, 1, 2, 3])
    xy = np.array([[0.0, 0.0], [3.0, 0.1], [6.0, 0.0], [9.0, 0.0]])
    flow = np.zeros((2, 4, 2))
    flow[0, :, 0], flow[1, :, 0] = 3.0, 6.0
    cuts = np.zeros(4, bool)
    assert joint.link(frame, xy, odds_of(4, 2), flow, cuts)[0].tolist() == [0, 0, 0, 0]
    cuts[2] = True
    assert joint.link(frame, xy, odds_of(4, 2), flow, cuts)[0].tolist() == [0, 0, 1, 1]


def test_what_is_seen_in_between_and_beyond_counts() -> None:
    frame, xy = np.array([0, 2]), np.array([[0.0, 0.0], [0.1, 0.0]])
    still, cuts = np.zeros((2, 2, 2)), np.zeros(3, bool)
    known = odds_of(2, 2, missed=4.0)
    assert joint.link(frame, xy, known, still, cuts)[0].tolist() == [0, 1]
    seen, _ = joint.link(frame, xy, known, still, cuts, lambda a, span, b: np.full(len(a), 3.0))
    assert seen.tolist() == [0, 0]
    # the same, seen of either alone, speaks for an end and a beginning
    alone = np.full(2, 1.5), np.full(2, 1.5)
    both, _ = joint.link(
        frame, xy, known, still, cuts, lambda a, span, b: np.full(len(a), 3.0), alone
    )
    assert both.tolist() == [0, 1]


def test_numbers_follow_first_appearance() -> None:
    rng = np.random.default_rng(2)
    frame = np.repeat(np.arange(30), 20)
    xy = rng.uniform(0, 12, (600, 2))
    track, _ = joint.link(frame, xy, odds_of(600, 3), np.zeros((3, 600, 2)), np.zeros(30, bool))
    first = np.unique(track, return_index=True)[1]
    assert np.all(np.diff(first) > 0)
    assert len(np.unique(np.column_stack([frame, track]), axis=0)) == len(frame)


def test_links_that_are_hardly_likelier_than_none_are_counted() -> None:
    """Steps of 0 and of two deviations: the odds of the second are smaller by 2."""
    frame = np.array([0, 0, 1, 1, 2, 2])
    xy = np.array([[0.0, 0], [0, 9], [0, 0], [1, 9], [0, 0], [1, 9]])
    still, cuts = np.zeros((1, 6, 2)), np.zeros(3, bool)
    peak = -np.log(2 * np.pi * VARIANCE_UM2)
    known = odds_of(6, 1, alone=joint.DOUBTFUL + 1 - peak)
    track, doubts = joint.link(frame, xy, known, still, cuts)
    assert track.tolist() == [0, 1, 0, 1, 0, 1]
    # counted through the first track, then through the second
    assert doubts.tolist() == [0, 0, 0, 1, 0, 1]
    _, none = joint.link(frame, xy, odds_of(6, 1, alone=5 - peak), still, cuts)
    assert not none.any()

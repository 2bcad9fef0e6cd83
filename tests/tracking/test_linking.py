"""Links between true positions, against who is who."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.tracking import linking, radius
from tests.theory.brownian import film

STEP = 0.5
REACH = radius.REACH * STEP


def links_of(frame, name):
    """Pairs (spot, next spot) of one track or particle, over neighbouring frames."""
    order = np.lexsort((frame, name))
    a, b = order[:-1], order[1:]
    good = (name[a] == name[b]) & (frame[b] - frame[a] == 1)
    return set(zip(a[good].tolist(), b[good].tolist(), strict=True))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_recall_and_precision_at_low_density(seed):
    # rho pi sigma^2 of the links go wrong: 10/1600 x pi x 0.25 = 0.5 %
    rng = np.random.default_rng(seed)
    frame, xy, name = film(rng, 10, 300, (40.0, 40.0), STEP)
    track = linking.link(frame, xy, 300, REACH, 0)
    true, found = links_of(frame, name), links_of(frame, track)
    right = len(true & found)
    assert right / len(true) > 0.99
    assert right / len(found) > 0.99


def test_numbers_follow_first_appearance_and_no_frame_holds_a_track_twice():
    frame, xy, _ = film(np.random.default_rng(4), 60, 50, (40.0, 40.0), STEP)
    track = linking.link(frame, xy, 50, REACH, 1)
    first = np.unique(track, return_index=True)[1]
    assert np.all(np.diff(first) > 0)
    assert track[0] == 0
    assert len(np.unique(np.column_stack([frame, track]), axis=0)) == len(frame)


def test_steps_never_exceed_the_radius():
    frame, xy, _ = film(np.random.default_rng(4), 60, 50, (40.0, 40.0), STEP)
    track = linking.link(frame, xy, 50, 0.8, 1)
    order = np.lexsort((frame, track))
    same = np.diff(track[order]) == 0
    assert np.hypot(*np.diff(xy[order], axis=0)[same].T).max() <= 0.8


@pytest.mark.parametrize(("gap", "n_tracks"), [(0, 2), (1, 1), (2, 1)])
def test_a_missed_frame_is_bridged_when_allowed(gap, n_tracks):
    frame = np.array([0, 1, 3, 4])
    xy = np.array([[0, 0], [0.1, 0], [0.2, 0], [0.3, 0]], float)
    assert len(set(linking.link(frame, xy, 5, 1.0, gap))) == n_tracks


@pytest.mark.parametrize(("gap", "n_tracks"), [(1, 2), (2, 1)])
def test_two_missed_frames(gap, n_tracks):
    frame = np.array([0, 3])
    assert len(set(linking.link(frame, np.zeros((2, 2)), 4, 1.0, gap))) == n_tracks


def test_the_smallest_sum_of_squares_wins():
    # nearest first would take 0 -> 1.0 (0.9 away from 0.1) and leave a step of 1.9
    frame = np.array([0, 0, 1, 1])
    xy = np.array([[0, 0], [1, 0], [0.9, 0], [1.9, 0]], float)
    assert linking.link(frame, xy, 2, 3.0, 0).tolist() == [0, 1, 0, 1]


def test_an_end_costs_one_radius():
    # two links of 0.8 against one of 0 and an end: 0.64 + 0.64 > 0 + 1
    frame = np.array([0, 0, 1, 1])
    xy = np.array([[0, 0], [0.8, 0], [0.8, 0], [1.6, 0]], float)
    assert linking.link(frame, xy, 2, 1.0, 0).tolist() == [0, 1, 1, 2]
    assert linking.link(frame, xy, 2, 1.2, 0).tolist() == [0, 1, 0, 1]


def test_nothing_to_link():
    none = np.zeros(0, np.int64)
    assert linking.link(none, np.zeros((0, 2)), 5, 1.0, 1).shape == (0,)
    assert linking.ambiguous_share(none, np.zeros((0, 2)), np.zeros((0, 2)), 1.0) == 0.0


@pytest.mark.parametrize("per_frame", [20, 60])
def test_ambiguous_share_is_the_share_of_wrong_links(per_frame):
    """Against the truth, and against theory at low density.

    Two particles r apart are exchanged where their relative step exceeds r along their line:
    integrating Phi(-r/(sigma sqrt 2)) over neighbours of density rho gives rho pi sigma^2 wrong
    links a link. Triplets and the window's sides add terms of the same order squared; three times
    the square is granted. Wrong links come in pairs: their number scatters as sqrt(2 n).
    """
    rng = np.random.default_rng(6)
    side, n_frames = 40.0, 300
    frame, xy, name = film(rng, per_frame, n_frames, (side, side), STEP)
    track = linking.link(frame, xy, n_frames, REACH, 0)
    true, found = links_of(frame, name), links_of(frame, track)
    a, b = np.array(sorted(found)).T
    stated = linking.ambiguous_share(frame[a], xy[a], xy[b] - xy[a], REACH)
    n = len(found)
    expected = len(a) / (n_frames - 1) / side**2 * np.pi * STEP**2
    error = np.sqrt(2 * expected / n)
    # a link that joins two particles at the window's sides (one left, one came) is no exchange
    present = {(int(f), int(i)) for f, i in zip(frame, name, strict=True)}
    exchanged = [
        (s, t)
        for s, t in found - true
        if (int(frame[s]) + 1, int(name[s])) in present
        and (int(frame[t]) - 1, int(name[t])) in present
    ]
    wrong = len(exchanged) / n
    assert abs(wrong - expected) < 4 * error + 3 * expected**2
    assert abs(stated - wrong) < 4 * error + 3 * expected**2

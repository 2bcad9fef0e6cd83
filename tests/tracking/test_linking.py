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


def test_weak_spots_start_no_track():
    track = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    weak = np.array([1, 0, 1, 1, 1, 0, 1, 0], bool)
    kept = linking.drop_weak_starts(track, weak)
    assert kept.tolist() == [False, True, True, False, False, True, True, True]
    assert linking.drop_weak_starts(track[:0], weak[:0]).shape == (0,)


def test_border_cuts():
    x = np.array([0.5, 2, 3, 0.5, 0.2, 2.0, 2.5, 5.0])
    xy = np.column_stack([x, np.full(8, 5.0)])
    cut, keep = linking.border_cuts(np.array([0] * 7 + [1]), xy, (10.0, 10.0), 1.0)
    # a step counts when it starts inside: 2 -> 3 -> 0.5, then anew 2 -> 2.5
    assert keep.tolist() == [False, True, True, True, False, True, True, True]
    assert cut[1] == cut[2] == cut[3]
    assert cut[5] == cut[6] != cut[1]
    assert cut[7] != cut[6]
    none = linking.border_cuts(np.zeros(0, np.int64), np.zeros((0, 2)), (10.0, 10.0), 1.0)
    assert [len(part) for part in none] == [0, 0]


def test_border_cuts_take_the_bias_of_a_small_view():
    """Steps seen in a box of side L: <dx^2> falls by sigma/L x 2 phi(0), and with cuts by
    2 phi(2.5) sigma/L: a step of x with u beyond the distance to a side is not seen, and the
    integral of E[u^2 - sigma^2; u > x] over x is phi(0) sigma^3 a side. Along the sides nothing
    is lost. The second order in sigma/L is granted.
    """
    rng = np.random.default_rng(7)
    side = 10.0
    frame, xy, name = film(rng, 60, 700, (side, side), STEP)
    order = np.lexsort((frame, name))
    frame, xy, name = frame[order], xy[order], name[order]

    def ratio(names, keep):
        f, p, m = frame[keep], xy[keep], names[keep]
        good = (np.diff(m) == 0) & (np.diff(f) == 1)
        steps = np.diff(p, axis=0)[good]
        return (steps**2).mean() / STEP**2, np.sqrt(2 / steps.size)

    phi = 0.3989
    biased, error = ratio(name, np.ones(len(name), bool))
    # per seen step: the lost ones carry their own share of mean square too
    expected = 1 - 2 * phi * STEP / side
    assert abs(biased - expected) < 4 * error + (STEP / side) ** 2
    assert biased < 1 - 4 * error
    cut, keep = linking.border_cuts(name, xy, (side, side), 2.5 * STEP)
    inner = side - 5 * STEP
    left, error = ratio(cut, keep)
    assert abs(left - 1) < 4 * error + 2 * phi * np.exp(-(2.5**2) / 2) * STEP / inner

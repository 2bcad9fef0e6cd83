"""Where tracks are cut, and that it does not choose among steps."""

from __future__ import annotations

import numpy as np

from evsize.tracking import pieces
from tests.theory.brownian import film

STEP = 0.5


def test_weak_spots_start_no_track():
    track = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    weak = np.array([1, 0, 1, 1, 1, 0, 1, 0], bool)
    kept = pieces.drop_weak_starts(track, weak)
    assert kept.tolist() == [False, True, True, False, False, True, True, True]
    assert pieces.drop_weak_starts(track[:0], weak[:0]).shape == (0,)


def test_tracks_are_cut_at_the_border():
    x = np.array([0.5, 2, 3, 0.5, 0.2, 2.0, 2.5, 5.0])
    xy = np.column_stack([x, np.full(8, 5.0)])
    inside = pieces.inside_border(xy, (10.0, 10.0), 1.0)
    cut, keep = pieces.cut_where_not(np.array([0] * 7 + [1]), inside)
    # a step counts when it starts inside: 2 -> 3 -> 0.5, then anew 2 -> 2.5
    assert keep.tolist() == [False, True, True, True, False, True, True, True]
    assert cut[1] == cut[2] == cut[3]
    assert cut[5] == cut[6] != cut[1]
    assert cut[7] != cut[6]
    none = pieces.cut_where_not(np.zeros(0, np.int64), np.zeros(0, bool))
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
    cut, keep = pieces.cut_where_not(name, pieces.inside_border(xy, (side, side), 2.5 * STEP))
    inner = side - 5 * STEP
    left, error = ratio(cut, keep)
    assert abs(left - 1) < 4 * error + 2 * phi * np.exp(-(2.5**2) / 2) * STEP / inner

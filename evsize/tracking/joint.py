"""All links of a film at once, by their odds.

From frame to frame a spot would be linked to another particle as soon as its own is missed; here
that link stands against the one over the gap.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from evsize.tracking.odds import Odds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Support = Callable[[Ints, int, Ints], Floats]
HOPELESS = -6.0
"""Log-odds below which nothing seen between two spots would make them one particle's."""
DOUBTFUL = 1.0
"""Log-odds, lenience included, below which a link is made and left out of sizes. A third of them
join two particles in films of faint particles that move far (60 nm at an SNR of 6, 0.166 um/px):
with all of them their D is 3 to 5 % too high, with those above 1.5 only 0 to 3 %. In films of
bright particles most of them are long steps of one particle, and leaving them out makes 60 nm
0.9 % larger with 1.5, 0.5 % with 1 (ten films, seeds 880 to 889): a balance, no theory."""


def link(
    frame: Ints,
    xy_um: Floats,
    odds: Odds,
    ahead_um: Floats,
    cuts: NDArray[np.bool_],
    support: Support | None = None,
    alone: tuple[Floats, Floats] | None = None,
) -> tuple[Ints, Ints]:
    """Number the track of each spot.

    Each spot has at most one link on and one back; of all such sets the one with the largest sum
    of log-odds is chosen, none whose odds are against it. That is one assignment problem for all
    frames and gaps together (Zhang, Li & Nevatia, Proc. CVPR (2008): tracks as paths of least
    cost).

    Parameters
    ----------
    frame : ndarray of int, (spots,), ascending
        Frame of each spot.
    xy_um : ndarray, (spots, 2)
        Positions, um.
    odds : Odds
        What strengths and steps say of a link.
    ahead_um : ndarray, (spans, spots, 2)
        How far the flow carries each spot over 1, 2, ... frames, um.
    cuts : ndarray of bool, (n_frames,)
        Frames that show another scene than the one before: no track goes on.
    support : callable, optional
        Log-odds that what is seen in the frames between lends to links: takes first spots, frames
        spanned, last spots.
    alone : (ndarray, ndarray), (spots,) each, optional
        Log-odds that what is seen in the frame behind each spot lends to its being a track's last,
        and in the frame before to its being the first.

    Returns
    -------
    track : ndarray of int, (spots,)
        Track of each spot, numbered by first appearance.
    doubts : ndarray of int, (spots,)
        Links of odds below `DOUBTFUL`, counted through all tracks one after the other: between
        two spots of a track lies one if their counts differ.
    """
    scene = np.cumsum(cuts)[frame]
    apart_um = 4 * float(odds.radius_um.max())
    places = cKDTree(np.column_stack([xy_um, frame * apart_um]))
    found = []
    for span, ahead in enumerate(ahead_um, start=1):
        after = cKDTree(np.column_stack([xy_um + ahead, (frame + span) * apart_um]))
        reach = float(odds.radius_um[span - 1])
        near = after.sparse_distance_matrix(places, reach, output_type="coo_matrix")
        a, b = near.row.astype(np.int64), near.col.astype(np.int64)
        gain = odds.of(a, span, b, near.data**2)
        possible = (gain > HOPELESS) & (scene[a] == scene[b])
        a, b, gain = a[possible], b[possible], gain[possible]
        if support is not None and span > 1:
            gain = gain + support(a, span, b)
        if alone is not None:
            gain = gain - alone[0][a] - alone[1][b]
        likely = gain > 0
        found.append((a[likely], b[likely], gain[likely]))
    source, target, gain = (np.concatenate(part) for part in zip(*found, strict=True))
    chosen = assign(source, target, gain, len(frame))
    links = csr_matrix(
        (np.ones(int(chosen.sum())), (source[chosen], target[chosen])), shape=(len(frame),) * 2
    )
    # the parts of a graph are numbered by their first node
    track = np.asarray(connected_components(links, directed=False)[1], np.int64)
    order = np.lexsort((frame, track))
    unsure = np.zeros(len(frame), np.int64)
    unsure[target[chosen]] = gain[chosen] < DOUBTFUL
    doubts = np.empty_like(unsure)
    doubts[order] = np.cumsum(unsure[order])
    return track, doubts


def assign(source: Ints, target: Ints, gain: Floats, n: int) -> NDArray[np.bool_]:
    """Choose pairs with the largest sum of gains, no source and no target twice.

    Parameters
    ----------
    source, target : ndarray of int, (pairs,)
        Below `n`.
    gain : ndarray, (pairs,)
        Above 0.
    n : int
        Sources, and targets.

    Returns
    -------
    ndarray of bool, (pairs,)

    Notes
    -----
    The solver wants each row and column matched: a source is matched with a stand-in of its own,
    the mirror image of the graph takes the stand-ins of what is linked.
    """
    nothing = float(gain.max(initial=0.0)) + 1.0
    each = np.arange(n)
    cost = np.concatenate([nothing - gain, np.full(2 * n + len(gain), nothing)])
    rows = np.concatenate([source, each, n + each, n + target])
    columns = np.concatenate([target, n + each, each, n + source])
    matrix = csr_matrix((cost, (rows, columns)), shape=(2 * n, 2 * n))
    rows, columns = min_weight_full_bipartite_matching(matrix)
    follower = np.full(2 * n, -1)
    follower[rows] = columns
    return np.asarray(follower[source] == target)

"""Whether particles are surely of more than one size, told by their motion alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTHS = 0.02, 0.07, 0.13
"""Standard deviations of ln(diameter) of what counts as one size."""
OTHERS = 0.1
"""Share of the tracks that may be of any size beside the one: clumps, pieces, wrong links."""
SURELY = 6.0
"""Logarithm of the likelihood ratio: a mixture fitted freely gains by chance (up to 4.3 in 27
simulated films of one size), and several tracks may be of one particle."""


def several_sizes(likelihood: Floats, x: Floats, weight: Floats, shares: Floats) -> bool:
    """Whether the tracks are better told by shares of all sizes than by one size and a few others.

    Parameters
    ----------
    likelihood : ndarray, (tracks, sizes)
        Of each size, up to a factor a track.
    x : ndarray, (sizes,)
        ln(diameter).
    weight : ndarray, (tracks,)
        How much each track counts, 1 in the mean.
    shares : ndarray, (sizes,)
        Those most likely, roughly.

    Notes
    -----
    Shares by themselves do not tell it: after a few rounds of expectation maximisation those of
    one size are wide as well.
    """
    anywhere = OTHERS * likelihood.mean(axis=1)
    one = np.concatenate([_of_one_size(x, sd) for sd in WIDTHS])
    narrow = (1 - OTHERS) * likelihood @ one.T + anywhere[:, None]
    wide = (1 - OTHERS) * likelihood @ shares + anywhere
    gain = weight @ np.log(wide) - (weight @ np.log(narrow)).max()
    return bool(gain > SURELY)


def _of_one_size(x: Floats, sd: float) -> Floats:
    """Shares (sizes, sizes) of populations about each size."""
    shares = np.exp(-0.5 * ((x[:, None] - x) / sd) ** 2)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))

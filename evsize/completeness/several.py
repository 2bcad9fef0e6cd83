"""Whether particles are surely of more than one size, told by their motion alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTHS = 0.02, 0.05, 0.08, 0.1, 0.13
"""Standard deviations of ln(diameter) of what counts as one size."""
OTHERS = 0.1
"""Share of the tracks that may be of any size beside the one: clumps, pieces, wrong links."""
SURELY = 2.0
"""Logarithm of the likelihood ratio: a mixture fitted freely gains by chance, up to 0.8 in sixteen
simulated films of one size; it gained 6 to 32 in films of two sizes, 0 to 13 in films of vesicles
that are 30 % wide, which therefore do not always pass for several."""


def several_sizes(likelihood: Floats, x: Floats, weight: Floats, shares: Floats) -> bool:
    """Whether the tracks are better told by shares of all sizes than by one size and a few others.

    Parameters
    ----------
    likelihood : ndarray, (tracks, sizes)
        Of each size, up to a factor a track.
    x : ndarray, (sizes,)
        ln(diameter).
    weight : ndarray, (tracks,)
        Independent particles that each track is worth.
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

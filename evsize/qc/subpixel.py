"""How strongly positions are drawn towards places within the pixel."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 500


def locking_rms(position_px: Floats) -> float:
    """Root mean square displacement that would spread positions evenly within the pixel.

    Parameters
    ----------
    position_px : ndarray, (n,)
        Positions along one axis, px.

    Returns
    -------
    float
        px; NaN for fewer than `FEWEST` positions. 0 for an even spread, 1/sqrt(12) = 0.29 where
        all lie at one place of the pixel. By chance, for independent positions, sqrt(1/(12 n)).

    Notes
    -----
    With F the distribution of the fractional position u, the displacement that makes it even is
    F(u) - u, up to a constant that shifts all alike. Its mean square is Watson's U^2 over n:
    Watson, Biometrika 48, 109 (1961).
    """
    n = len(position_px)
    if n < FEWEST:
        return math.nan
    sorted_px = np.sort(np.mod(position_px, 1.0))
    even = (np.arange(n) + 0.5) / n
    return float(np.std(sorted_px - even))

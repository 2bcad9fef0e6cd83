"""Depth of view of the sizes as they are found, which are not quite those that particles have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESOLUTION = 0.05
"""Standard deviation of ln(diameter) by which a size distribution smears each size: that of single
sizes is 0.03 to 0.07 (D90/D10 of 1.07 to 1.19, see docs/validation/accuracy.md)."""
ANYWHERE = 0.02
"""Share of the particles that may have any size: where none was seen the depth is that of the
size itself."""


def as_found(
    diameter_nm: Floats, log_depth: Floats, errors: Floats, shares: Floats, limit_nm: float
) -> tuple[Floats, Floats]:
    """Depth that turns numbers in view into numbers per volume, size by size as found.

    Parameters
    ----------
    diameter_nm : ndarray, (n,)
        Ascending.
    log_depth : ndarray, (n,)
        ln of the depth (um) in which particles of each size are seen.
    errors : ndarray, (n, k)
        Its change with each of k independent errors.
    shares : ndarray, (n,)
        Share of each size among the particles seen, sharper than a size distribution: told by
        their brightness as well.
    limit_nm : float
        Detection limit; of smaller sizes the depth stays as it is.

    Returns
    -------
    log_depth : ndarray, (n,)
    errors : ndarray, (n, k)

    Notes
    -----
    Near the limit the depth falls steeply. A single size that is smeared there counts too much:
    the mean of 1/depth over the smeared sizes is larger than 1/depth of the size. So each size
    found counts by the mean of 1/depth over the sizes that it may be (Bayes): around a single
    size all count as that one, in a broad population hardly anything changes.
    """
    x = np.log(diameter_nm)
    prior = (1 - ANYWHERE) * shares / max(float(shares.sum()), 1e-300) + ANYWHERE / len(x)
    may_be = np.exp(-0.5 * ((x[:, None] - x) / RESOLUTION) ** 2) * prior
    may_be /= may_be.sum(axis=1, keepdims=True)
    # what is below the limit is not counted, and where nothing is seen 1/depth knows no bound
    at_limit = float(np.interp(np.log(limit_nm), x, log_depth))
    inverse = may_be * np.exp(-np.maximum(log_depth, at_limit))
    total = inverse.sum(axis=1)
    counted = diameter_nm >= limit_nm
    changed = np.where(counted[:, None], inverse / total[:, None] @ errors, errors)
    return np.where(counted, -np.log(total), log_depth), changed

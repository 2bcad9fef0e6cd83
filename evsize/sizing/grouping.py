"""Tracks with like likelihoods, put together so that a fit has hundreds of rows, not thousands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEW = 500
"""Tracks up to which each one stays its own group."""
WIDTH = 0.25
"""Side of a group's cell: in standard deviations of a likelihood for its place, in the logarithm
for its width. Within a cell the mean log-likelihood stands for all; a smooth distribution that is
as wide as the likelihoods, fitted to the places, becomes narrower by WIDTH^2/12, half a per cent
of the likelihoods' variance, and one that is much narrower not at all."""


def alike(log_likelihood: Floats, log_d: Floats) -> Ints:
    """Put tracks into groups of like place and width of their likelihood.

    Parameters
    ----------
    log_likelihood : ndarray, (tracks, sizes)
        Up to a constant a track.
    log_d : ndarray, (sizes,)
        ln(diameter), evenly spaced.

    Returns
    -------
    ndarray of int, (tracks,)
        Group of each track, from 0 without holes.
    """
    n_tracks = len(log_likelihood)
    if n_tracks <= FEW:
        return np.arange(n_tracks)
    weight = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    mean = weight @ log_d
    sd = np.sqrt(np.maximum(weight @ log_d**2 - mean**2, (log_d[1] - log_d[0]) ** 2))
    width = np.floor(np.log(sd) / WIDTH)
    place = np.floor((mean - log_d[0]) / (WIDTH * np.exp(WIDTH * width)))
    key = np.column_stack([width, place]).astype(np.int64)
    return np.asarray(np.unique(key, axis=0, return_inverse=True)[1].reshape(-1), np.int64)


def means(rows: Floats, group: Ints) -> Floats:
    """Mean row (groups, columns) of the tracks of each group."""
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(group.max() + 1))
    return np.asarray(np.add.reduceat(rows[order], first, axis=0) / np.bincount(group)[:, None])

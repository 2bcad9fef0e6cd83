"""From numbers in view to numbers per volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evsize.results import Completeness

Floats = NDArray[np.float64]

UNSEEN = 6.0
"""A size is taken to be seen no less than exp(-6) times as deep as the detection limit."""
UM3_PER_ML = 1e12


@dataclass(frozen=True, slots=True)
class Depths:
    """Effective depth of each size, and from which size on it counts.

    Attributes
    ----------
    log_depth : ndarray, (sizes,)
        ln of the depth, um.
    log_error : ndarray, (sizes, k)
        Its change with each of k independent errors.
    counted : ndarray of bool, (sizes,)
        Sizes above the detection limit.
    """

    log_depth: Floats
    log_error: Floats
    counted: NDArray[np.bool_]

    @staticmethod
    def alike(n_sizes: int) -> Depths:
        """All sizes are seen alike: numbers in view stay what they are."""
        return Depths(np.zeros(n_sizes), np.zeros((n_sizes, 0)), np.ones(n_sizes, np.bool_))

    @staticmethod
    def of(completeness: Completeness, diameter_nm: Floats) -> Depths:
        """Depths on a grid of diameters, ascending."""
        log_d, known = np.log(diameter_nm), np.log(completeness.diameter_nm)
        log_depth = np.interp(log_d, known, completeness.log_depth)
        columns = [np.interp(log_d, known, column) for column in completeness.log_error.T]
        limit = completeness.detection_limit_nm.value or diameter_nm[0]
        counted = diameter_nm >= limit
        at_limit = float(log_depth[counted].min()) if counted.any() else float(log_depth.max())
        return Depths(
            np.maximum(log_depth, at_limit - UNSEEN),
            np.column_stack(columns) if columns else np.zeros((len(log_d), 0)),
            counted,
        )

    def drawn(self, rng: np.random.Generator) -> Depths:
        """The depths as they may be as well."""
        error = self.log_error @ rng.standard_normal(self.log_error.shape[1])
        return Depths(self.log_depth + error, self.log_error, self.counted)

    def amounts(
        self, diameter_nm: Floats, weight: Floats, edges_nm: Floats
    ) -> tuple[Floats, Floats]:
        """Sum of weights over depth in each bin (1/um) for single tracks, and its variance.

        Tracks are taken for independent: few as they are in a blank, the numbers are rough.

        Parameters
        ----------
        diameter_nm, weight : ndarray, (tracks,)
            Size and positions of each track.
        edges_nm : ndarray, (sizes + 1,)
            Edges of the bins.
        """
        place = np.clip(np.searchsorted(edges_nm, diameter_nm) - 1, 0, len(self.log_depth) - 1)
        each = np.where(self.counted[place], weight * np.exp(-self.log_depth[place]), 0.0)
        n = len(self.log_depth)
        total, square = (np.bincount(place, values, minlength=n) for values in (each, each**2))
        return np.asarray(total, np.float64), np.asarray(square, np.float64)

    def per_volume(self, seen: Floats) -> Floats:
        """Numbers per volume from numbers in view, (..., sizes); 0 for sizes that do not count."""
        return np.where(self.counted, seen * np.exp(-self.log_depth), 0.0)

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
        at_limit = float(np.interp(np.log(limit), log_d, log_depth))
        return Depths(
            np.maximum(log_depth, at_limit - UNSEEN),
            np.column_stack(columns) if columns else np.zeros((len(log_d), 0)),
            diameter_nm >= limit,
        )

    def drawn(self, rng: np.random.Generator) -> Depths:
        """The depths as they may be as well."""
        error = self.log_error @ rng.standard_normal(self.log_error.shape[1])
        return Depths(self.log_depth + error, self.log_error, self.counted)

    def per_volume(self, seen: Floats) -> Floats:
        """Numbers per volume from numbers in view, (..., sizes); 0 for sizes that do not count."""
        return np.where(self.counted, seen * np.exp(-self.log_depth), 0.0)

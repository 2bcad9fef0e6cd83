"""How numbers in view become numbers per volume, and what a blank takes off them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evsize.results import Blank, Completeness, Value
from evsize.settings import SizingSettings
from evsize.sizing.view import UM3_PER_ML, Depths

Floats = NDArray[np.float64]

WEIGHTING = "per particle seen: each track counts by the frames in which it was followed"
MOST_BELOW = 0.25
"""Share of what is seen that may lie below the detection limit, at most."""


@dataclass(frozen=True)
class Counting:
    """How numbers in view become numbers per volume.

    Attributes
    ----------
    depths : Depths
    limit_nm : float or None
        Detection limit.
    per_ml : float
        Concentration for positions over depth of 1/um; NaN where the depth has no scale.
    weighting : str
        In words.
    per_volume : bool
        Whether it is a number per volume.
    """

    depths: Depths
    limit_nm: float | None
    per_ml: float
    weighting: str
    per_volume: bool = False

    @property
    def has_scale(self) -> bool:
        """Whether concentrations can be given."""
        return bool(np.isfinite(self.per_ml))

    def if_seen(self, seen: Floats) -> Counting:
        """The same, or numbers in view where much of what is seen is below the detection limit.

        Left out it would not be missed but misrepresented: of 60 nm beads in a film whose limit is
        65 nm only those that chance made look larger would stay.

        Parameters
        ----------
        seen : ndarray, (sizes,)
            Shares of what is seen, roughly.
        """
        share = float(seen[~self.depths.counted].sum())
        if share <= MOST_BELOW:
            return self
        why = (
            f"{WEIGHTING}; number per volume not known: {100 * share:.0f} % of the particles seen "
            f"are smaller than the {self.limit_nm:.0f} nm that are seen reliably"
        )
        return Counting(Depths.alike(len(seen)), self.limit_nm, np.nan, why)


def choose(
    completeness: Completeness | None, settings: SizingSettings, diameter: Floats
) -> Counting:
    """How to count on a grid of diameters, ascending: per volume where that is known and wanted."""
    per_seen = Counting(Depths.alike(len(diameter)), None, np.nan, WEIGHTING)
    if completeness is None:
        return per_seen
    limit = completeness.detection_limit_nm.value
    if settings.weighting == "seen":
        return replace(per_seen, limit_nm=limit)
    if completeness.reason:
        why = f"{WEIGHTING}; number per volume not known: {completeness.reason}"
        return replace(per_seen, weighting=why)
    per_ml = np.nan
    if completeness.has_scale and completeness.n_frames:
        per_ml = UM3_PER_ML / (completeness.n_frames * completeness.area_um2)
    words = f"number per volume: each size by the depth in which it is seen ({completeness.basis})"
    if limit is not None:
        words += f"; only sizes above {limit:.0f} nm, since smaller ones are not seen reliably"
    return Counting(Depths.of(completeness, diameter), limit, per_ml, words, per_volume=True)


def blank_per_ml(
    blank: Blank | None, depths: Depths, edges: Floats, dilution: float
) -> tuple[Floats, Floats]:
    """Concentration of a blank in each bin, as if it were sample, and its variance."""
    if blank is None:
        return np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    amount, variance = depths.amounts(blank.diameter_nm, blank.n_positions, edges)
    factor = UM3_PER_ML * dilution / (blank.n_frames * blank.area_um2)
    return amount * factor, variance * factor**2


def blank_choice(
    blank: Blank | None, counting: Counting, empty: tuple[Floats, Floats]
) -> dict[str, Value]:
    """What was taken off for the blank, for the record."""
    if blank is None or not counting.has_scale:
        return {}
    total = float(empty[0].sum())
    source = f"{len(blank.diameter_nm)} tracks of the blank, taken off the concentrations"
    return {"blank_per_ml": Value(value=total, unit="1/mL", source=source)}

"""Another maker's result in evsize's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from evsize.results import Estimate, Summary
from evsize.tables import DISTRIBUTION, PARTICLES

Floats = NDArray[np.float64]
HISTOGRAM_NM = 5.0
"""Width of the bins into which single sizes are counted, nm."""


@dataclass(frozen=True)
class Video:
    """What a vendor's file says of one recording.

    Attributes
    ----------
    name : str
        The recording, as the file names it.
    acquisition : dict
        Acquisition values by their names in `Acquisition`.
    stated : dict of str to float
        The vendor's own figures by the names of `Summary`, and ``sd_nm``, nm.
    summary : Summary
        The same figures worked out anew from the size data, in the way of the vendor's software.
    distribution : DataFrame
        Schema `tables.DISTRIBUTION`, no intervals; empty where the file has no sizes.
    concentration_per_ml : float or None
        Of the undiluted sample: the dilution is in it, once.
    particles : DataFrame or None
        Schema `tables.PARTICLES`; particles that the vendor left out carry a rejecting flag.
    positions : DataFrame or None
        One row a position: ``track_id, frame, x_px, y_px, brightness``.
    """

    name: str
    acquisition: Mapping[str, Any] = field(default_factory=dict)
    stated: Mapping[str, float] = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)
    distribution: pd.DataFrame = field(default_factory=DISTRIBUTION.empty)
    concentration_per_ml: float | None = None
    particles: pd.DataFrame | None = None
    positions: pd.DataFrame | None = None


@dataclass(frozen=True)
class VendorResult:
    """A vendor's file.

    Attributes
    ----------
    path : str
        The file.
    kind : str
        Instrument and table.
    videos : tuple of Video
        One for each recording in it.
    notes : tuple of str
        What is worth knowing about the figures.
    """

    path: str
    kind: str
    videos: tuple[Video, ...]
    notes: tuple[str, ...] = ()


def binned_table(
    low_nm: ArrayLike,
    centre_nm: ArrayLike,
    high_nm: ArrayLike,
    weights: ArrayLike,
    concentration_per_ml: ArrayLike | None = None,
) -> pd.DataFrame:
    """Make a distribution table of binned counts.

    Parameters
    ----------
    low_nm, centre_nm, high_nm : array_like, (n,)
        The bins, nm.
    weights : array_like, (n,)
        Anything proportional to numbers of particles.
    concentration_per_ml : array_like, (n,), optional
        Number concentration of each bin.
    """
    share = np.asarray(weights, dtype=np.float64)
    total = share.sum()
    empty = np.full(len(share), np.nan)
    return DISTRIBUTION.build(
        diameter_nm=centre_nm,
        bin_low_nm=low_nm,
        bin_high_nm=high_nm,
        fraction=share / total if total > 0 else empty,
        fraction_low=empty,
        fraction_high=empty,
        raw_fraction=empty,
        concentration_per_ml=empty if concentration_per_ml is None else concentration_per_ml,
    )


def binned_summary(table: pd.DataFrame, percentile_nm: ArrayLike | None = None) -> Summary:
    """Work out mean, mode and percentiles of a distribution table.

    The mean is that of the bin centres; the mode is the top of the parabola through the highest bin
    and its neighbours; percentiles are interpolated in the cumulative share.

    Parameters
    ----------
    table : DataFrame
        Schema `tables.DISTRIBUTION`.
    percentile_nm : array_like, (n,), optional
        Size at which each bin's cumulative share is reached, nm; its upper edge where left out.
    """
    share = table["fraction"].to_numpy(dtype=np.float64)
    if not len(share) or not np.isfinite(share).all() or share.sum() <= 0:
        return Summary()
    centre = table["diameter_nm"].to_numpy(dtype=np.float64)
    at = np.asarray(
        table["bin_high_nm"] if percentile_nm is None else percentile_nm, dtype=np.float64
    )
    before = at[0] - (at[1] - at[0]) if len(at) > 1 else float(table["bin_low_nm"].iloc[0])
    d10, d50, d90 = np.interp(
        [0.1, 0.5, 0.9], np.append(0.0, np.cumsum(share) / share.sum()), np.append(before, at)
    )
    return summary_of(float(np.average(centre, weights=share)), mode(centre, share), d10, d50, d90)


def mode(centre: Floats, share: Floats) -> float:
    """Top of the parabola through the highest bin and its neighbours; (n,) bins of one width."""
    top = int(share.argmax())
    if not 0 < top < len(share) - 1:
        return float(centre[top])
    left, middle, right = share[top - 1 : top + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(centre[top] + shift * (centre[top + 1] - centre[top]))


def summary_of(mean: float, most: float | None, d10: float, d50: float, d90: float) -> Summary:
    """Make a summary without intervals, nm."""
    return Summary(
        mean_nm=Estimate(value=mean),
        mode_nm=Estimate(value=most),
        d10_nm=Estimate(value=float(d10)),
        d50_nm=Estimate(value=float(d50)),
        d90_nm=Estimate(value=float(d90)),
        span=Estimate(value=float((d90 - d10) / d50) if d50 else None),
    )


def counted(diameter_nm: ArrayLike) -> tuple[pd.DataFrame, Summary]:
    """Distribution table and summary of single sizes, nm.

    The summary is that of the sizes themselves; the mode, which depends on the bins, is left out.
    """
    sizes = np.asarray(diameter_nm, dtype=np.float64)
    sizes = sizes[np.isfinite(sizes) & (sizes > 0) & (sizes < 1e5)]
    if not len(sizes):
        return DISTRIBUTION.empty(), Summary()
    edges = np.arange(0, sizes.max() + HISTOGRAM_NM, HISTOGRAM_NM)
    counts = np.histogram(sizes, np.append(edges, edges[-1] + HISTOGRAM_NM))[0]
    low = np.append(edges, edges[-1] + HISTOGRAM_NM)[:-1]
    table = binned_table(low, low + HISTOGRAM_NM / 2, low + HISTOGRAM_NM, counts)
    return table, summary_of(float(sizes.mean()), None, *np.percentile(sizes, [10, 50, 90]))


def particle_table(
    track_id: pd.Series, frames: pd.Series, first: pd.Series, size: pd.Series, d_um2_s: pd.Series
) -> pd.DataFrame:
    """Rows of `tables.PARTICLES` of which a vendor gives but a few columns."""
    empty = np.full(len(size), np.nan)
    given = {
        "track_id": track_id,
        "frames": frames,
        "first_frame": first,
        "diameter_nm": size,
        "d_um2_s": d_um2_s,
        "flags": np.zeros(len(size)),
    }
    return PARTICLES.build(**{name: given.get(name, empty) for name in PARTICLES.names})

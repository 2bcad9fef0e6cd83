"""What a saved result knows of the sizes it misses, for sizing its tracks anew."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.completeness.sheet import SHARES_ONLY
from evsize.results import Completeness, Estimate, Value

Floats = NDArray[np.float64]

RANGE_NM = (5.0, 5000.0)
FINE = 0.125
"""Part of the distance of two sizes of the table in which depths between them are worked out."""
CORRELATED = 0.5
"""Distance in ln(diameter) over which errors of the depth go together."""


def from_saved(
    table: pd.DataFrame,
    choices: Mapping[str, Value],
    diagnostics: Mapping[str, float | None],
    limit_nm: Estimate,
    n_frames: int,
    area_um2: float,
    factor: float = 1.0,
) -> Completeness:
    """Put together the depths of a saved result.

    Parameters
    ----------
    table : DataFrame
        Schema `tables.COMPLETENESS`.
    choices : mapping of str to Value
        Those of the pass, by name.
    diagnostics : mapping of str to float
        Those of the pass.
    limit_nm : Estimate
        Detection limit.
    n_frames : int
        Frames that were searched.
    area_um2 : float
        Area that was looked at.
    factor : float
        By which every diameter is larger than in the saved result: another temperature, viscosity,
        frame rate or pixel size gives the particles that were seen so deep another diameter, and
        they were seen so deep all the same.

    Returns
    -------
    Completeness
        The table holds the depth at some sizes and its whole error; errors of sizes close to each
        other are taken to go together. Between two sizes the depth is on a straight line; beyond
        the table it goes on as it ends below, and stays above.
    """
    known = np.log(table["diameter_nm"].to_numpy(np.float64) * factor)
    depth, depth_se = (table[name].to_numpy(np.float64) for name in ("depth_um", "depth_se_um"))
    # where nothing is seen yet the logarithm of the depth falls without end: no straight line
    log_d = np.interp(np.arange(0, len(known) - 1 + FINE / 2, FINE), np.arange(len(known)), known)
    log_depth = np.log(np.interp(log_d, known, depth))
    error = np.interp(log_d, known, depth_se / depth)
    slope = max((log_depth[1] - log_depth[0]) / (log_d[1] - log_d[0]), 0.0)
    ends = np.log(RANGE_NM)
    log_d = np.concatenate([[min(ends[0], log_d[0])], log_d, [max(ends[1], log_d[-1])]])
    first = log_depth[0] + slope * (log_d[0] - log_d[1])
    log_depth = np.concatenate([[first], log_depth, log_depth[-1:]])
    error = np.concatenate([error[:1], error, error[-1:]])
    alike = np.exp(-0.5 * ((log_d[:, None] - log_d[None, :]) / CORRELATED) ** 2)
    values, vectors = np.linalg.eigh(alike)
    basis = choices["sheet_um"].source
    return Completeness(
        diameter_nm=np.exp(log_d),
        log_depth=log_depth,
        log_error=error[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)),
        detection_limit_nm=_scaled(limit_nm, factor),
        area_um2=area_um2,
        n_frames=n_frames,
        has_scale=not basis.endswith(SHARES_ONLY),
        basis=basis,
        table=_rescaled(table, factor),
        choices=choices,
        diagnostics=diagnostics,
    )


def _scaled(value: Estimate, factor: float) -> Estimate:
    ends = (None if end is None else end * factor for end in (value.value, value.low, value.high))
    return Estimate(**dict(zip(("value", "low", "high"), ends, strict=True)))


def _rescaled(table: pd.DataFrame, factor: float) -> pd.DataFrame:
    names = ("diameter_nm", "recovered_diameter_nm", "recovered_se_nm")
    return table.assign(**{name: table[name] * factor for name in names})

"""Likelihoods in, sizes, distribution and classes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.physics import Conditions
from evsize.results import (
    Acquisition,
    ClassShare,
    DistributionSummary,
    Estimate,
    Likelihoods,
    Misev,
    Peak,
    Sizing,
    Summary,
    Value,
    as_conditions,
)
from evsize.settings import SizingSettings
from evsize.sizing import resampling, summary, systematic, tracks
from evsize.sizing.deconvolution import Deconvolution
from evsize.tables import DISTRIBUTION, PARTICLES, Flag

__all__ = ["diameter_grid", "size"]

Floats = NDArray[np.float64]
WEIGHTING = "per particle seen: each track counts by the frames in which it was followed"
MISEV_SPLIT_NM = 200.0
FIGURES = ("mean_nm", "mode_nm", "d10_nm", "d50_nm", "d90_nm", "span")


def diameter_grid(settings: SizingSettings | None = None) -> Floats:
    """Logarithmic grid of diameters, nm."""
    settings = settings or SizingSettings()
    return np.geomspace(settings.min_diameter_nm, settings.max_diameter_nm, settings.n_sizes)


def size(
    likelihoods: Likelihoods,
    acquisition: Acquisition | Conditions,
    settings: SizingSettings | None = None,
    *,
    viscosity_se: float = 0.005,
    exposure_known: bool = True,
) -> Sizing:
    """Turn the likelihoods of all tracks into sizes, their distribution and classes.

    Parameters
    ----------
    likelihoods : Likelihoods
        From `evsize.estimate_diffusion`.
    acquisition : Acquisition or Conditions
        Temperature, medium and frame rate.
    settings : SizingSettings, optional
        Grid, classes and resampling; the grid is the likelihoods' own.
    viscosity_se : float
        Relative standard uncertainty of the viscosity.
    exposure_known : bool
        Whether the exposure is known; the systematic error is wider if not.

    Returns
    -------
    Sizing
        With no track, every figure is undefined and every table empty.

    Notes
    -----
    The distribution is the smooth mixture of sizes that makes all tracks most likely (see
    `deconvolution`), each track weighted by its positions; intervals come from resampling blocks
    of space and time.
    """
    settings, conditions = settings or SizingSettings(), as_conditions(acquisition)
    diameter = conditions.stokes_einstein_um3_s / likelihoods.d_um2_s * 1e3
    order = np.argsort(diameter)
    diameter, log_l = diameter[order], likelihoods.log_likelihood[:, order]
    edges = summary.bin_edges(diameter)
    particles = _particles(likelihoods, conditions, diameter, log_l)
    error = systematic.relative_error(viscosity_se, exposure_known)
    if not len(particles):
        return _nothing(particles, diameter, edges, settings, error)
    fitted = _fit(likelihoods, conditions, diameter, log_l, settings)
    raw = np.histogram(particles["diameter_nm"], bins=edges)[0].astype(float)
    low, high = _interval(fitted.resampled)
    table = DISTRIBUTION.build(
        diameter_nm=diameter,
        bin_low_nm=edges[:-1],
        bin_high_nm=edges[1:],
        fraction=fitted.shares,
        fraction_low=low,
        fraction_high=high,
        raw_fraction=raw / max(raw.sum(), 1),
        concentration_per_ml=np.full(len(diameter), np.nan),
    )
    central = summary.figures(fitted.shares, diameter, edges)
    spread = [summary.figures(row, diameter, edges) for row in fitted.resampled]
    found = summary.peaks(fitted.shares, diameter)
    distribution = DistributionSummary(
        **{name: _estimate(central[name], [row[name] for row in spread]) for name in FIGURES},
        peaks=[Peak(mode_nm=mode, fraction=fraction) for mode, fraction in found],
        weighting=WEIGHTING,
        systematic_percent=100 * error,
    )
    classes, misev = _classes(fitted, edges, settings)
    chosen = Value(value=fitted.strength, source="chosen by cross-validation")
    return Sizing(
        particles,
        table,
        distribution,
        _raw_summary(particles),
        classes,
        misev,
        _choices(settings) | {"smoothness": chosen},
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    shares: Floats
    resampled: Floats
    strength: float


def _fit(
    likelihoods: Likelihoods,
    conditions: Conditions,
    diameter: Floats,
    log_l: Floats,
    settings: SizingSettings,
) -> _Fit:
    base = likelihoods.n_positions.astype(float)
    t_s = np.asarray(likelihoods.first_frame * conditions.frame_interval_s, dtype=np.float64)
    block = resampling.blocks(likelihoods.x_um, likelihoods.y_um, t_s)
    mixture = Deconvolution(log_l, diameter)
    alike = np.ones(len(base))
    fitted = mixture.choose(alike, block)
    n_resamples = settings.n_bootstrap if block.max() > 0 else 0
    drawn = resampling.weights(block, alike, n_resamples, np.random.default_rng(settings.seed))
    rows = [
        mixture.reweighted(mixture.fit(row, fitted.strength, fitted), row * base) for row in drawn
    ]
    shares = mixture.reweighted(fitted, base)
    return _Fit(shares, np.array(rows).reshape(-1, len(diameter)), fitted.strength)


def _interval(values: Floats) -> tuple[Floats, Floats]:
    if not len(values):
        empty = np.full(values.shape[1:], np.nan)
        return empty, empty
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    return low, high


def _estimate(value: float, resampled: Sequence[float]) -> Estimate:
    if not resampled:
        return Estimate(value=value)
    low, high = np.quantile(np.asarray(resampled), [0.025, 0.975])
    return Estimate(value=value, low=min(float(low), value), high=max(float(high), value))


def _particles(
    likelihoods: Likelihoods, conditions: Conditions, diameter: Floats, log_l: Floats
) -> pd.DataFrame:
    best, low, high = tracks.best_and_interval(log_l, diameter)
    at_end = (log_l.argmax(axis=1) % (len(diameter) - 1) == 0) if len(log_l) else np.zeros(0, bool)
    scale = conditions.stokes_einstein_um3_s * 1e3
    unknown = np.full(len(best), np.nan)
    return PARTICLES.build(
        track_id=likelihoods.track_id,
        frames=likelihoods.n_positions,
        first_frame=likelihoods.first_frame,
        diameter_nm=best,
        diameter_low_nm=low,
        diameter_high_nm=high,
        d_um2_s=scale / best,
        d_low_um2_s=scale / high,
        d_high_um2_s=scale / low,
        d_cov_um2_s=likelihoods.d_cov_um2_s,
        loc_sd_nm=likelihoods.loc_sd_um * 1e3,
        brightness=unknown,
        snr=unknown,
        x_um=likelihoods.x_um,
        y_um=likelihoods.y_um,
        flags=likelihoods.flags | np.where(at_end, Flag.OUTSIDE_RANGE, 0).astype(np.uint32),
    )


def _raw_summary(particles: pd.DataFrame) -> Summary:
    sizes = np.sort(particles["diameter_nm"].to_numpy())
    d10, d50, d90 = np.quantile(sizes, [0.1, 0.5, 0.9])
    step = 0.02
    grid = np.exp(np.arange(np.log(sizes[0]) - 0.3, np.log(sizes[-1]) + 0.3, step))
    counts = np.histogram(sizes, bins=summary.bin_edges(grid))[0].astype(float)
    return Summary(
        mean_nm=Estimate(value=float(sizes.mean())),
        mode_nm=Estimate(value=summary.mode(counts, grid)),
        d10_nm=Estimate(value=float(d10)),
        d50_nm=Estimate(value=float(d50)),
        d90_nm=Estimate(value=float(d90)),
        span=Estimate(value=float((d90 - d10) / d50)),
    )


def _share(fitted: _Fit, edges: Floats, low_nm: float, high_nm: float) -> Estimate:
    def between(shares: Floats) -> float:
        below = summary.cumulative(shares, edges, np.array([low_nm, high_nm]))
        return float(below[1] - below[0])

    return _estimate(between(fitted.shares), [between(row) for row in fitted.resampled])


def _classes(
    fitted: _Fit, edges: Floats, settings: SizingSettings
) -> tuple[list[ClassShare], Misev]:
    beyond = float(edges[-1]) * 2
    classes = [
        ClassShare(
            name=c.name,
            low_nm=c.low_nm,
            high_nm=c.high_nm,
            fraction=_share(fitted, edges, c.low_nm, c.high_nm or beyond),
            note="outside the validated range of tracking" if c.low_nm >= 1000 else "",
        )
        for c in settings.classes
    ]
    misev = Misev(
        small_fraction=_share(fitted, edges, 0.0, MISEV_SPLIT_NM),
        large_fraction=_share(fitted, edges, MISEV_SPLIT_NM, beyond),
    )
    return classes, misev


def _nothing(
    particles: pd.DataFrame, diameter: Floats, edges: Floats, settings: SizingSettings, error: float
) -> Sizing:
    unknown = np.full(len(diameter), np.nan)
    table = DISTRIBUTION.build(
        diameter_nm=diameter,
        bin_low_nm=edges[:-1],
        bin_high_nm=edges[1:],
        fraction=unknown,
        fraction_low=unknown,
        fraction_high=unknown,
        raw_fraction=unknown,
        concentration_per_ml=unknown,
    )
    classes = [
        ClassShare(
            name=c.name, low_nm=c.low_nm, high_nm=c.high_nm, fraction=Estimate(), note="no particle"
        )
        for c in settings.classes
    ]
    distribution = DistributionSummary(weighting=WEIGHTING, systematic_percent=100 * error)
    return Sizing(particles, table, distribution, Summary(), classes, Misev(), _choices(settings))


def _choices(settings: SizingSettings) -> dict[str, Value]:
    names = ("min_diameter_nm", "max_diameter_nm", "n_sizes", "n_bootstrap", "seed")
    return {
        name: Value(
            value=getattr(settings, name),
            unit="nm" if name.endswith("_nm") else "",
            source="given" if name in settings.model_fields_set else "default",
        )
        for name in names
    }

"""Likelihoods in, sizes, distribution and classes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from evsize.physics import Conditions
from evsize.results import (
    Acquisition,
    Blank,
    ClassShare,
    Completeness,
    DistributionSummary,
    Estimate,
    Likelihoods,
    Misev,
    Sizing,
    Summary,
    Value,
    as_conditions,
)
from evsize.settings import SizingSettings
from evsize.sizing import counting as counts
from evsize.sizing import distribution, figures, summary, systematic, tracks
from evsize.sizing.counting import WEIGHTING, Counting
from evsize.sizing.deconvolution import Deconvolution
from evsize.sizing.resampling import effective_number, particle_units
from evsize.tables import DISTRIBUTION, PARTICLES, Flag

__all__ = ["diameter_grid", "effective_number", "particle_units", "size"]

Floats = NDArray[np.float64]


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
    completeness: Completeness | None = None,
    dilution: float = 1.0,
    blank: Blank | None = None,
    common_se: float = 0.0,
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
    completeness : Completeness, optional
        How deep each size is seen: numbers in view then become numbers per volume.
    dilution : float
        Factor by which the sample was diluted: concentrations are those before.
    blank : Blank, optional
        Particles of the diluent, recorded alike: taken off the concentrations, size by size.
    common_se : float
        Relative standard error of all diameters together from how the tracks were made, which the
        tracks do not show; it is in all intervals.

    Returns
    -------
    Sizing
        With no track, every figure is undefined and every table empty.

    Notes
    -----
    The distribution is the smooth mixture of sizes that makes all tracks most likely (see
    `deconvolution`), each track weighted by its positions. Intervals come from resampling,
    as many tracks of one size together as one particle leaves, and with them the localisation
    noise.
    """
    settings, conditions = settings or SizingSettings(), as_conditions(acquisition)
    diameter = conditions.stokes_einstein_um3_s / likelihoods.d_um2_s * 1e3
    order = np.argsort(diameter)
    diameter, log_l = diameter[order], likelihoods.log_likelihood[:, order]
    edges = summary.bin_edges(diameter)
    particles = _particles(likelihoods, conditions, diameter, log_l)
    error: dict[str, Any] = {
        "systematic_percent": 100 * systematic.relative_error(viscosity_se, exposure_known),
        "systematic_parts_percent": {
            name: 100 * part
            for name, part in systematic.contributions(viscosity_se, exposure_known).items()
        },
    }
    if not len(particles):
        return _nothing(particles, diameter, edges, settings, error)
    noise = likelihoods.noise
    if noise is not None:
        noise = replace(noise, slope=noise.slope[:, order])
    wanted = counts.choose(completeness, settings, diameter)
    mixture = Deconvolution(log_l, diameter, noise)
    fitted, counting = _fit(likelihoods, conditions, mixture, diameter, wanted, settings, common_se)
    per_ml = counting.per_ml * dilution
    raw = np.histogram(particles["diameter_nm"], bins=edges)[0].astype(float)
    low, high = figures.bins(fitted)
    unseen = ~counting.depths.counted
    empty = counts.blank_per_ml(blank, counting.depths, edges, dilution)
    table = DISTRIBUTION.build(
        diameter_nm=diameter,
        bin_low_nm=edges[:-1],
        bin_high_nm=edges[1:],
        fraction=np.where(unseen, np.nan, fitted.shares),
        fraction_low=np.where(unseen, np.nan, low),
        fraction_high=np.where(unseen, np.nan, high),
        raw_fraction=raw / max(raw.sum(), 1),
        concentration_per_ml=np.where(
            unseen, np.nan, fitted.number * fitted.shares * per_ml - empty[0]
        ),
    )
    answer = DistributionSummary(
        **figures.of(fitted, diameter, edges),
        peaks=figures.peaks(fitted, diameter),
        weighting=counting.weighting,
        per_volume=counting.per_volume,
        **error,
        volume_weighted=figures.by_volume(fitted, diameter, edges),
    )
    classes, misev = figures.classes(
        fitted,
        edges,
        settings.classes,
        counting.limit_nm,
        per_ml if counting.has_scale else None,
        empty,
    )
    n_units = int(fitted.unit.max()) + 1
    return Sizing(
        particles,
        table,
        answer,
        figures.single_tracks(particles["diameter_nm"].to_numpy()),
        classes,
        misev,
        _choices(settings)
        | {
            "smoothness": Value(value=fitted.strength, source="chosen by cross-validation"),
            "independent_units": Value(
                value=n_units, source="tracks of one size, as many as one particle leaves"
            ),
            "common_error": Value(
                value=100 * common_se,
                unit="%",
                source="of all diameters alike, from how tracks are made; in the intervals",
            ),
        }
        | counts.blank_choice(blank, counting, empty),
        concentration_per_ml=figures.concentration(fitted, np.ones(len(diameter)), per_ml, empty)
        if counting.has_scale
        else None,
    )


def _fit(
    likelihoods: Likelihoods,
    conditions: Conditions,
    mixture: Deconvolution,
    diameter: Floats,
    wanted: Counting,
    settings: SizingSettings,
    common_se: float,
) -> tuple[distribution.Distribution, Counting]:
    """Fit the distribution, counted as wanted if what is seen allows it."""
    weights = likelihoods.n_positions.astype(float)
    rng = np.random.default_rng(settings.seed)
    # thousands of products of small matrices: threads would only wait for each other
    with threadpool_limits(1, "blas"):
        rough = mixture.fit(np.ones(len(weights)), 1.0)
        counting = wanted.if_seen(mixture.reweighted(rough, weights))
        chance = rng.spawn(1)[0]
        known = mixture.posterior(rough)[mixture.group]
        unit = particle_units(likelihoods, conditions, known, mixture.log_d, chance)
        mixture = mixture.with_seen(counting.depths.log_depth)
        fitted = distribution.fit(
            mixture,
            weights,
            unit,
            diameter,
            counting.depths,
            settings.n_bootstrap,
            rng,
            common_se,
        )
        return fitted, counting


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


def _nothing(
    particles: pd.DataFrame,
    diameter: Floats,
    edges: Floats,
    settings: SizingSettings,
    error: dict[str, Any],
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
    answer = DistributionSummary(weighting=WEIGHTING, **error)
    return Sizing(particles, table, answer, Summary(), classes, Misev(), _choices(settings))


def _choices(settings: SizingSettings) -> dict[str, Value]:
    names = ("min_diameter_nm", "max_diameter_nm", "n_sizes", "n_bootstrap", "seed", "weighting")
    return {
        name: Value(
            value=getattr(settings, name),
            unit="nm" if name.endswith("_nm") else "",
            source="given" if name in settings.model_fields_set else "default",
        )
        for name in names
    }

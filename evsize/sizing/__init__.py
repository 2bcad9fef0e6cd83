"""Likelihoods in, sizes, distribution and classes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    NoiseUncertainty,
    Sizing,
    Summary,
    Value,
    as_conditions,
)
from evsize.settings import SizingSettings
from evsize.sizing import distribution, figures, resampling, summary, systematic, tracks
from evsize.sizing.deconvolution import Deconvolution
from evsize.sizing.view import UM3_PER_ML, Depths
from evsize.tables import DISTRIBUTION, PARTICLES, Flag

__all__ = ["diameter_grid", "size"]

Floats = NDArray[np.float64]
WEIGHTING = "per particle seen: each track counts by the frames in which it was followed"
MOST_BELOW = 0.25
"""Share of what is seen that may lie below the detection limit, at most."""


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

    Returns
    -------
    Sizing
        With no track, every figure is undefined and every table empty.

    Notes
    -----
    The distribution is the smooth mixture of sizes that makes all tracks most likely (see
    `deconvolution`), each track weighted by its positions. Intervals come from resampling the
    particles, as far as their tracks can be joined again, and with them the localisation noise.
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
    counting = _counting(completeness, settings, diameter)
    counting = _if_seen(counting, likelihoods, diameter, log_l)
    fitted = _fit(likelihoods, conditions, diameter, log_l, noise, counting, settings)
    per_ml = counting.per_ml * dilution
    raw = np.histogram(particles["diameter_nm"], bins=edges)[0].astype(float)
    low, high = figures.bins(fitted)
    unseen = ~counting.depths.counted
    empty = _blank_per_ml(blank, counting.depths, edges, dilution)
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
                value=n_units, source="particles, as far as their tracks could be joined again"
            ),
        }
        | _blank_choice(blank, counting, empty),
        concentration_per_ml=figures.concentration(fitted, np.ones(len(diameter)), per_ml, empty)
        if counting.has_scale
        else None,
    )


def _blank_choice(
    blank: Blank | None, counting: _Counting, empty: tuple[Floats, Floats]
) -> dict[str, Value]:
    if blank is None or not counting.has_scale:
        return {}
    total = float(empty[0].sum())
    source = f"{len(blank.diameter_nm)} tracks of the blank, taken off the concentrations"
    return {"blank_per_ml": Value(value=total, unit="1/mL", source=source)}


def _blank_per_ml(
    blank: Blank | None, depths: Depths, edges: Floats, dilution: float
) -> tuple[Floats, Floats]:
    """Concentration of a blank in each bin, as if it were sample, and its variance."""
    if blank is None:
        return np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    amount, variance = depths.amounts(blank.diameter_nm, blank.n_positions, edges)
    factor = UM3_PER_ML * dilution / (blank.n_frames * blank.area_um2)
    return amount * factor, variance * factor**2


@dataclass(frozen=True)
class _Counting:
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
    """

    depths: Depths
    limit_nm: float | None
    per_ml: float
    weighting: str

    @property
    def has_scale(self) -> bool:
        """Whether concentrations can be given."""
        return bool(np.isfinite(self.per_ml))


def _counting(
    completeness: Completeness | None, settings: SizingSettings, diameter: Floats
) -> _Counting:
    per_seen = _Counting(Depths.alike(len(diameter)), None, np.nan, WEIGHTING)
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
    return _Counting(Depths.of(completeness, diameter), limit, per_ml, words)


def _if_seen(
    counting: _Counting, likelihoods: Likelihoods, diameter: Floats, log_l: Floats
) -> _Counting:
    """The same, or numbers in view where much of what is seen is below the detection limit.

    Left out it would not be missed but misrepresented: of 60 nm beads in a film whose limit is 65
    nm only those that chance made look larger would stay.
    """
    unseen = ~counting.depths.counted
    if not unseen.any():
        return counting
    with threadpool_limits(1, "blas"):
        mixture = Deconvolution(log_l, diameter)
        rough = mixture.fit(np.ones(len(log_l)), 1.0)
        share = mixture.reweighted(rough, likelihoods.n_positions.astype(float))[unseen].sum()
    if share <= MOST_BELOW:
        return counting
    why = (
        f"{WEIGHTING}; number per volume not known: {100 * share:.0f} % of the particles seen are "
        f"smaller than the {counting.limit_nm:.0f} nm that are seen reliably"
    )
    return _Counting(Depths.alike(len(diameter)), counting.limit_nm, np.nan, why)


def _fit(
    likelihoods: Likelihoods,
    conditions: Conditions,
    diameter: Floats,
    log_l: Floats,
    noise: NoiseUncertainty | None,
    counting: _Counting,
    settings: SizingSettings,
) -> distribution.Distribution:
    weights = likelihoods.n_positions.astype(float)
    rng = np.random.default_rng(settings.seed)
    # thousands of products of small matrices: threads would only wait for each other
    with threadpool_limits(1, "blas"):
        depths = counting.depths
        mixture = Deconvolution(log_l, diameter, noise, depths.log_depth)
        unit = _units(likelihoods, conditions, mixture)
        n = settings.n_bootstrap
        return distribution.fit(mixture, weights, unit, diameter, depths, n, rng)


def _units(
    likelihoods: Likelihoods, conditions: Conditions, mixture: Deconvolution
) -> NDArray[np.int64]:
    """Particle of each track, as far as it can be told."""
    start, end, last = likelihoods.start_um, likelihoods.end_um, likelihoods.last_frame
    if start is None or end is None or last is None:
        return np.arange(len(likelihoods.track_id))
    rough = mixture.fit(np.ones(len(likelihoods.track_id)), 1.0)
    log_d, log_same_size = mixture.expected(rough)
    d_um2_s = conditions.stokes_einstein_um3_s * 1e3 / np.exp(log_d)
    interval_s = conditions.frame_interval_s
    return resampling.particles(
        start,
        end,
        np.asarray(likelihoods.first_frame * interval_s, np.float64),
        np.asarray(last * interval_s, np.float64),
        d_um2_s[mixture.group],
        mixture.group,
        log_same_size,
    )


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

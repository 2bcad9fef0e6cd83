"""From what was found again to the effective depth, the detection limit and the self-check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.completeness import chance, defocus, selfcheck
from evsize.completeness.again import Again, corrected_law, size_again, spots_again
from evsize.completeness.brightness import NOT_GROWING, REFERENCE_NM, Law
from evsize.completeness.found import as_found
from evsize.completeness.limit import half_recovered
from evsize.completeness.optics import Optics
from evsize.completeness.sheet import Sheet
from evsize.completeness.trial import Injected, Trial
from evsize.results import Completeness, Estimate, Value
from evsize.tables import COMPLETENESS

Floats = NDArray[np.float64]

TABLE_SIZES = 16
CHECK_WIDTH = 0.2
"""Range of ln(diameter), to either side, whose tracks are compared with the truth together."""
LEVEL_SE = 0.2
"""Error of ln(brightness) that no statistics shows: spots and sheet are not quite what is drawn. By
as much it is off beyond its own error in 24 simulated films, with rings or without."""
HALF, CURVE_SE = 0.5, 0.05
"""Chance of being found at the detection limit, and the error of ln(diameter) of where the fitted
curve reaches it: sizes on the grid are 0.024 apart, and the curve is one of all depths."""
LEAST_LIMIT_SE = 0.01
SMEARED_SE = 0.5
"""Relative error of what smeared sizes change: the smear of single sizes differs by half."""
NUDGE = 0.1
"""Change of ln(brightness) that shows how ln(depth) grows with it."""
STEEPEST = 5.0
"""Growth of ln(depth) with ln(brightness) at the most: below the limit it means nothing."""
Z_95 = 1.96
NOT_SEEN = 4.0
"""ln(depth) below that of the detection limit at which hardly any particle is followed."""
MOST_UNSEEN = 0.25
"""Share of the particles followed that may be of such sizes, at most."""


def conclude(injected: Injected, trial: Trial, sheet: Sheet) -> Completeness:
    """Put together what the injected particles tell."""
    again = size_again(injected, trial)
    spots = spots_again(injected, trial, again)
    optics, other, told = defocus.compared(
        trial.view, trial.optics, sheet, spots, again.n_positions
    )
    focus = defocus.in_focus(trial.view, trial.optics, sheet, spots)
    optics, other = (replace(each, focus_px2=focus.true_px2) for each in (optics, other))
    law, bias, reliance = corrected_law(injected, trial, again, spots, optics, focus)
    grid_nm = trial.view.diameter_nm
    # the chance at a given SNR is what the injected particles show; where it is, is told by the
    # recording's own optics
    fitted = replace(_fit_chance(injected, trial), optics=optics)
    log_depth, errors = _depth(fitted, other, grid_nm, law, sheet)
    pixel_um = trial.conditions.pixel_size_um
    limit = Estimate()
    if law.grows:
        limit = _detection_limit(injected, fitted, grid_nm, trial.law, law)
    choices = _choices(injected, trial, sheet, law, optics, told)
    check, check_se = _overall(injected, again, trial)
    diagnostics = _diagnostics(law, optics, fitted, pixel_um) | {
        "self_check_bias_percent": check,
        "self_check_bias_percent_se": check_se,
        "completeness_brightness_bias": bias,
        "completeness_width_reliance": reliance,
    }
    if unlike := contradicted(grid_nm, log_depth, trial.view.size_shares, limit):
        return Completeness(reason=unlike, choices=choices, diagnostics=diagnostics)
    if limit.value is not None:
        own_log_depth = log_depth
        log_depth, errors = as_found(grid_nm, log_depth, errors, law.shares, limit.value)
        errors = np.column_stack([SMEARED_SE * (log_depth - own_log_depth), errors])
    table = _table(injected, again, grid_nm, log_depth, errors)
    used = trial.detections.frames["noise"].notna()
    area = trial.detections.height_px * trial.detections.width_px * pixel_um**2
    return Completeness(
        diameter_nm=grid_nm,
        log_depth=log_depth,
        log_error=errors,
        detection_limit_nm=limit,
        area_um2=float(area),
        n_frames=int(used.sum()),
        has_scale=sheet.has_scale,
        basis=sheet.basis,
        table=table,
        choices=choices,
        diagnostics=diagnostics,
    )


def contradicted(grid_nm: Floats, log_depth: Floats, shares: Floats, limit: Estimate) -> str:
    """Why the depths cannot be right, if so: many are followed of sizes that would not be seen.

    Parameters
    ----------
    grid_nm, log_depth, shares : ndarray, (n,)
        Sizes, ln(depth), and share of each size among the particles followed, by motion alone.
    limit : Estimate
        Detection limit.
    """
    if limit.value is None or limit.low is None:
        return ""
    at_limit = float(np.interp(np.log(limit.value), np.log(grid_nm), log_depth))
    unseen = (grid_nm < limit.low) & (log_depth < at_limit - NOT_SEEN)
    share = float(shares[unseen].sum() / shares.sum())
    if share <= MOST_UNSEEN:
        return ""
    return (
        f"{100 * share:.0f} % of the particles followed are far smaller than the {limit.value:.0f} "
        "nm from which on they would be seen: brightness does not go with size as assumed"
    )


def _fit_chance(injected: Injected, trial: Trial) -> chance.Chance:
    """Chance of being followed; the injected particles have the optics of the trial."""
    return chance.fit(
        injected.looks,
        injected.diameter_nm,
        injected.brightness,
        trial.optics,
        trial.conditions,
        trial.view.found_by.threshold,
    )


def _depth(
    fitted: chance.Chance,
    other: Optics,
    grid_nm: Floats,
    law: Law,
    sheet: Sheet,
) -> tuple[Floats, Floats]:
    """ln(depth), and its errors: of the fit, the brightness law, the defocus, the thickness."""
    light = law.at(grid_nm)
    log_depth, errors = fitted.log_depth(grid_nm, light, law.scatter)
    brighter, _ = fitted.log_depth(grid_nm, light + NUDGE, law.scatter)
    slope = np.clip((brighter - log_depth) / NUDGE, 0.0, STEEPEST)
    root = np.linalg.cholesky(law.covariance + np.diag([LEVEL_SE**2, 0.0]))
    design = np.column_stack([np.ones(len(grid_nm)), np.log(grid_nm / REFERENCE_NM)])
    otherwise, _ = replace(fitted, optics=other).log_depth(grid_nm, light, law.scatter)
    columns = [errors, slope[:, None] * (design @ root), (otherwise - log_depth)[:, None]]
    if sheet.has_scale:
        columns.append(np.full((len(grid_nm), 1), sheet.relative_se))
    return log_depth, np.column_stack(columns)


def _detection_limit(
    injected: Injected,
    fitted: chance.Chance,
    grid_nm: Floats,
    drawn: Law,
    law: Law,
) -> Estimate:
    told = []
    found = half_recovered(
        np.log(injected.diameter_nm), injected.recovered_in_focus, injected.looked_in_focus
    )
    if found is not None and drawn.grows:
        at, error = found
        light = drawn.level + drawn.exponent * (at - np.log(REFERENCE_NM))
        told.append((np.log(REFERENCE_NM) + (light - law.level) / law.exponent, error))
    # by the curve as well: few of those laid on may have been at best focus
    seen = np.flatnonzero(fitted.at_focus(grid_nm, law.at(grid_nm)) >= HALF)
    if len(seen):
        told.append((float(np.log(grid_nm[seen[0]])), CURVE_SE))
    if not told:
        return Estimate()
    log_limit, errors = np.array(told).T
    weight = 1 / np.maximum(errors, LEAST_LIMIT_SE) ** 2
    value = float(np.exp(weight @ log_limit / weight.sum()))
    error = float(1 / np.sqrt(weight.sum()))
    line = np.array([1.0, np.log(value / REFERENCE_NM)])
    brightness_se = np.sqrt(line @ law.covariance @ line + LEVEL_SE**2) / law.exponent
    total = float(np.hypot(error, brightness_se))
    return Estimate(
        value=value, low=value * np.exp(-Z_95 * total), high=value * np.exp(Z_95 * total)
    )


def _table(
    injected: Injected, again: Again, grid_nm: Floats, log_depth: Floats, errors: Floats
) -> pd.DataFrame:
    low, high = injected.sizes.low_nm, injected.sizes.high_nm
    at = np.geomspace(low, high, TABLE_SIZES)
    log_at, log_grid = np.log(at), np.log(grid_nm)
    depth_um = np.exp(np.interp(log_at, log_grid, log_depth))
    spread = np.interp(log_at, log_grid, np.sqrt((errors**2).sum(axis=1)))
    true = np.log(injected.diameter_nm)[again.owner]
    shifts = [
        selfcheck.shift(
            again.log_likelihood,
            log_grid,
            true,
            again.owner,
            (np.abs(true - place) < CHECK_WIDTH).astype(float),
        )
        for place in log_at
    ]
    shift, error = np.array(shifts).T
    found = at * np.exp(shift)
    return COMPLETENESS.build(
        diameter_nm=at,
        depth_um=depth_um,
        depth_se_um=depth_um * spread,
        recovered_diameter_nm=found,
        recovered_se_nm=found * error,
    )


def _overall(injected: Injected, again: Again, trial: Trial) -> tuple[float | None, float | None]:
    """Bias of the sizes that this recording is made of, percent, and its standard error."""
    low, high = np.quantile(trial.view.best_nm, [0.1, 0.9]) * [0.9, 1.1]
    true = injected.diameter_nm[again.owner]
    inside = ((true >= low) & (true <= high)).astype(float)
    shift, error = selfcheck.shift(
        again.log_likelihood, np.log(trial.view.diameter_nm), np.log(true), again.owner, inside
    )
    if not np.isfinite(shift):
        return None, None
    return 100 * float(np.expm1(shift)), 100 * error


def _diagnostics(
    law: Law, optics: Optics, fitted: chance.Chance, pixel_um: float
) -> dict[str, float | None]:
    return {
        "completeness_design_effect": fitted.design_effect,
        "brightness_exponent": law.exponent,
        "brightness_scatter": law.scatter,
        "spot_widening_per_um": float(np.sqrt(optics.widening_px2_um2)) * pixel_um,
        "spot_focus_um": float(np.sqrt(optics.focus_px2)) * pixel_um,
    }


def _choices(
    injected: Injected, trial: Trial, sheet: Sheet, law: Law, optics: Optics, told: str
) -> dict[str, Value]:
    completeness = trial.settings.completeness
    no_limit = {}
    if not law.grows:
        no_limit["detection_limit_nm"] = Value(value=None, unit="nm", source=NOT_GROWING)
    return no_limit | {
        "mode": Value(value=completeness.mode, source="given or default"),
        "seed": Value(value=completeness.seed, source="given or default"),
        "particles": Value(
            value=len(injected.diameter_nm), source="laid on the frames, each of its own size"
        ),
        "frames_searched": Value(value=injected.searched, source="altered versions of frames"),
        "sheet_um": Value(value=sheet.depth_um, unit="um", source=sheet.basis),
        "widening": Value(
            value=float(np.sqrt(optics.widening_px2_um2)) * trial.conditions.pixel_size_um,
            unit="um/um",
            source=f"defocus, from {told}",
        ),
        "brightness_exponent": Value(value=law.exponent, source=law.source),
        "brightness_at_100nm": Value(
            value=float(np.exp(law.level)),
            unit="grey levels",
            source="fitted to the tracks, freed of what the injected particles show it off by",
        ),
    }

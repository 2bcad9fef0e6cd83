"""Injected tracks measured as the recording's own are, and the brightness law corrected by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evsize.completeness.brightness import Law
from evsize.completeness.defocus import Focus
from evsize.completeness.look import Look, learn
from evsize.completeness.optics import Optics
from evsize.completeness.spots import Spots, good_spots
from evsize.completeness.trial import Injected, Trial
from evsize.diffusion import estimate_diffusion

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_TO_CORRECT = 20
"""Injected tracks that tell what the measured brightness is off by."""


@dataclass(frozen=True)
class Again:
    """Injected tracks as the stages see them.

    Attributes
    ----------
    owner : ndarray of int, (tracks,)
        Particle of each.
    log_likelihood : ndarray, (tracks, sizes)
        On the recording's grid of diameters, ascending.
    track_id : ndarray of int, (tracks,)
    n_positions : ndarray, (tracks,)
    """

    owner: Ints
    log_likelihood: Floats
    track_id: Ints
    n_positions: Floats


class Corrected(NamedTuple):
    """Brightness law of the recording, and what it rests on.

    Attributes
    ----------
    law : Law
    bias : float
        By what ln(brightness) is measured too high, mean over the recording's own tracks.
    reliance : float
        How much of what widths say of the defocus is believed, 0 to 1.
    """

    law: Law
    bias: float
    reliance: float


def size_again(injected: Injected, trial: Trial) -> Again:
    """Likelihoods of the injected tracks' sizes, as of the recording's own."""
    conditions = trial.conditions
    grid_nm = trial.view.diameter_nm
    found = estimate_diffusion(
        injected.tracks,
        conditions,
        trial.settings.diffusion,
        d_um2_s=conditions.stokes_einstein_um3_s / grid_nm * 1e3,
    )
    return Again(
        injected.owner[found.track_id],
        found.log_likelihood,
        found.track_id,
        found.n_positions.astype(float),
    )


def spots_again(injected: Injected, trial: Trial, again: Again) -> Spots:
    """Good positions of these tracks."""
    view = trial.view
    best = view.diameter_nm[again.log_likelihood.argmax(axis=1)]
    return good_spots(injected.tracks.table, again.track_id, best, view.found_by, trial.conditions)


def corrected_law(
    injected: Injected,
    trial: Trial,
    again: Again,
    spots: Spots,
    optics: Optics,
    focus: Focus,
) -> Corrected:
    """The brightness law, held against the injected particles.

    These went through the same measurement as the recording's own: by what theirs differ from the
    truth, so do those of the recording. Near the limit only what noise brightened is seen, bright
    ones are seen in focus only where they do not saturate: no one factor holds for all.
    """
    view = trial.view
    seen_with = replace(optics, focus_px2=focus.own_px2)
    drawn_with = replace(trial.optics, focus_px2=focus.injected_px2)

    def look(reliance: float) -> Look | None:
        measured, _ = view.brightness(drawn_with, spots, again.n_positions, reliance)
        good = np.isfinite(measured)
        if good.sum() < FEWEST_TO_CORRECT:
            return None
        true = np.log(injected.brightness[again.owner[good]])
        return learn(true, measured[good], again.n_positions[good])

    def own(reliance: float) -> tuple[Floats, Floats]:
        seen, _ = view.brightness(seen_with, reliance=reliance)
        known = np.isfinite(seen)
        return seen[known], view.weight[known]

    # how much light is lost out of focus is told where widths are not relied on
    without = look(0.0)
    seen, weight = own(0.0)
    if without is None or not len(seen):
        return Corrected(trial.law, float("nan"), 0.0)
    _, _, lost_sd = without.of(without.true_of(seen))
    typical = float(np.sqrt(np.average(lost_sd**2, weights=weight)))
    reliance = view.reliance(seen_with, drawn_with, typical)
    seen_as = look(reliance) or without
    seen, weight = own(reliance)
    bias = float(np.average(seen - seen_as.true_of(seen), weights=weight))
    return Corrected(view.law_seen_as(seen_as, seen_with, reliance) or trial.law, bias, reliance)

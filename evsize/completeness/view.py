"""What the tracks of a recording tell: widths of spots, brightness against size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from evsize.completeness import brightness, law_fit, widths
from evsize.completeness.brightness import Law
from evsize.completeness.look import Look, as_it_is
from evsize.completeness.optics import Optics
from evsize.completeness.plan import smear_px2
from evsize.completeness.spots import Filter, Spots, good_spots
from evsize.completeness.widths import Widths
from evsize.physics import Conditions
from evsize.results import Detections, Likelihoods, Tracks
from evsize.sizing import effective_number, particle_units

Floats = NDArray[np.float64]

FEWEST_POSITIONS = 60
MOSTLY_GOOD = 0.7
"""Share of a track's positions that have to be good for its brightness to count."""
HIDDEN = 3.0
"""ln(brightness) that saturation may hide: a spot twenty times as bright as white adds to what is
seen of it only at its rim."""
LOST, LOST_SD = 0.5, 0.7
"""Light that a particle in view lacks out of focus, its logarithm: mean and standard deviation, as
long as no injected particles tell them."""
WIDTH_SE = 0.1
"""Relative error of the variance of spots in focus, of all tracks alike: where in a pixel a spot
lies, rings, and how it smears widen it otherwise than those drawn."""


@dataclass(frozen=True)
class View:
    """A recording as its tracks show it.

    Attributes
    ----------
    found_by : Filter
    spots : Spots
    diameter_nm : ndarray, (sizes,)
        Ascending.
    log_likelihood : ndarray, (tracks, sizes)
    best_nm, weight : ndarray, (tracks,)
        Likeliest diameter, and number of positions.
    conditions : Conditions
    size_shares : ndarray, (sizes,)
        Share of each size among the particles seen, roughly.
    n_independent : float
        Particles of equal weight that tell as much as the tracks, several of which are of one.
    """

    found_by: Filter
    spots: Spots
    diameter_nm: Floats
    log_likelihood: Floats
    best_nm: Floats
    weight: Floats
    conditions: Conditions
    size_shares: Floats
    n_independent: float

    @staticmethod
    def of(
        detections: Detections, tracks: Tracks, likelihoods: Likelihoods, conditions: Conditions
    ) -> View:
        """Look at a recording."""
        order = np.argsort(-likelihoods.d_um2_s)
        diameter = conditions.stokes_einstein_um3_s / likelihoods.d_um2_s[order] * 1e3
        log_l = likelihoods.log_likelihood[:, order]
        best = diameter[log_l.argmax(axis=1)] if len(log_l) else np.zeros(0)
        found_by = Filter.of(detections)
        spots = good_spots(tracks.table, likelihoods.track_id, best, found_by, conditions)
        weight = likelihoods.n_positions.astype(float)
        shares, n_independent = np.zeros(len(diameter)), 0.0
        if len(best):
            likelihood = law_fit.relative(log_l)
            shares = law_fit.rough_shares(likelihood, weight)
            posterior = likelihood * shares
            posterior /= posterior.sum(axis=1, keepdims=True)
            rng = np.random.default_rng(0)
            unit = particle_units(likelihoods, conditions, posterior, np.log(diameter), rng)
            n_independent = effective_number(unit, weight)
        return View(
            found_by, spots, diameter, log_l, best, weight, conditions, shares, n_independent
        )

    @property
    def n_tracks(self) -> int:
        """Tracks that carry a size."""
        return len(self.best_nm)

    def lacking(self) -> str:
        """Why nothing can be said; empty where something can."""
        if not self.n_tracks:
            return "no particle was sized"
        if self.n_tracks < brightness.FEWEST_TRACKS:
            return (
                f"only {self.n_tracks} tracks carry a size, {brightness.FEWEST_TRACKS} are needed "
                "to tell how brightness goes with size"
            )
        if (~self.spots.saturated).sum() < FEWEST_POSITIONS:
            return (
                "nearly all spots are saturated, crowded or at the edge: brightness cannot be "
                "told from them"
            )
        return ""

    @cached_property
    def widths(self) -> Widths:
        """Focus and defocus."""
        s = self.spots.part(~self.spots.saturated)
        focus_px2 = widths.sharp_px2(s.variance_px2, s.snr, self.found_by.sd_px)
        return Widths(focus_px2, *self.spots.never_saturated().fall())

    def reliance(
        self, optics: Optics, otherwise: Optics | None = None, lost_sd: float = LOST_SD
    ) -> float:
        """How much of what widths say of the light lost out of focus is to be believed, 0 to 1.

        Parameters
        ----------
        optics : Optics
            Tells how much light each px^2 of widening stands for.
        otherwise : Optics, optional
            What it is by another way of telling: where they differ, neither is sure.
        lost_sd : float
            Standard deviation of the light lost, its logarithm, among tracks.

        Notes
        -----
        Regression calibration (Carroll et al., Measurement Error in Nonlinear Models, 2006): the
        variance that there is to be told over that and the errors'. The light that particles lose
        by chance, and the noise of widths, average out over particles; what is wrong with widths
        throughout does not, so it counts as many times. Spots narrower than a pixel in a thin
        sheet fade before they widen; bright particles are followed so far that widths tell most.
        """
        s = self.spots.part(~self.spots.saturated)
        s = s.part(s.variance_px2 < self._widest_px2(optics))
        count = np.bincount(s.owner, minlength=self.n_tracks)
        mean = np.bincount(s.owner, s.variance_px2, minlength=self.n_tracks) / np.maximum(count, 1)
        free = np.maximum(count - 1, 0).sum()
        if not free:
            return 1.0
        rest = s.variance_px2 - mean[s.owner]
        # as if neighbouring positions told half as much each
        error_px2 = np.sqrt(2 * (rest**2).sum() / free / np.median(count[count > 1]))
        error = optics.fading_per_px2 * float(error_px2)
        throughout = optics.fading_per_px2 * WIDTH_SE * optics.focus_px2
        if otherwise is not None:
            wider_px2 = max(float(np.median(s.variance_px2)) - optics.focus_px2, 0.0)
            doubt = (optics.fading_per_px2 - otherwise.fading_per_px2) * wider_px2
            throughout = float(np.hypot(throughout, doubt))
        return lost_sd**2 / (lost_sd**2 + error**2 + self.n_independent * throughout**2)

    def brightness(
        self,
        optics: Optics,
        spots: Spots | None = None,
        n_positions: Floats | None = None,
        reliance: float = 1.0,
    ) -> tuple[Floats, Floats]:
        """ln(brightness) in focus of the recording's tracks, or of others, and its error.

        Where widths are relied on in part, so is the light lost out of focus that they tell. NaN
        for tracks of which much is crowded. Of saturated spots it is what the camera shows of
        them: what they lack is told by injected particles, of which as much is lost.
        """
        if spots is None or n_positions is None:
            spots, n_positions = self.spots, self.weight
        focus_px2, n = optics.focus_px2, len(n_positions)
        mean, error = brightness.focus_brightness(
            spots.owner,
            n,
            np.log(spots.brightness),
            # cut off at the top, a spot looks wide wherever it is
            np.where(spots.saturated, focus_px2, spots.variance_px2),
            focus_px2,
            reliance * optics.fading_per_px2,
            self._widest_px2(optics),
        )
        good = np.bincount(spots.owner, minlength=n)
        mean[good < MOSTLY_GOOD * n_positions] = np.nan
        return mean, error

    def _widest_px2(self, optics: Optics) -> float:
        filter_px2 = self.found_by.sd_px**2
        return widths.WIDEST * (optics.focus_px2 + filter_px2) - filter_px2

    def brightest(self, optics: Optics) -> float:
        """ln(brightness in focus) up to which particles may be there.

        That of the brightest hundredth of the tracks; if these are saturated, of which a camera
        shows a part only, `HIDDEN` more.
        """
        focus, _ = self.brightness(optics)
        top = float(np.nanquantile(focus, 0.99))
        lost = np.bincount(self.spots.owner, self.spots.saturated, minlength=self.n_tracks)
        hidden = lost[focus >= top].sum() > 0
        return top + (HIDDEN if hidden else 0.0)

    @property
    def smear_px2(self) -> float:
        """Motion blur of a usual particle."""
        return float(np.median(smear_px2(self.best_nm, self.conditions)))

    def law(self, optics: Optics) -> Law | None:
        """Brightness against size, as far as it can be told before anything is injected."""
        reliance = self.reliance(optics)
        seen, error = self.brightness(optics, reliance=reliance)
        error = np.hypot(error, (1 - reliance) * LOST_SD)
        return self._law(seen + (1 - reliance) * LOST, error, as_it_is())

    def law_seen_as(self, look: Look, optics: Optics, reliance: float) -> Law | None:
        """Brightness against size, where it is known how brightness looks."""
        seen, error = self.brightness(optics, reliance=reliance)
        return self._law(seen, np.zeros_like(error), look)

    def _law(self, seen: Floats, error: Floats, look: Look) -> Law | None:
        weight = self.weight / self.weight.sum() * self.n_independent
        return brightness.fit_law(self.log_likelihood, self.diameter_nm, seen, error, weight, look)

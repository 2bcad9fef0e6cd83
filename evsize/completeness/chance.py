"""Chance that a particle is followed, and the effective depth of view that follows from it.

Each frame of each injected particle was followed or not, at a depth that is known. The chance is
fitted against the SNR expected there, the size and the defocus; the depth of view of a size is its
integral over depth. Counts of followed frames would scatter by how long each of the few particles
happened to stay in view; here all particles together tell one curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from evsize.completeness.optics import FARTHEST, Optics
from evsize.completeness.plan import SEEN_SHARE, smear_px2
from evsize.physics import Conditions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SNR_SPACING = 0.4
"""Distance of the knots in ln(SNR)."""
SIZE_SPACING = 0.5
"""And in ln(diameter)."""
SNR_BEND_SD = 1.0
"""Expected change of the curve's slope from knot to knot, log-odds."""
SIZE_SD, SIZE_BEND_SD = 1.0, 0.5
DEFOCUS_SD = 1.0
RIDGE = 1e-4
STEPS = 161
"""Depths at which the chance is worked out for the integral, from the focus outwards."""
ROUNDS = 40
HIGHEST_ODDS = 12.0
MOST_ALIKE = 100.0
"""Design effect at the most."""


class Looks(NamedTuple):
    """Frames looked at, one element for each particle and frame with it in the image.

    Attributes
    ----------
    particle : ndarray of int, (m,)
    z_um : ndarray, (m,)
        Its depth, averaged over the exposure.
    followed : ndarray of bool, (m,)
        Whether it was found in a track that would be used.
    """

    particle: Ints
    z_um: Floats
    followed: Bools


@dataclass(frozen=True)
class Chance:
    """Fitted log-odds of being followed.

    Attributes
    ----------
    optics, conditions, threshold
        What the SNR is expected from, and the SNR of a spot that is just found.
    highest : float
        Upper end of the curve in ln(SNR / threshold).
    log_d : (float, float)
        Range of ln(diameter) that was looked at.
    theta : ndarray, (p,)
    root : ndarray, (p, p)
        Square root of its covariance, particles being independent.
    design_effect : float
        Frames that tell as much as one independent frame: those of one particle are alike.
    """

    optics: Optics
    conditions: Conditions
    threshold: float
    highest: float
    log_d: tuple[float, float]
    theta: Floats
    root: Floats
    design_effect: float

    def log_depth(
        self, diameter_nm: Floats, log_brightness: Floats, scatter: float
    ) -> tuple[Floats, Floats]:
        """Logarithm of the effective depth (um) of each size, and its errors.

        Parameters
        ----------
        diameter_nm, log_brightness : ndarray, (n,)
            Of each size; the brightness is that in focus.
        scatter : float
            Standard deviation of ln(brightness) among particles of one size.

        Returns
        -------
        log_depth : ndarray, (n,)
        errors : ndarray, (n, p)
            Its change with each of p independent errors.
        """
        z_um = np.linspace(0, FARTHEST * self.optics.depth_um / 2, STEPS)
        nodes, weights = np.polynomial.hermite_e.hermegauss(5)
        smear = smear_px2(diameter_nm, self.conditions)
        shape = (len(diameter_nm), STEPS)
        depth, change = np.zeros(len(diameter_nm)), np.zeros((len(diameter_nm), len(self.theta)))
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            light = np.exp(log_brightness + scatter * node)
            x, wide = _seen_as(self.optics, z_um, light[:, None], smear[:, None], self.threshold)
            log_d = np.broadcast_to(np.log(diameter_nm)[:, None], shape)
            rows = _design(x.ravel(), log_d.ravel(), wide.ravel(), self.highest, self.log_d)
            chance = (_chance(rows @ self.theta) * (x.ravel() > np.log(SEEN_SHARE))).reshape(shape)
            depth += weight * 2 * np.trapezoid(chance, z_um, axis=1)
            bend = (chance * (1 - chance))[:, :, None] * rows.reshape(*shape, -1)
            change += weight * 2 * np.trapezoid(bend, z_um, axis=1)
        depth = np.maximum(depth, 1e-12)
        return np.log(depth), (change / depth[:, None]) @ self.root

    def at_focus(self, diameter_nm: Floats, log_brightness: Floats) -> Floats:
        """Chance (n,) of sizes and ln(brightnesses), (n,) each, to be followed at best focus."""
        light, smear = np.exp(log_brightness), smear_px2(diameter_nm, self.conditions)
        x, wide = _seen_as(self.optics, np.zeros(len(light)), light, smear, self.threshold)
        rows = _design(x, np.log(diameter_nm), wide, self.highest, self.log_d)
        return np.asarray(_chance(rows @ self.theta) * (x > np.log(SEEN_SHARE)))


def fit(
    looks: Looks,
    diameter_nm: Floats,
    brightness: Floats,
    optics: Optics,
    conditions: Conditions,
    threshold: float,
) -> Chance:
    """Fit the chance of being followed to injected particles.

    Parameters
    ----------
    looks : Looks
        What became of them, frame by frame.
    diameter_nm, brightness : ndarray, (n,)
        Of each particle; brightness in focus, grey levels.
    optics, conditions, threshold
        See `Chance`.

    Notes
    -----
    Logistic regression on penalised splines (Eilers & Marx, Stat. Sci. 11, 89 (1996)), the
    penalties being weak expectations. Frames of one particle are alike: the data count by the
    design effect that the particles show, and the errors are those of sums over particles.
    """
    size = diameter_nm[looks.particle]
    smear = smear_px2(size, conditions)
    x, wide = _seen_as(optics, looks.z_um, brightness[looks.particle], smear, threshold)
    use = x > np.log(SEEN_SHARE)
    x, wide, log_d = x[use], wide[use], np.log(size[use])
    followed, particle = looks.followed[use].astype(float), looks.particle[use]
    limits = (float(np.log(diameter_nm).min()), float(np.log(diameter_nm).max()))
    highest = max(float(x.max(initial=0.0)), 1.0)
    rows = _design(x, log_d, wide, highest, limits)
    prior = _prior(highest, limits)
    effect, theta = 1.0, np.zeros(rows.shape[1])
    for _ in range(3):
        theta, information = _maximum(rows, followed, effect, prior, theta)
        rest = rows * (followed - _chance(rows @ theta))[:, None] / effect
        sums = np.zeros((len(diameter_nm), rows.shape[1]))
        np.add.at(sums, particle, rest)
        bread = np.linalg.inv(information)
        told = information - prior
        # the score of particles over that of independent frames
        ratio = float(np.trace(bread @ (sums.T @ sums)) / np.trace(bread @ told))
        effect = float(np.clip(ratio * effect, 1.0, MOST_ALIKE))
    values, vectors = np.linalg.eigh(bread @ (sums.T @ sums + prior) @ bread)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return Chance(optics, conditions, threshold, highest, limits, theta, root, effect)


def _seen_as(
    optics: Optics, z_um: Floats, brightness: Floats, smear_px2: Floats, threshold: float
) -> tuple[Floats, Floats]:
    """ln(SNR / threshold), and how much wider than in focus the spot and its filter are (ln)."""
    x = np.log(np.maximum(optics.snr(z_um, brightness, smear_px2) / threshold, 1e-12))
    filter_px2 = optics.filter_sd_px**2
    wide = np.log((optics.variance_px2(z_um) + filter_px2) / (optics.focus_px2 + filter_px2))
    return x, np.broadcast_to(wide, x.shape)


def _design(
    x: Floats, log_d: Floats, wide: Floats, highest: float, limits: tuple[float, float]
) -> Floats:
    return np.column_stack(
        [
            _splines(x, np.log(SEEN_SHARE), highest, SNR_SPACING),
            _splines(log_d, *limits, SIZE_SPACING),
            wide,
        ]
    )


def _splines(x: Floats, low: float, high: float, spacing: float) -> Floats:
    n = _pieces(low, high, spacing)
    step = (high - low) / n
    knots = low + step * np.arange(-3, n + 4)
    inside = np.clip(x, low, high - 1e-9)
    return np.asarray(BSpline.design_matrix(inside, knots, 3).toarray())


def _pieces(low: float, high: float, spacing: float) -> int:
    return max(3, int(np.ceil((high - low) / spacing)))


def _prior(highest: float, limits: tuple[float, float]) -> Floats:
    """Inverse covariance of what is expected of the coefficients."""
    n_snr = _pieces(float(np.log(SEEN_SHARE)), highest, SNR_SPACING) + 3
    n_size = _pieces(*limits, SIZE_SPACING) + 3
    prior = RIDGE * np.eye(n_snr + n_size + 1)
    bend = np.diff(np.eye(n_snr), n=2, axis=0) / SNR_BEND_SD
    prior[:n_snr, :n_snr] += bend.T @ bend
    bend = np.diff(np.eye(n_size), n=2, axis=0) / SIZE_BEND_SD
    sizes = slice(n_snr, n_snr + n_size)
    prior[sizes, sizes] += bend.T @ bend + np.eye(n_size) / SIZE_SD**2
    prior[-1, -1] += 1 / DEFOCUS_SD**2
    return np.asarray(prior)


def _chance(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -HIGHEST_ODDS, HIGHEST_ODDS))))


def _maximum(
    rows: Floats, followed: Floats, effect: float, prior: Floats, theta: Floats
) -> tuple[Floats, Floats]:
    """Coefficients of the maximum, and the information there."""
    information = prior
    for _ in range(ROUNDS):
        p = _chance(rows @ theta)
        weight = p * (1 - p) / effect
        information = (rows * weight[:, None]).T @ rows + prior
        gradient = rows.T @ (followed - p) / effect - prior @ theta
        step = np.linalg.solve(information, gradient)
        theta = theta + step / max(1.0, float(np.abs(step).max()) / 2)
        if np.abs(step).max() < 1e-5:
            break
    return theta, information

"""Steps of all tracks, and how far each particle goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evsize.tracking import radius
from evsize.tracking.field import FlowField
from evsize.tracking.film import Film

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_STEPS = 4
MEDIAN_SQUARE = 0.4549
"""Median of the square of a standard normal deviate."""
NOISE_ABOUT_MEAN = 1.5
"""Variance that unit noise gives to one SNR less the mean of two others."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of all tracks: start, frames spanned, displacement and track."""

    frame: Ints
    span: Ints
    place_um: Floats
    step_um: Floats
    owner: Ints

    def less(self, field: FlowField) -> Floats:
        """The steps without the flow, um."""
        return self.step_um - field.over_step(self.frame, self.span, self.place_um)

    @property
    def single(self) -> NDArray[np.bool_]:
        """Those over one frame."""
        return np.asarray(self.span == 1)

    @staticmethod
    def of(film: Film, order: Ints, track: Ints) -> Steps:
        """Steps of the spots `order`, sorted by track and frame, with their tracks."""
        same = track[1:] == track[:-1]
        start = order[:-1][same]
        return Steps(
            film.frame[start],
            np.diff(film.frame[order])[same],
            film.xy_um[start],
            np.diff(film.xy_um[order], axis=0)[same],
            track[:-1][same],
        )


def variances(owner: Ints, step: Floats) -> tuple[Floats, Ints] | None:
    """Step variance of each track with enough steps, and their number."""
    count = np.bincount(owner, minlength=1)
    square = np.bincount(owner, (step**2).mean(axis=1), minlength=1)
    enough = count >= MIN_STEPS
    if enough.sum() < 5:
        return None
    n = count[enough].astype(np.int64)
    return radius.step_variances(square[enough] / n, n), n


def sd_of_steps(owner: Ints, step: Floats) -> Floats:
    """Standard deviation of the steps of each step's particle; the usual one for short tracks."""
    return np.asarray(np.sqrt(variance_of_tracks(owner, step, 1)[owner]))


def variance_of_tracks(owner: Ints, step: Floats, n_tracks: int) -> Floats:
    """Variance of the steps of each of at least `n_tracks` tracks; the usual one for short ones.

    Parameters
    ----------
    owner : ndarray of int, (steps,)
        Track of each step over one frame.
    step : ndarray, (steps, 2)
        The steps, um.
    n_tracks : int
    """
    count = np.bincount(owner, minlength=n_tracks)
    variance = np.full(len(count), max(float((step**2).mean()), 1e-12))
    found = variances(owner, step)
    if found is not None:
        variance[count >= MIN_STEPS] = found[0]
    return variance


def longer(most_frames: int, blur: float) -> Floats:
    """Variance of steps over 1, 2, ... frames, in that over one, (most_frames,)."""
    return np.asarray((np.arange(1, most_frames + 1) - 2 * blur) / (1 - 2 * blur))


def snr_spread(expected: Floats, variation: float) -> Floats:
    """Standard deviation of a particle's SNR about the mean of two neighbours', (n,) each.

    Noise alone gives the difference the variance 1.5; for the relative ``variation`` that comes on
    top see `snr_variation`.
    """
    return np.asarray(np.sqrt(NOISE_ABOUT_MEAN + variation * expected**2))


def snr_variation(snr: Floats, frame: Ints, track: Ints) -> float:
    """Relative variance of a particle's SNR about the mean of the frames before and after.

    Of spots sorted by track and frame, noise taken off.
    """
    row = (track[2:] == track[:-2]) & (frame[2:] == frame[:-2] + 2)
    if not row.any():
        return 0.0
    mean = 0.5 * (snr[2:] + snr[:-2])[row]
    square = (snr[1:-1][row] - mean) ** 2 / MEDIAN_SQUARE
    return max(float(np.median((square - NOISE_ABOUT_MEAN) / mean**2)), 0.0)

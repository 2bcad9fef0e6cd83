"""Likelihood of gap-free tracks whose positions are all known equally well, in the sine transform.

The closed form that the likelihood of evsize must meet, and the bounds that follow from it.
Berglund, Phys. Rev. E 82, 011917 (2010); Michalet & Berglund, Phys. Rev. E 85, 061916 (2012).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dst

Floats = NDArray[np.float64]


def step_power(steps_um: Floats) -> Floats:
    """Sine power spectrum of the steps, summed over the axes.

    Parameters
    ----------
    steps_um : ndarray, (tracks, steps, axes)
        Steps of gap-free tracks of one length, um.

    Returns
    -------
    ndarray, (tracks, steps)
        Squared coefficients of the orthonormal type-I sine transform, um^2.
    """
    return np.asarray((dst(steps_um, type=1, axis=1, norm="ortho") ** 2).sum(axis=2))


def step_spectrum(
    d_um2_s: Floats, loc_var_um2: float, n_steps: int, interval_s: float, blur: float
) -> Floats:
    """Eigenvalues of the covariance of one axis's steps.

    Parameters
    ----------
    d_um2_s : ndarray, (g,)
        Diffusion coefficients, um^2/s.
    loc_var_um2 : float
        Localisation variance of one axis, um^2.
    n_steps : int
        Steps of the track.
    interval_s : float
        Time between frames, s.
    blur : float
        Motion blur coefficient R, exposure / (6 interval).

    Returns
    -------
    ndarray, (g, n_steps)
        Eigenvalues in the order of `step_power`, um^2.
    """
    travel = 2 * d_um2_s[:, None] * interval_s
    cosine = np.cos(np.arange(1, n_steps + 1) * np.pi / (n_steps + 1))
    diagonal = travel * (1 - 2 * blur) + 2 * loc_var_um2
    return np.asarray(diagonal + 2 * (travel * blur - loc_var_um2) * cosine)


def log_likelihood(
    power_um2: Floats,
    n_axes: int,
    d_um2_s: Floats,
    loc_var_um2: float,
    interval_s: float,
    blur: float,
) -> Floats:
    """Log-likelihood of each diffusion coefficient for tracks of one length.

    Parameters
    ----------
    power_um2 : ndarray, (tracks, steps)
        From `step_power`, um^2.
    n_axes : int
        Axes summed in it.
    d_um2_s : ndarray, (g,)
        Diffusion coefficients, um^2/s.
    loc_var_um2, interval_s, blur
        As in `step_spectrum`.

    Returns
    -------
    ndarray, (tracks, g)
        Natural logarithm of the Gaussian density of the steps, constant included.
    """
    n_steps = power_um2.shape[1]
    spectrum = step_spectrum(d_um2_s, loc_var_um2, n_steps, interval_s, blur)
    log_determinant = np.log(spectrum).sum(axis=1) + n_steps * np.log(2 * np.pi)
    return np.asarray(-0.5 * (n_axes * log_determinant + power_um2 @ (1 / spectrum).T))

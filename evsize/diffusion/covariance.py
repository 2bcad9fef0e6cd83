"""Covariance estimator of diffusion coefficient and localisation variance.

Vestergaard, Blainey & Flyvbjerg, Phys. Rev. E 89, 022726 (2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def from_moments(
    mean_square_um2: Floats, mean_product_um2: Floats, interval_s: float, blur: float
) -> tuple[Floats, Floats]:
    """Diffusion coefficient and localisation variance from two moments of the steps.

    Parameters
    ----------
    mean_square_um2 : ndarray
        Mean squared step of one axis, um^2.
    mean_product_um2 : ndarray
        Mean product of neighbouring steps of one axis, um^2.
    interval_s : float
        Time between frames, s.
    blur : float
        Motion blur coefficient R, exposure / (6 interval).

    Returns
    -------
    d_um2_s, loc_var_um2 : ndarray
        Both unbiased and unclipped: either can be negative.
    """
    d_um2_s = mean_square_um2 / (2 * interval_s) + mean_product_um2 / interval_s
    loc_var_um2 = blur * mean_square_um2 + (2 * blur - 1) * mean_product_um2
    return d_um2_s, loc_var_um2


def standard_errors(
    d_um2_s: float, loc_var_um2: float, n_steps: float, interval_s: float, blur: float
) -> tuple[float, float]:
    """Give the standard errors of both pooled estimates from `n_steps` steps of all axes.

    For long tracks and one diffusion coefficient: the moments' covariances of a Gaussian process
    with neighbour correlation, carried through the two linear formulas above.
    """
    a = 2 * d_um2_s * interval_s * (1 - 2 * blur) + 2 * loc_var_um2
    b = 2 * d_um2_s * interval_s * blur - loc_var_um2
    square = 2 * a**2 + 4 * b**2
    product = a**2 + 3 * b**2
    cross = 4 * a * b
    weights_d = np.array([1 / (2 * interval_s), 1 / interval_s])
    weights_s = np.array([blur, 2 * blur - 1])
    covariance = np.array([[square, cross], [cross, product]]) / max(n_steps, 1)
    return (
        float(np.sqrt(max(weights_d @ covariance @ weights_d, 0.0))),
        float(np.sqrt(max(weights_s @ covariance @ weights_s, 0.0))),
    )

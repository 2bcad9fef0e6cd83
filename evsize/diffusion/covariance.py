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

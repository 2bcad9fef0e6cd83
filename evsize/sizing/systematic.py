"""Systematic error of every diameter, from what is known of the settings."""

from __future__ import annotations

import math

TEMPERATURE_SE_K = 0.5
PIXEL_SIZE_SE = 0.005
FRAME_RATE_SE = 0.001
"""Assumed standard uncertainties: a laboratory thermometer, a stage micrometer, a camera clock."""


def contributions(viscosity_se: float, exposure_known: bool) -> dict[str, float]:
    """Relative standard error of a diameter from each setting, the same for all sizes.

    Parameters
    ----------
    viscosity_se : float
        Relative standard uncertainty of the viscosity at the stated temperature.
    exposure_known : bool
        Whether the exposure was given. If not, half the frame is assumed, and the error covers a
        shutter anywhere from instantaneous to fully open.

    Notes
    -----
    d = k T / (3 pi eta D) and D ~ pixel^2 x frame rate. The viscosity of water falls by about
    2.3 % a kelvin near 22 degC and T/eta rises by 2.7 %; an open shutter lowers the mean squared
    step by up to a third (Berglund 2010), uniformly spread over that range if unknown.
    """
    return {
        "temperature": 0.027 * TEMPERATURE_SE_K,
        "viscosity": viscosity_se,
        "pixel size": 2 * PIXEL_SIZE_SE,
        "frame rate": FRAME_RATE_SE,
        "exposure": 0.0 if exposure_known else (1 / 3) / math.sqrt(12) / (5 / 6),
    }


def relative_error(viscosity_se: float, exposure_known: bool) -> float:
    """Relative standard error of a diameter from all of `contributions` together."""
    return math.hypot(*contributions(viscosity_se, exposure_known).values())

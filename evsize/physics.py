"""Stokes-Einstein and the viscosity of the media in which vesicles are measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evsize.errors import UsageError

BOLTZMANN_J_K = 1.380649e-23
ZERO_CELSIUS_K = 273.15


def water_viscosity_mpas(temperature_c: float) -> float:
    """Viscosity of liquid water at 0.1 MPa.

    Parameters
    ----------
    temperature_c : float
        Temperature, degC; the correlation holds from -20 to 110 degC.

    Returns
    -------
    float
        Dynamic viscosity, mPa s; relative uncertainty 1 % below 0 degC, about 0.2 % above.

    Notes
    -----
    Equation 37 of Huber et al., J. Phys. Chem. Ref. Data 38, 101 (2009), the IAPWS correlation
    at 0.1 MPa.
    """
    log_t = math.log((temperature_c + ZERO_CELSIUS_K) / 300.0)
    terms = ((280.68, -1.9), (511.45, -7.7), (61.131, -19.6), (0.45903, -40.0))
    return sum(a * math.exp(b * log_t) for a, b in terms) * 1e-3


def _heavy_water(temperature_c: float) -> float:
    # Cho et al., J. Phys. Chem. B 103, 1991 (1999): D2O follows H2O shifted by 6.498 K.
    return 1.0544 * water_viscosity_mpas(temperature_c - 6.498)


def _pbs(temperature_c: float) -> float:
    # Jones-Dole for 137 mM NaCl, 2.7 mM KCl, 10 mM Na2HPO4, 1.8 mM KH2PO4 with the ionic
    # B coefficients of Jenkins & Marcus, Chem. Rev. 95, 2695 (1995): water + 2.0 %.
    return 1.020 * water_viscosity_mpas(temperature_c)


def _saline(temperature_c: float) -> float:
    # As for PBS with 154 mM NaCl alone: water + 1.5 %.
    return 1.015 * water_viscosity_mpas(temperature_c)


@dataclass(frozen=True, slots=True)
class Medium:
    """A suspending liquid.

    Attributes
    ----------
    name : str
        What the user types.
    viscosity_mpas : callable
        Temperature in degC to dynamic viscosity in mPa s.
    relative_error : float
        Standard uncertainty of that viscosity, as a fraction.
    source : str
        Where the figure comes from.
    """

    name: str
    viscosity_mpas: Callable[[float], float]
    relative_error: float
    source: str


MEDIA: Mapping[str, Medium] = {
    medium.name: medium
    for medium in (
        Medium("water", water_viscosity_mpas, 0.002, "IAPWS, Huber et al. 2009"),
        Medium("pbs", _pbs, 0.005, "water + 2.0 %, Jones-Dole, Jenkins & Marcus 1995"),
        Medium("saline", _saline, 0.005, "water + 1.5 %, Jones-Dole, Jenkins & Marcus 1995"),
        Medium("d2o", _heavy_water, 0.010, "Cho et al. 1999"),
    )
}


def find_medium(name: str) -> Medium:
    """Look up a medium.

    Parameters
    ----------
    name : str
        A key of `MEDIA`, in upper or lower case.

    Returns
    -------
    Medium

    Raises
    ------
    UsageError
        If the name is not in `MEDIA`.
    """
    medium = MEDIA.get(name.strip().lower())
    if medium is None:
        raise UsageError(
            f"unknown medium '{name}'",
            f"one of {', '.join(MEDIA)}",
            "for any other liquid give its viscosity at the measuring temperature "
            "with --viscosity, in mPa s",
        )
    return medium


def stokes_einstein_um3_s(temperature_c: float, viscosity_mpas: float) -> float:
    """Product of diffusion coefficient and diameter, k_B T / (3 pi eta).

    Parameters
    ----------
    temperature_c : float
        Temperature, degC.
    viscosity_mpas : float
        Dynamic viscosity, mPa s.

    Returns
    -------
    float
        D (um^2/s) times d (um), in um^3/s. Einstein, Ann. Phys. 322, 549 (1905).
    """
    thermal = BOLTZMANN_J_K * (temperature_c + ZERO_CELSIUS_K)
    return thermal / (3 * math.pi * viscosity_mpas * 1e-3) * 1e18


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that turns pixels and frames into diffusion coefficients and diameters.

    Attributes
    ----------
    pixel_size_um : float
        Side of a pixel in the sample, um.
    frame_interval_s : float
        Time from frame to frame, s.
    exposure_fraction : float
        Exposure time over frame interval, 0 to 1.
    temperature_c : float
        Temperature of the sample, degC.
    viscosity_mpas : float
        Dynamic viscosity at that temperature, mPa s.
    """

    pixel_size_um: float
    frame_interval_s: float
    exposure_fraction: float
    temperature_c: float
    viscosity_mpas: float

    @property
    def blur(self) -> float:
        """Motion blur coefficient R = exposure / (6 frame interval), Berglund 2010."""
        return self.exposure_fraction / 6

    @property
    def stokes_einstein_um3_s(self) -> float:
        """D times diameter, um^3/s."""
        return stokes_einstein_um3_s(self.temperature_c, self.viscosity_mpas)

    def diameter_nm(self, d_um2_s: float) -> float:
        """Hydrodynamic diameter (nm) of a diffusion coefficient (um^2/s)."""
        return self.stokes_einstein_um3_s / d_um2_s * 1e3

    def diffusion_um2_s(self, diameter_nm: float) -> float:
        """Diffusion coefficient (um^2/s) of a hydrodynamic diameter (nm)."""
        return self.stokes_einstein_um3_s / diameter_nm * 1e3

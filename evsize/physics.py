"""Stokes-Einstein and the viscosity of the media in which vesicles are measured."""

from __future__ import annotations

import math
import re
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


def _culture_medium(temperature_c: float) -> float:
    # As for PBS: DMEM with 25 mM glucose + 3.6 %, RPMI 1640 + 2.6 %; a tenth of serum adds 1.6 %.
    return 1.04 * water_viscosity_mpas(temperature_c)


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
        Medium(
            "culture-medium", _culture_medium, 0.015, "water + 4 %, Jones-Dole, composition of DMEM"
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Mixture:
    """Something dissolved in water, by its percentage.

    Attributes
    ----------
    name : str
        What the user types before the percentage.
    unit : str
        What the percentage is of.
    highest_percent : float
        The highest for which the figures hold.
    log_viscosity_ratio : callable
        Percentage and temperature in degC to the logarithm of the viscosity over water's.
    log_error : float
        Standard uncertainty of that logarithm, as a fraction of it.
    source : str
        Where the figure comes from.
    """

    name: str
    unit: str
    highest_percent: float
    log_viscosity_ratio: Callable[[float, float], float]
    log_error: float
    source: str

    def at(self, percent: float) -> Medium:
        """Return the medium with this percentage (0 up to the highest)."""

        def viscosity_mpas(temperature_c: float) -> float:
            ratio = math.exp(self.log_viscosity_ratio(percent, temperature_c))
            return ratio * water_viscosity_mpas(temperature_c)

        error = math.hypot(0.002, self.log_error * self.log_viscosity_ratio(percent, 20.0))
        return Medium(f"{self.name} {percent:g}%", viscosity_mpas, error, self.source)


def _log_barber(percent: float, temperature_c: float) -> float:
    # Barber, Natl. Cancer Inst. Monogr. 21, 219 (1966), up to 48 % w/w: log10 A + B/(T + C).
    sucrose = percent / 342.3
    share = sucrose / (sucrose + (100 - percent) / 18.0)
    both = (
        (-1.5018327, 2.1169907e2),
        (9.4112153, 1.6077073e3),
        (-1.1435741e3, 1.6911611e5),
        (1.0504137e5, -1.4184371e7),
        (-4.6927102e6, 6.0654775e8),
        (1.0323349e8, -1.2985834e10),
        (-1.1028981e9, 1.3532907e11),
        (4.5921911e9, -5.4970416e11),
    )
    at = 146.06635 - 25.251728 * math.sqrt(1 + (share / 0.070674842) ** 2)
    return sum((a + b / (temperature_c + at)) * share**k for k, (a, b) in enumerate(both))


def _sucrose(percent: float, temperature_c: float) -> float:
    # over its own water, so that none at all is the water of the others
    ratio = _log_barber(percent, temperature_c) - _log_barber(0.0, temperature_c)
    return math.log(10) * ratio


def _iodixanol(percent: float, temperature_c: float) -> float:
    # ln(ratio)/c is taken as straight in c (g/mL), through 12.7 and 26.6 mPa s at 20 degC and 6.3
    # and 11.8 at 37 degC of 55.0 and 65.2 % w/v (label of Visipaque 270 and 320). Of iohexol,
    # known down to 30 %, the same line reads 17 % too high there.
    c, warmer = percent / 100, temperature_c - 20.0
    return c * (2.41 - 0.011 * warmer + (4.02 - 0.044 * warmer) * c)


def _mixed_heavy_water(percent: float, temperature_c: float) -> float:
    # linear in the share, as measured within 1 % (Kestin et al., Int. J. Thermophys. 6, 331 (1985))
    ratio = _heavy_water(temperature_c) / water_viscosity_mpas(temperature_c)
    return math.log1p(percent / 100 * (ratio - 1))


MIXTURES: Mapping[str, Mixture] = {
    mixture.name: mixture
    for mixture in (
        Mixture("sucrose", "% w/w", 40, _sucrose, 0.01, "Barber 1966, over water"),
        Mixture("iodixanol", "% w/v", 30, _iodixanol, 0.15, "label of Visipaque, extrapolated"),
        Mixture("d2o", "% v/v", 100, _mixed_heavy_water, 0.05, "Cho et al. 1999, mixed linearly"),
    )
}
_OTHERWISE = (
    "for any other liquid give its viscosity at the measuring temperature with --viscosity, in "
    "mPa s"
)
_PERCENT = re.compile(r"(?P<name>\D[\w-]*?)[\s:]+(?P<share>\d+(\.\d*)?)\s*%?")
_PERCENT_FIRST = re.compile(r"(?P<share>\d+(\.\d*)?)\s*%\s*(?P<name>\D[\w-]*)")


def find_medium(name: str) -> Medium:
    """Look up a medium.

    Parameters
    ----------
    name : str
        A key of `MEDIA`, or one of `MIXTURES` with its percentage, such as ``sucrose 10%``; in
        upper or lower case.

    Returns
    -------
    Medium

    Raises
    ------
    UsageError
        If the name is in neither, or the percentage is missing or too high.
    """
    text = name.strip().lower()
    found = _PERCENT.fullmatch(text) or _PERCENT_FIRST.fullmatch(text)
    if found and found["name"] in MIXTURES:
        mixture, percent = MIXTURES[found["name"]], float(found["share"])
        if percent > mixture.highest_percent:
            raise UsageError(
                f"medium '{name}'",
                f"at most {mixture.highest_percent:g} {mixture.unit}, up to which the viscosity of "
                f"{mixture.name} is known",
                _OTHERWISE,
            )
        return mixture.at(percent)
    if text in MEDIA:
        return MEDIA[text]
    if text in MIXTURES:
        raise UsageError(
            f"medium '{name}'",
            f"how much of it, in {MIXTURES[text].unit}",
            f"write, for example, --medium '{text} 10%'",
        )
    mixtures = ", ".join(f"'{mixture} 10%'" for mixture in MIXTURES)
    raise UsageError(
        f"unknown medium '{name}'",
        f"one of {', '.join(MEDIA)}, or a mixture such as {mixtures}",
        _OTHERWISE,
    )


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

"""How bright a particle of a given diameter is: Rayleigh's d^6, or Mie theory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evsize.errors import UsageError
from evsize.results import Floats
from evsize.simulation.scene import Scene

REFERENCE_NM = 100.0


def relative_brightness(scene: Scene, diameter_nm: Floats) -> Floats:
    """Brightness in units of that of a 100 nm particle of the same material.

    Parameters
    ----------
    scene : Scene
        Gives the law, the refractive indices, the wavelength and the aperture.
    diameter_nm : ndarray
        Diameters, nm.

    Returns
    -------
    ndarray
        (d / 100 nm)^6 under Rayleigh's law; the ratio of the light collected at 90 degrees under
        Mie's.
    """
    diameter_nm = np.asarray(diameter_nm, dtype=np.float64)
    if scene.scattering == "rayleigh" or diameter_nm.size == 0:
        return np.asarray((diameter_nm / REFERENCE_NM) ** 6)
    optics = scene.optics

    def collected(diameters: Floats) -> Floats:
        return mie_collected(
            diameters,
            particle_index=scene.particle_index,
            medium_index=scene.medium_index,
            wavelength_um=optics.wavelength_um,
            numerical_aperture=optics.numerical_aperture,
        )

    reference = collected(np.array([REFERENCE_NM]))[0]
    return np.asarray(_tabulated(collected, diameter_nm) / reference)


def _tabulated(function: Callable[[Floats], Floats], diameter_nm: Floats) -> Floats:
    """Apply a costly law to many diameters: exactly to few, by log-log table to many."""
    unique, inverse = np.unique(diameter_nm, return_inverse=True)
    if len(unique) <= 400:
        return np.asarray(function(unique)[inverse])
    grid = np.geomspace(unique[0], unique[-1], 400)
    log_value = np.interp(np.log(diameter_nm), np.log(grid), np.log(function(grid)))
    return np.asarray(np.exp(log_value))


def mie_collected(
    diameter_nm: Floats,
    *,
    particle_index: float,
    medium_index: float,
    wavelength_um: float,
    numerical_aperture: float,
) -> Floats:
    """Light that an objective at 90 degrees to the laser collects, arbitrary unit.

    Parameters
    ----------
    diameter_nm : ndarray
        Diameters, nm.
    particle_index, medium_index : float
        Refractive indices.
    wavelength_um : float
        Wavelength in vacuum, um.
    numerical_aperture : float
        Of the objective; its cone has the half angle asin(NA / medium index).

    Returns
    -------
    ndarray
        (|S1|^2 + |S2|^2)/2 of unpolarised light integrated over the cone; Bohren & Huffman,
        Absorption and Scattering of Light by Small Particles (1983), chapter 4.

    Raises
    ------
    UsageError
        If miepython is not installed.
    """
    try:
        import miepython  # noqa: PLC0415 - an extra, needed by this law alone
    except ImportError as error:
        raise UsageError(
            "Mie scattering needs miepython, which is not installed",
            advice="pip install 'evsize[mie]', or use Rayleigh scattering",
        ) from error
    half_angle = np.arcsin(numerical_aperture / medium_index)
    nodes, weights = np.polynomial.legendre.leggauss(48)
    theta = np.pi / 2 + half_angle * nodes
    # A direction at the angle theta to the laser lies in the cone over this range of azimuths.
    azimuth = 2 * np.arccos(np.clip(np.cos(half_angle) / np.sin(theta), -1, 1))
    weights = weights * np.sin(theta) * azimuth
    m = complex(particle_index / medium_index)
    light = np.empty(len(diameter_nm))
    for i, diameter in enumerate(diameter_nm):
        size = np.pi * diameter * 1e-3 * medium_index / wavelength_um
        s1, s2 = miepython.S1_S2(m, float(size), np.cos(theta), norm="bohren")
        light[i] = np.sum(weights * (np.abs(s1) ** 2 + np.abs(s2) ** 2)) / 2
    return light

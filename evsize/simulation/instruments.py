"""Ready scenes after two instruments, and the brightness that gives a wanted SNR."""

from __future__ import annotations

from typing import Any

import numpy as np

from evsize.simulation.population import Component
from evsize.simulation.rendering import SpotRenderer
from evsize.simulation.scattering import relative_brightness
from evsize.simulation.scene import Camera, Optics, Scene, checked_scene

Population = str | tuple[Component, ...]


def nanosight(
    population: Population = "100nm:100", *, snr_at_100nm: float = 20.0, **changes: Any
) -> Scene:
    """Make a scene in the regime of a NanoSight.

    20x objective of NA 0.4 (PSF sd 0.28 um, 1.7 px), 0.166 um/px, light sheet of 10 um, 25
    frames/s of 640 x 480 px, shutter open for half of the frame (20 ms), 8 bits.

    Parameters
    ----------
    population : str or tuple of Component
        See `evsize.simulation.parse_population`.
    snr_at_100nm : float
        Matched-filter SNR of a resting 100 nm particle at best focus; sets `photons_at_100nm`
        unless that is given.
    **changes
        Any field of `Scene`.

    Returns
    -------
    Scene

    Raises
    ------
    UsageError
        If a field is unknown or out of its range.
    """
    values: dict[str, Any] = {
        "pixel_size_um": 0.166,
        "frame_rate_hz": 25.0,
        "exposure_ms": 500 / _rate(changes, 25.0),
        "depth_um": 10.0,
        "optics": Optics(numerical_aperture=0.4, wavelength_um=0.532),
        "camera": Camera(bit_depth=8, gain_e=5.0, offset=4.0, read_noise_e=2.0),
        "background_e": 20.0,
    }
    return _with_snr(population, values, changes, snr_at_100nm)


def zetaview(
    population: Population = "100nm:100", *, snr_at_100nm: float = 20.0, **changes: Any
) -> Scene:
    """Make a scene in the regime of a ZetaView.

    10x objective of NA 0.3, PSF sd 0.6 um (0.84 px) through the wall of the cell, 0.713 um/px,
    light sheet of 22 um, 30 frames/s of 640 x 480 px, shutter open for 30 % of the frame
    (10 ms), 8 bits.

    Parameters
    ----------
    population, snr_at_100nm
        As for `nanosight`.
    **changes
        Any field of `Scene`.

    Returns
    -------
    Scene

    Raises
    ------
    UsageError
        If a field is unknown or out of its range.
    """
    values: dict[str, Any] = {
        "pixel_size_um": 0.713,
        "frame_rate_hz": 30.0,
        "exposure_ms": 300 / _rate(changes, 30.0),
        "depth_um": 22.0,
        "optics": Optics(numerical_aperture=0.3, wavelength_um=0.488, blur_sd_um=0.49),
        "camera": Camera(bit_depth=8, gain_e=5.0, offset=4.0, read_noise_e=2.0),
        "background_e": 20.0,
    }
    return _with_snr(population, values, changes, snr_at_100nm)


def _rate(changes: dict[str, Any], usual_hz: float) -> float:
    """Frame rate that the exposure follows when only the rate is changed."""
    rate = changes.get("frame_rate_hz", usual_hz)
    return float(rate) if isinstance(rate, int | float) and rate > 0 else usual_hz


def _with_snr(
    population: Population, values: dict[str, Any], changes: dict[str, Any], snr: float
) -> Scene:
    scene = checked_scene(**(values | {"population": population} | changes))
    if "photons_at_100nm" in changes:
        return scene
    return scene.changed(photons_at_100nm=photons_for_snr(scene, 100.0, snr))


def pixel_noise_e(scene: Scene) -> float:
    """Sd of a pixel's noise without particles, electrons: shot, read and rounding noise."""
    camera = scene.camera
    variance = scene.background_e + camera.read_noise_e**2 + camera.gain_e**2 / 12
    return float(np.sqrt(variance))


def matched_filter_snr(scene: Scene, diameter_nm: float, z_um: float = 0.0) -> float:
    """Matched-filter SNR of a resting particle on the known background.

    Parameters
    ----------
    scene : Scene
        Gives brightness, optics, background and camera.
    diameter_nm : float
        Diameter, nm.
    z_um : float
        Distance from focus and sheet centre, um.

    Returns
    -------
    float
        electrons * sqrt(sum of the squared pixel shares) / noise of a pixel. White background
        noise: the spot's own shot noise and its motion are left out.
    """
    spot = SpotRenderer(scene).sum_of_squares(z_um)
    sheet = np.exp(-2 * (z_um / scene.beam_radius_um) ** 2)
    brightness = relative_brightness(scene, np.array([diameter_nm]))[0] * sheet
    return float(scene.photons_at_100nm * brightness * np.sqrt(spot) / pixel_noise_e(scene))


def photons_for_snr(scene: Scene, diameter_nm: float, snr: float) -> float:
    """`Scene.photons_at_100nm` with which a particle at best focus has a matched-filter SNR.

    Parameters
    ----------
    scene : Scene
        Everything else.
    diameter_nm : float
        The particle, nm.
    snr : float
        Wanted; see `matched_filter_snr`.

    Returns
    -------
    float
        Photo-electrons of a 100 nm particle over its whole spot and one exposure.
    """
    unit = scene.changed(photons_at_100nm=1.0)
    return snr / matched_filter_snr(unit, diameter_nm)

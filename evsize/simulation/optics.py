"""The light sheet and the point spread functions, in focus and out of it."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, gaussian_filter
from scipy.special import erf, j0

from evsize.results import Floats
from evsize.simulation.scene import Optics, Scene, focus_sd_um

OVERSAMPLING = 4
"""Points of the ring table a pixel."""
PLANE_STEP = 0.15
"""Optical defocus u from plane to plane of the ring table; the nearest plane is taken."""


def sheet_intensity(scene: Scene, z_um: Floats) -> Floats:
    """Intensity of the light sheet relative to its centre, exp(-2 z^2/w^2)."""
    return np.asarray(np.exp(-2 * (z_um / scene.beam_radius_um) ** 2))


def gaussian_sd_px(scene: Scene, z_um: Floats) -> Floats:
    """Sd of the Gaussian PSF at a distance from the focal plane, px.

    Parameters
    ----------
    scene : Scene
        Gives the optics and the pixel size.
    z_um : ndarray
        Distance from the focal plane, um.

    Returns
    -------
    ndarray
        sqrt(sd0^2 (1 + (z/z_R)^2) + blur^2), px; the pixel's own width left out. The default
        z_R = 2 sd0 / tan(asin(NA/n)) makes it approach the sd along one axis of the geometrical
        defocus disk (radius / 2).
    """
    optics = scene.optics
    sd_um = focus_sd_um(scene)
    slope = np.tan(np.arcsin(optics.numerical_aperture / scene.medium_index))
    range_um = optics.rayleigh_range_um or 2 * sd_um / slope
    variance = sd_um**2 * (1 + (z_um / range_um) ** 2) + optics.blur_sd_um**2
    return np.asarray(np.sqrt(variance) / scene.pixel_size_um)


def gaussian_pixels(sd_px: float, centre_px: float, n_px: int) -> Floats:
    """Share of a Gaussian in each of n pixels of one axis; pixel 0 is centred on 0."""
    edges = (np.arange(n_px + 1) - 0.5 - centre_px) / (np.sqrt(2) * sd_px)
    return np.asarray(np.diff(erf(edges)) / 2)


@dataclass(frozen=True)
class RingTable:
    """Pixel-integrated defocused PSF against defocus, quarter plane.

    Attributes
    ----------
    share : ndarray, (planes, points, points), float32
        Share of the light in a pixel whose centre lies (iy, ix) / `OVERSAMPLING` px from that of
        the spot; sums to one over the pixels of the whole plane for any sub-pixel shift.
    radius_px : ndarray, (planes,)
        Half width of the square that holds the light.
    step_um : float
        Defocus from plane to plane, um; plane 0 is in focus.
    """

    share: NDArray[np.float32]
    radius_px: NDArray[np.int64]
    step_um: float


def diffraction_intensity(v: Floats, u: Floats) -> Floats:
    """Intensity of a defocused point image.

    Parameters
    ----------
    v : ndarray, (n,)
        Optical radius 2 pi NA r / wavelength.
    u : ndarray, (m,)
        Optical defocus 2 pi NA^2 z / (n wavelength).

    Returns
    -------
    ndarray, (m, n)
        |integral_0^1 J0(v r) exp(i u r^2/2) r dr|^2 / pi, whose integral over the plane of v is
        one for any u (Parseval). Born & Wolf, Principles of Optics, 7th ed., section 8.8.
    """
    n_nodes = int(64 + 0.6 * float(np.max(v, initial=0.0)) + 0.4 * float(np.max(u, initial=0.0)))
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    r = (nodes + 1) / 2
    phase = np.exp(0.5j * np.outer(u, r**2)) * (r * weights / 2)
    amplitude = phase @ j0(np.outer(r, v))
    return np.asarray(np.abs(amplitude) ** 2 / np.pi)


def ring_table(scene: Scene, z_max_um: float) -> RingTable:
    """Tabulate the scalar diffraction PSF with its defocus rings.

    Parameters
    ----------
    scene : Scene
        Gives aperture, wavelength, index, blur and pixel size.
    z_max_um : float
        Largest defocus, um.

    Returns
    -------
    RingTable
        Each plane is cut at the geometrical disk plus four radii of the Airy core (beyond lie
        3-5 % of the light, which is put back in proportion).
    """
    return _ring_table(scene.optics, scene.medium_index, scene.pixel_size_um, z_max_um)


@functools.lru_cache(maxsize=4)
def _ring_table(optics: Optics, medium_index: float, pixel_um: float, z_max_um: float) -> RingTable:
    k_na = 2 * math.pi * optics.numerical_aperture / optics.wavelength_um
    k_na_z = k_na * optics.numerical_aperture / medium_index
    n_planes = math.ceil(z_max_um * k_na_z / PLANE_STEP) + 2
    step_um = z_max_um / (n_planes - 2)
    z_um = np.asarray(step_um * np.arange(n_planes), dtype=np.float64)
    core_um = 3.83 / k_na
    slope = math.tan(math.asin(optics.numerical_aperture / medium_index))
    radius_um = z_um * slope + 4 * core_um + 4 * optics.blur_sd_um
    radius_px = np.ceil(radius_um / pixel_um).astype(np.int64) + 1
    fine = 2 * OVERSAMPLING
    grid_um = np.arange(fine * (int(radius_px[-1]) + 2)) * pixel_um / fine
    n_radii = int(60 * grid_um[-1] / core_um) + 40
    radial_um = np.asarray(core_um / 40 * np.arange(n_radii), dtype=np.float64)
    intensity = diffraction_intensity(k_na * radial_um, k_na_z * z_um)
    distance_um = np.hypot(grid_um[:, None], grid_um[None, :])
    points = (int(radius_px[-1]) + 1) * OVERSAMPLING + 1
    share = np.zeros((n_planes, points, points), dtype=np.float32)
    for plane in range(n_planes):
        n_fine = fine * (int(radius_px[plane]) + 1) + 1
        n = (int(radius_px[plane]) + 1) * OVERSAMPLING + 1
        distance = distance_um[:n_fine, :n_fine]
        image = np.interp(distance, radial_um, intensity[plane])
        image[distance > radius_um[plane]] = 0
        share[plane, :n, :n] = _pixel_shares(image, optics.blur_sd_um / pixel_um * fine)
    return RingTable(share, radius_px, step_um)


def _pixel_shares(quarter: Floats, blur_points: float) -> Floats:
    """Blur and integrate over pixels the quarter plane of an image that is even in x and y."""
    if blur_points > 0:
        quarter = gaussian_filter(quarter, blur_points, mode="mirror")
    box = np.ones(2 * OVERSAMPLING + 1)
    box[[0, -1]] = 0.5  # trapezoidal rule over one pixel
    for axis in (0, 1):
        quarter = convolve1d(quarter, box, axis=axis, mode="mirror")
    shares = quarter[::2, ::2]
    # The sum over pixels, averaged over sub-pixel shifts; axes belong to one quarter only once.
    weight = np.full(len(shares), 2.0)
    weight[0] = 1.0
    total = float(weight @ shares @ weight) / OVERSAMPLING**2
    return np.asarray(shares / total)

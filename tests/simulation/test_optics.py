"""Point spread functions, light sheet and brightness laws against closed forms."""

import numpy as np
import pytest
from scipy.special import j1

from evsize.simulation import Optics, matched_filter_snr, nanosight, photons_for_snr, zetaview
from evsize.simulation.instruments import pixel_noise_e
from evsize.simulation.optics import diffraction_intensity, gaussian_sd_px, sheet_intensity
from evsize.simulation.rendering import SpotRenderer
from evsize.simulation.scattering import mie_collected, relative_brightness

RINGS = Optics(numerical_aperture=0.4, wavelength_um=0.532, psf="rings")


def moments(image):
    y, x = np.indices(image.shape)
    total = image.sum()
    mean_x, mean_y = (image * x).sum() / total, (image * y).sum() / total
    spread_x = (image * (x - mean_x) ** 2).sum() / total
    spread_y = (image * (y - mean_y) ** 2).sum() / total
    return total, mean_x, mean_y, spread_x, spread_y


@pytest.mark.parametrize("z_um", [0.0, 2.0, 6.0])
@pytest.mark.parametrize("shift", [0.0, 0.3, -0.45])
def test_gaussian_spot_has_its_moments(z_um, shift):
    scene = nanosight()
    image = SpotRenderer(scene).spot(z_um, shift, -shift)
    total, x, y, spread_x, spread_y = moments(image)
    middle = image.shape[0] // 2
    expected = gaussian_sd_px(scene, np.array(z_um)) ** 2 + 1 / 12
    # Cut at 4 sd or more: at most 3e-4 of the light, 1.2 % of the second moment.
    assert total == pytest.approx(1, abs=3.5e-4)
    assert x == pytest.approx(middle + shift, abs=2e-3)
    assert y == pytest.approx(middle - shift, abs=2e-3)
    assert spread_x == pytest.approx(expected, rel=0.013)
    assert spread_y == pytest.approx(expected, rel=0.013)


def test_defocus_law():
    scene = nanosight(optics=Optics(psf_sd_um=0.3, rayleigh_range_um=2.0, blur_sd_um=0.1))
    sd_um = gaussian_sd_px(scene, np.array([0.0, 2.0])) * 0.166
    assert sd_um == pytest.approx([np.hypot(0.3, 0.1), np.hypot(0.3 * np.sqrt(2), 0.1)])
    # Far away the default approaches the sd of the geometrical disk along one axis, radius / 2.
    far_px = gaussian_sd_px(nanosight(), np.array(100.0))
    disk_um = 100 * np.tan(np.arcsin(0.4 / 1.333))
    assert far_px * 0.166 == pytest.approx(disk_um / 2, rel=1e-3)


def test_diffraction_in_focus_is_the_airy_pattern_and_vanishes_on_axis_at_four_pi():
    v = np.linspace(0.01, 20, 200)
    airy = (2 * j1(v) / v) ** 2 / (4 * np.pi)
    assert diffraction_intensity(v, np.zeros(1))[0] == pytest.approx(airy, abs=1e-12)
    # On the axis (sin(u/4) / (u/4))^2: Born & Wolf, section 8.8.2.
    u = np.array([1.0, 6.0, 4 * np.pi])
    on_axis = diffraction_intensity(np.zeros(1), u)[:, 0]
    assert on_axis == pytest.approx(np.sinc(u / 4 / np.pi) ** 2 / (4 * np.pi), abs=1e-12)


@pytest.mark.parametrize("z_um", [0.0, 4.43, 8.0])
def test_ring_spot_keeps_its_light_and_place(z_um):
    renderer = SpotRenderer(nanosight(optics=RINGS))
    for shift in (0.0, 0.2, 0.37):
        image = renderer.spot(z_um, shift, 0.0)
        total, x, y, *_ = moments(image)
        assert total == pytest.approx(1, abs=1e-3)
        assert x == pytest.approx(image.shape[1] // 2 + shift, abs=0.01)
        assert y == pytest.approx(image.shape[0] // 2, abs=1e-6)


def test_rings_have_a_dark_centre_where_theory_says():
    # u = 4 pi at z = 2 n wavelength / NA^2.
    z_um = 2 * 1.333 * 0.532 / 0.4**2
    image = SpotRenderer(nanosight(optics=RINGS)).spot(z_um)
    middle = image.shape[0] // 2
    assert image[middle, middle] < 0.2 * image.max()
    focus = SpotRenderer(nanosight(optics=RINGS)).spot(0.0)
    assert focus.max() == focus[focus.shape[0] // 2, focus.shape[0] // 2]
    # In focus the peak is that of the Airy pattern, averaged over a pixel (nearly flat there).
    k_na = 2 * np.pi * 0.4 / 0.532
    side = np.linspace(-0.5, 0.5, 41) * 0.166 * k_na
    v = np.hypot(*np.meshgrid(side, side)).clip(1e-9)
    airy = np.mean((2 * j1(v) / v) ** 2) / (4 * np.pi) * (k_na * 0.166) ** 2
    # The table puts back the 4 % of the light beyond its edge.
    assert focus.max() == pytest.approx(airy, rel=0.06)


def test_sheet_profile():
    scene = nanosight(depth_um=10.0)
    assert sheet_intensity(scene, np.array([0.0, 5.0, -5.0, 2.5])) == pytest.approx(
        np.exp([0, -2, -2, -0.5])
    )


def test_rayleigh_is_d_to_the_sixth():
    scene = nanosight()
    assert relative_brightness(scene, np.array([50.0, 100.0, 200.0])) == pytest.approx(
        [1 / 64, 1, 64]
    )


def test_mie_tends_to_rayleigh_for_small_particles():
    diameters = np.array([4.0, 8.0, 16.0])
    # Relative order of the next term, x = pi d n / wavelength.
    x2 = (np.pi * diameters * 1e-3 * 1.333 / 0.532) ** 2
    constants = []
    for index, aperture in ((1.38, 0.4), (1.59, 0.4), (1.38, 0.2)):
        light = mie_collected(
            diameters,
            particle_index=index,
            medium_index=1.333,
            wavelength_um=0.532,
            numerical_aperture=aperture,
        )
        assert np.all(np.abs(light / light[0] / (diameters / 4) ** 6 - 1) < x2)
        # Closed form: S1 = x^3 K, S2 = S1 cos(theta), integrated over the cone.
        m2, cone = (index / 1.333) ** 2, np.arcsin(aperture / 1.333)
        theta = np.linspace(np.pi / 2 - cone, np.pi / 2 + cone, 20001)
        azimuth = 2 * np.arccos(np.clip(np.cos(cone) / np.sin(theta), -1, 1))
        pattern = np.sin(theta) * azimuth * (1 + np.cos(theta) ** 2) / 2
        # The nodes span the cone in units of its half angle.
        closed = x2[0] ** 3 * ((m2 - 1) / (m2 + 2)) ** 2 * np.trapezoid(pattern, theta) / cone
        constants.append(light[0] / closed)
    assert constants == pytest.approx([constants[0]] * 3, rel=x2[0] + 1e-3)


def test_mie_scene_is_tabulated_smoothly():
    scene = nanosight(scattering="mie", particle_index=1.59)
    many = np.geomspace(40, 600, 1500)
    table = relative_brightness(scene, many)
    exact = relative_brightness(scene, many[::50])
    assert table[::50] == pytest.approx(exact, rel=0.01)
    assert relative_brightness(scene, np.array([100.0])) == pytest.approx([1.0])
    # Large spheres send their light forward: less at 90 degrees than d^6 says.
    assert table[-1] < 0.2 * 6**6


@pytest.mark.parametrize("scene", [nanosight(), zetaview(), nanosight(optics=RINGS)])
def test_photons_for_snr(scene):
    lit = scene.changed(photons_at_100nm=photons_for_snr(scene, 60.0, 6.0))
    assert matched_filter_snr(lit, 60.0) == pytest.approx(6.0)
    # A matched filter applied to noise alone has the sd that the definition assumes.
    spot = SpotRenderer(lit).spot(0.0)
    amplitude = lit.photons_at_100nm * 0.6**6 * np.sqrt(np.sum(spot**2))
    assert amplitude / pixel_noise_e(lit) == pytest.approx(6.0, rel=0.05)

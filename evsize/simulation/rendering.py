"""Expected electrons of a frame: particles through the optics, and what lies behind them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from evsize.results import Floats
from evsize.simulation.kernels import add_gaussian_spots, add_tabulated_spots, expose
from evsize.simulation.optics import (
    OVERSAMPLING,
    gaussian_pixels,
    gaussian_sd_px,
    ring_table,
    sheet_intensity,
)
from evsize.simulation.particles import Z_BEAM_RADII, Paths
from evsize.simulation.scene import Scene

NEGLIGIBLE_E = 0.02
"""Spots whose brightest pixel is expected to hold fewer electrons than this are left out."""


class SpotRenderer:
    """Draws spots of a scene's optics into images of expected electrons."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._rings = None
        if scene.optics.psf == "rings":
            self._rings = ring_table(scene, Z_BEAM_RADII * scene.beam_radius_um)
            # A dark centre has its light in a ring: the brightest pixel of each plane.
            self._brightest = self._rings.share.max(axis=(1, 2)).astype(np.float64)

    def _planes(self, z_um: Floats) -> NDArray[np.int64]:
        """Nearest plane of the ring table."""
        assert self._rings is not None
        plane = np.rint(np.abs(z_um) / self._rings.step_um).astype(np.int64)
        return np.minimum(plane, len(self._rings.share) - 1)

    def peak_share(self, z_um: Floats) -> Floats:
        """Share of the light in the brightest pixel of a centred spot, against defocus."""
        if self._rings is not None:
            return np.asarray(self._brightest[self._planes(z_um)])
        return _peak_of_gaussian(gaussian_sd_px(self.scene, z_um))

    def sum_of_squares(self, z_um: float = 0.0) -> float:
        """Sum over pixels of the squared PSF, averaged over sub-pixel positions."""
        sums = []
        for shift in (np.arange(4) + 0.5) / 4 - 0.5:
            for other in (np.arange(4) + 0.5) / 4 - 0.5:
                image = self.spot(z_um, float(shift), float(other))
                sums.append(float(np.sum(image**2)))
        return float(np.mean(sums))

    def spot(self, z_um: float, shift_x_px: float = 0.0, shift_y_px: float = 0.0) -> Floats:
        """One spot of unit light in the middle of a square image that holds it whole."""
        if self._rings is None:
            reach = int(np.ceil(6 * gaussian_sd_px(self.scene, np.array(z_um)))) + 1
        else:
            plane = min(round(abs(z_um) / self._rings.step_um) + 1, len(self._rings.share) - 1)
            reach = int(self._rings.radius_px[plane]) + 2
        image = np.zeros((2 * reach + 1, 2 * reach + 1))
        at = np.array([[reach + shift_x_px, reach + shift_y_px]])
        self.add(image, at[None], np.full((1, 1), z_um), np.ones((1, 1)), np.zeros(1))
        return image

    def add(
        self, image: Floats, xy_px: Floats, z_um: Floats, electrons: Floats, spread_px2: Floats
    ) -> None:
        """Add spots to an image, in place.

        Parameters
        ----------
        image : ndarray, (height, width)
            Expected electrons.
        xy_px : ndarray, (n, m, 2)
            Positions of n particles in m parts of the exposure, px.
        z_um, electrons : ndarray, (n, m)
            Defocus, um, and the electrons of each part.
        spread_px2 : ndarray, (n,)
            Variance of the motion within a part; widens the Gaussian, ignored by the rings.
        """
        flat_x, flat_y = xy_px[..., 0].ravel(), xy_px[..., 1].ravel()
        if self._rings is None:
            sd_px = np.sqrt(gaussian_sd_px(self.scene, z_um) ** 2 + spread_px2[:, None])
            add_gaussian_spots(image, flat_x, flat_y, sd_px.ravel(), electrons.ravel())
            return
        add_tabulated_spots(
            image,
            flat_x,
            flat_y,
            self._planes(np.abs(z_um).ravel()),
            electrons.ravel(),
            self._rings.share,
            self._rings.radius_px,
            OVERSAMPLING,
        )


def _peak_of_gaussian(sd_px: Floats) -> Floats:
    # erf(x)^2 of a pixel of half width x, by Ross's rational bound: within 1 % and vectorised.
    x2 = 0.125 / sd_px**2
    return np.asarray(1 - np.exp(-x2 * (4 / np.pi + 0.147 * x2) / (1 + 0.147 * x2)))


def part_electrons(scene: Scene, brightness: Floats, paths: Paths, power: float) -> Floats:
    """Electrons that each particle gives in each part of the exposure, (particles, parts)."""
    per_part = scene.photons_at_100nm * power / paths.xyz_um.shape[1]
    return np.asarray(
        per_part * brightness[:, None] * sheet_intensity(scene, paths.xyz_um[:, :, 2])
    )


class Backdrop:
    """What the camera sees without particles: background, dust, hot pixels, flicker."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene = scene
        trouble = scene.disturbances
        shape = (scene.height_px, scene.width_px)
        column = np.arange(scene.width_px) / max(1, scene.width_px - 1) - 0.5
        smooth_e = scene.background_e * np.tile(1 + trouble.gradient * column, (shape[0], 1))
        self._static_e = np.array(smooth_e)
        for x, y in rng.random((trouble.dust, 2)) * (shape[1] - 1, shape[0] - 1):
            self._static_e += trouble.dust_e * np.outer(
                gaussian_pixels(trouble.dust_sd_px, y, shape[0]),
                gaussian_pixels(trouble.dust_sd_px, x, shape[1]),
            )
        self._hot_e = np.zeros(shape)
        where = rng.permutation(shape[0] * shape[1])[: trouble.hot_pixels]
        self._hot_e.flat[where] = trouble.hot_pixel_e

    def laser_power(self, time_s: float, rng: np.random.Generator) -> float:
        """Power of the laser in a frame, relative to its mean."""
        trouble = self.scene.disturbances
        power = 1 + trouble.flicker_sine * np.sin(2 * np.pi * trouble.flicker_hz * time_s)
        if trouble.flicker:
            power += trouble.flicker * rng.standard_normal()
        return max(0.0, float(power))

    def image(self, time_s: float, power: float) -> Floats:
        """Make the image of expected electrons at a time; a new array."""
        trouble = self.scene.disturbances
        image = self._static_e * power
        if trouble.wave:
            column = np.arange(self.scene.width_px) - trouble.wave_px_s * time_s
            wave = np.sin(2 * np.pi * column / trouble.wave_length_px)
            image += self.scene.background_e * trouble.wave * power * wave
            np.maximum(image, 0.0, out=image)
        if trouble.hot_pixels:
            image += self._hot_e
        return image


class Sensor:
    """Turns expected electrons into grey levels with photon and read noise."""

    def __init__(self, scene: Scene) -> None:
        self.camera = scene.camera
        self.dtype = np.uint8 if scene.camera.bit_depth == 8 else np.uint16
        means = np.arange(256)
        counts = np.arange(int(256 + 9 * np.sqrt(256)) + 20)
        self._cumulative = np.asarray(poisson.cdf(counts[None, :], means[:, None]))
        self._cumulative[:, -1] = 1.0
        starts = np.arange(512) / 512
        self._guide = np.array(
            [np.searchsorted(row, starts, side="right") for row in self._cumulative], dtype=np.int16
        )

    def expose(self, electrons: Floats, rng: np.random.Generator) -> NDArray[np.uint8 | np.uint16]:
        """Take one picture of an image of expected electrons."""
        camera, flat = self.camera, electrons.ravel()
        grey = np.empty(flat.shape, dtype=self.dtype)
        expose(
            flat,
            grey,
            rng.random(flat.size),
            rng.poisson(flat[flat >= len(self._cumulative)]),
            camera.read_noise_e * rng.standard_normal(flat.size),
            self._cumulative,
            self._guide,
            camera.gain_e,
            camera.offset,
            camera.white_level,
        )
        return grey.reshape(electrons.shape)

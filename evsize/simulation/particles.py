"""Particles in a box around the field of view, and their paths through an exposure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evsize.results import Floats
from evsize.simulation.optics import gaussian_sd_px
from evsize.simulation.scattering import relative_brightness
from evsize.simulation.scene import Scene

Z_BEAM_RADII = 3.0
"""Half height of the box in beam radii; there the sheet is down to exp(-18)."""


@dataclass(frozen=True)
class Box:
    """The volume that is simulated: x and y from -margin, z from -half height to half height."""

    length_um: Floats
    margin_um: float
    half_height_um: float

    @property
    def volume_ml(self) -> float:
        """Volume, mL."""
        return float(np.prod(self.length_um)) * 2 * self.half_height_um * 1e-12


def box_of(scene: Scene) -> Box:
    """Make a box so large that its sides are never seen.

    The margin beyond the field of view holds four PSF sd at 1.5 beam radii, six sd of a frame's
    step of the smallest particles, and a frame's flow.
    """
    sd_um = float(gaussian_sd_px(scene, np.array(1.5 * scene.beam_radius_um)))
    sd_um *= scene.pixel_size_um
    conditions = scene.conditions
    step_um = 0.0
    if scene.population:
        smallest_nm = min(component.smallest_nm for component in scene.population)
        fastest_um2_s = conditions.diffusion_um2_s(smallest_nm)
        step_um = float(np.sqrt(2 * fastest_um2_s * conditions.frame_interval_s))
    speed_um_s = float(np.hypot(*scene.flow_um_s) + np.hypot(*scene.pulse_um_s))
    margin_um = 4 * sd_um + 6 * step_um + speed_um_s * conditions.frame_interval_s
    size_px = np.array([scene.width_px, scene.height_px])
    return Box(
        size_px * scene.pixel_size_um + 2 * margin_um,
        margin_um,
        Z_BEAM_RADII * scene.beam_radius_um,
    )


def flow_displacement_um(scene: Scene, time_s: Floats) -> Floats:
    """Displacement by the flow since the start, integrated exactly.

    Parameters
    ----------
    scene : Scene
        Velocity v(t) = flow + pulse sin(2 pi f t).
    time_s : ndarray, (n,)
        Times, s.

    Returns
    -------
    ndarray, (n, 2)
        Displacement along x and y, um.
    """
    angular = 2 * np.pi * scene.pulse_hz
    pulsed_s = (1 - np.cos(angular * time_s)) / angular
    return np.asarray(
        np.outer(time_s, scene.flow_um_s) + np.outer(pulsed_s, scene.pulse_um_s), dtype=np.float64
    )


@dataclass(frozen=True)
class Paths:
    """Positions averaged over each part of an exposure.

    Attributes
    ----------
    xyz_um : ndarray, (particles, substeps, 3)
        x, y from the centre of pixel (0, 0); z from the focal plane.
    spread_um2 : ndarray, (particles,)
        Mean variance of a particle's position within one part, along an axis.
    """

    xyz_um: Floats
    spread_um2: Floats


class Particles:
    """Brownian spheres in a box.

    The box is periodic in x and y, far outside the field of view, and reflecting in z. A particle
    that leaves through a side enters through the opposite one with a fresh identity and, so that
    a flow does not bring the same pattern round again, at a fresh place on that side.

    Attributes
    ----------
    diameter_nm, brightness : ndarray, (n,)
        Diameter, and brightness relative to 100 nm (its individual scatter included).
    identity : ndarray, (n,)
        Number of the particle in the truth; -1 until it is first written.
    """

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene, self.rng, self.box = scene, rng, box_of(scene)
        self.diameter_nm = self._draw_diameters()
        n = len(self.diameter_nm)
        scatter = np.exp(scene.brightness_sd_ln * rng.standard_normal(n))
        self.brightness = relative_brightness(scene, self.diameter_nm) * scatter
        constant = scene.conditions.stokes_einstein_um3_s
        self.diffusion_um2_s = constant / (self.diameter_nm * 1e-3)
        self._z_unfolded_um = np.empty(0)
        self.scatter_anew()
        self.identity: NDArray[np.int64] = np.full(n, -1, dtype=np.int64)

    def _draw_diameters(self) -> Floats:
        per_particle = self.box.volume_ml / self.scene.illuminated_volume_ml
        drawn: list[Floats] = []
        for component in self.scene.population:
            mean = component.number * per_particle
            fluctuates = self.scene.number_fluctuates
            n = int(self.rng.poisson(mean)) if fluctuates else round(mean)
            drawn.append(component.draw_nm(n, self.rng))
        return np.concatenate(drawn) if drawn else np.empty(0)

    def scatter_anew(self) -> None:
        """Put every particle at a random place, as another identity."""
        n = len(self.diameter_nm)
        self._xy_um = self.rng.random((n, 2)) * self.box.length_um - self.box.margin_um
        self._z_unfolded_um = self._random_z(n)
        self.identity = np.full(n, -1, dtype=np.int64)

    def shift(self, x_um: float, y_um: float) -> None:
        """Move all particles, as a jump of the stage does."""
        self._xy_um += (x_um, y_um)
        self._wrap()

    def _random_z(self, n: int) -> Floats:
        half = self.box.half_height_um
        return np.asarray(self.rng.uniform(-half, half, n))

    def _fold(self, z_um: Floats) -> Floats:
        """Reflect free paths at the walls."""
        half = self.box.half_height_um
        return np.asarray(np.abs((z_um - half) % (4 * half) - 2 * half) - half)

    def expose(self, start_s: float) -> Paths:
        """Move the particles through one frame and return their paths while the shutter is open.

        Parameters
        ----------
        start_s : float
            Time at which the shutter opens, s; it opens at the start of the frame.

        Returns
        -------
        Paths
            The average of a Brownian path over a part of length h that leads from a to b is
            normal with mean (a + b)/2 and variance D h / 6 (Brownian bridge): positions averaged
            over a part, and so over the exposure, are exactly distributed for any number of
            parts. Within a part the path spreads by D h / 3 around its average, in the mean.
        """
        scene, rng = self.scene, self.rng
        n, m = len(self.diameter_nm), scene.n_substeps
        part_s = scene.exposure_ms / 1e3 / m
        closed_s = max(0.0, scene.conditions.frame_interval_s - scene.exposure_ms / 1e3)
        diffusion = self.diffusion_um2_s[:, None, None]
        start_um = np.column_stack([self._xy_um, self._z_unfolded_um])
        if part_s > 0:
            moves = np.sqrt(2 * diffusion * part_s) * rng.standard_normal((n, m, 3))
            ends = start_um[:, None, :] + np.cumsum(moves, axis=1)
            average = ends - moves / 2
            average += np.sqrt(diffusion * part_s / 6) * rng.standard_normal((n, m, 3))
            last_um = ends[:, -1, :]
        else:
            average, last_um = start_um[:, None, :].copy(), start_um
        last_um = last_um + np.sqrt(2 * diffusion[:, 0] * closed_s) * rng.standard_normal((n, 3))
        middle_s = start_s + part_s * (np.arange(m) + 0.5)
        times = np.concatenate([[start_s], middle_s, [start_s + 1 / scene.frame_rate_hz]])
        flow_um = flow_displacement_um(scene, times)
        flow_um -= flow_um[0]
        average[:, :, :2] += flow_um[1:-1]
        average[:, :, 2] = self._fold(average[:, :, 2])
        self._xy_um = last_um[:, :2] + flow_um[-1]
        self._z_unfolded_um = last_um[:, 2]
        return Paths(average, self.diffusion_um2_s * part_s / 3)

    def settle(self) -> None:
        """Finish the frame: bring back the particles that left through a side."""
        self._wrap()

    def _wrap(self) -> None:
        turns = np.floor((self._xy_um + self.box.margin_um) / self.box.length_um)
        self._xy_um = self._xy_um - turns * self.box.length_um
        for axis in (0, 1):
            left, other = np.flatnonzero(turns[:, axis]), 1 - axis
            place = self.rng.random(len(left)) * self.box.length_um[other]
            self._xy_um[left, other] = place - self.box.margin_um
            self._z_unfolded_um[left] = self._random_z(len(left))
            self.identity[left] = -1

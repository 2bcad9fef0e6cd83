"""A scene: everything that decides what the camera sees."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from evsize.errors import UsageError
from evsize.physics import Conditions, find_medium
from evsize.settings import AcquisitionSettings, Positive, Section
from evsize.simulation.population import Component, parse_population

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Vector = tuple[float, float]


class Optics(Section):
    """The objective, and how a point is blurred at a distance from its focus."""

    numerical_aperture: Annotated[float, Field(gt=0, lt=1.3)] = Field(
        0.4, description="numerical aperture of the objective"
    )
    wavelength_um: Positive = Field(0.532, description="wavelength of the laser in vacuum, um")
    psf: Literal["gaussian", "rings"] = Field(
        "gaussian",
        description="Gaussian that widens, or scalar diffraction with defocus rings",
    )
    psf_sd_um: Positive | None = Field(
        None,
        description="sd of the Gaussian in focus, um; 0.21 wavelength / aperture if left out",
    )
    rayleigh_range_um: Positive | None = Field(
        None,
        description="defocus at which the Gaussian is sqrt(2) wider, um; if left out, such that "
        "it ends as wide (sd) as the geometrical disk of the aperture",
    )
    blur_sd_um: NonNegative = Field(
        0.0, description="further Gaussian blur (aberrations, sensor), um; of both kinds of PSF"
    )


class Camera(Section):
    """From photo-electrons to grey levels; quantum efficiency is in the electrons."""

    bit_depth: Literal[8, 10, 12, 16] = Field(8, description="bits of a pixel")
    gain_e: Positive = Field(4.0, description="electrons per grey level")
    offset: NonNegative = Field(4.0, description="black level, grey levels")
    read_noise_e: NonNegative = Field(2.0, description="read noise (sd), electrons")

    @property
    def white_level(self) -> int:
        """Grey level at which a pixel is saturated."""
        return int(2**self.bit_depth) - 1


class Disturbances(Section):
    """What a good film does not have; all absent by default."""

    hot_pixels: Annotated[int, Field(ge=0)] = Field(0, description="number of hot pixels")
    hot_pixel_e: NonNegative = Field(300.0, description="their mean dark electrons a frame")
    dust: Annotated[int, Field(ge=0)] = Field(0, description="number of stationary specks")
    dust_e: NonNegative = Field(3000.0, description="electrons of a speck a frame")
    dust_sd_px: Positive = Field(2.0, description="sd of a speck, px")
    flicker: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="relative rms of the laser power from frame to frame (white)"
    )
    flicker_sine: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="relative amplitude of a regular flicker of the laser"
    )
    flicker_hz: Positive = Field(1.3, description="its frequency, 1/s")
    gradient: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="background rises by this share of itself from left to right"
    )
    wave: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="relative amplitude of a background wave that moves over the field"
    )
    wave_length_px: Positive = Field(150.0, description="its length, px")
    wave_px_s: float = Field(40.0, description="its speed along x, px/s")
    scene_cuts: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        (), description="frames at which the field of view is another one"
    )
    stage_jumps: tuple[tuple[int, float, float], ...] = Field(
        (), description="(frame, x, y): all particles move by x, y um before that frame"
    )


class Scene(Section):
    """A recording to be simulated.

    The light sheet has the intensity exp(-2 z^2/w^2), 2 w = `depth_um`, centred on the focal
    plane. A component's number is the mean number of particles in the illuminated volume: field
    of view times `depth_um`.
    """

    population: tuple[Component, ...] = Field(description="components; text is read as well")
    height_px: Annotated[int, Field(ge=8, le=8192)] = Field(480, description="rows")
    width_px: Annotated[int, Field(ge=8, le=8192)] = Field(640, description="columns")
    pixel_size_um: Annotated[float, Field(gt=0, le=100)] = Field(description="um")
    frame_rate_hz: Annotated[float, Field(gt=0, le=1e6)] = Field(description="frames a second")
    exposure_ms: Annotated[float, Field(ge=0, le=1e6)] = Field(
        description="ms; 0 is an instantaneous picture with as many photons"
    )
    temperature_c: Annotated[float, Field(ge=-10, le=100)] = Field(22.0, description="degC")
    medium: str = Field("water", description="suspending liquid")
    viscosity_mpas: Positive | None = Field(None, description="mPa s; overrides the medium")
    depth_um: Annotated[float, Field(gt=0, le=500)] = Field(
        10.0, description="thickness of the light sheet between its 1/e^2 points, um"
    )
    dilution: Annotated[float, Field(ge=1)] = Field(1.0, description="only noted in the sidecar")
    photons_at_100nm: NonNegative = Field(
        700.0,
        description="photo-electrons, over the whole spot and one exposure, of a 100 nm particle "
        "in focus and sheet centre",
    )
    background_e: NonNegative = Field(25.0, description="background photo-electrons a pixel")
    scattering: Literal["rayleigh", "mie"] = Field("rayleigh", description="brightness law")
    particle_index: Annotated[float, Field(gt=1, le=4)] = Field(
        1.38, description="refractive index of the particles: vesicles 1.38, polystyrene 1.59"
    )
    medium_index: Annotated[float, Field(ge=1, le=2)] = Field(1.333, description="of the medium")
    brightness_sd_ln: Annotated[float, Field(ge=0, le=2)] = Field(
        0.0, description="sd of ln(brightness) from particle to particle of one size"
    )
    number_fluctuates: bool = Field(
        True, description="Poisson number of particles in the box; False for the mean, rounded"
    )
    flow_um_s: Vector = Field((0.0, 0.0), description="uniform flow along x and y, um/s")
    pulse_um_s: Vector = Field(
        (0.0, 0.0), description="amplitude of a sinusoidal pulsation added to the flow, um/s"
    )
    pulse_hz: Positive = Field(1.0, description="frequency of the pulsation, 1/s")
    substeps: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="parts of the exposure; from the fastest particles if left out"
    )
    optics: Optics = Optics()
    camera: Camera = Camera()
    disturbances: Disturbances = Disturbances()

    @field_validator("population", mode="before")
    @classmethod
    def _read_population(cls, value: Any) -> Any:
        return parse_population(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exposure_fits(self) -> Scene:
        if self.exposure_ms * self.frame_rate_hz > 1000 * (1 + 1e-6):
            raise ValueError("the exposure is longer than the frame")
        if self.optics.numerical_aperture >= self.medium_index:
            raise ValueError("the numerical aperture must be below the medium's index")
        if self.viscosity_mpas is None:
            find_medium(self.medium)
        return self

    def changed(self, **changes: Any) -> Scene:
        """Return a copy with other values, checked again.

        Raises
        ------
        UsageError
            If a name is unknown or a value is out of its range.
        """
        return checked_scene(**{name: getattr(self, name) for name in Scene.model_fields} | changes)

    @property
    def conditions(self) -> Conditions:
        """Pixel size, times, temperature and viscosity, for Stokes-Einstein."""
        viscosity = self.viscosity_mpas
        if viscosity is None:
            viscosity = find_medium(self.medium).viscosity_mpas(self.temperature_c)
        interval_s = 1 / self.frame_rate_hz
        fraction = min(1.0, self.exposure_ms / 1e3 * self.frame_rate_hz)
        return Conditions(self.pixel_size_um, interval_s, fraction, self.temperature_c, viscosity)

    @property
    def acquisition(self) -> AcquisitionSettings:
        """The acquisition as a user would state it."""
        names = set(AcquisitionSettings.model_fields)
        return AcquisitionSettings(**self.model_dump(include=names))

    @property
    def beam_radius_um(self) -> float:
        """Distance from the sheet's centre at which its intensity is 1/e^2, um."""
        return self.depth_um / 2

    @property
    def illuminated_volume_ml(self) -> float:
        """Field of view times depth, mL."""
        area_um2 = self.height_px * self.width_px * self.pixel_size_um**2
        return area_um2 * self.depth_um * 1e-12

    @property
    def concentration_per_ml(self) -> float:
        """Mean number of particles per mL in the cell."""
        return sum(c.number for c in self.population) / self.illuminated_volume_ml

    @property
    def n_substeps(self) -> int:
        """Parts into which the exposure is cut.

        Enough that the fastest particles move less than 0.7 PSF sd in each, from 8 to 24; one for
        an instantaneous picture. The exposure-averaged position is exact for any number (see
        `evsize.simulation.particles`).
        """
        if self.exposure_ms == 0:
            return 1
        if self.substeps is not None:
            return self.substeps
        if not self.population:
            return 8
        fastest_um2_s = self.conditions.diffusion_um2_s(min(c.smallest_nm for c in self.population))
        step2_um2 = 2 * fastest_um2_s * self.exposure_ms / 1e3
        width_um = max(0.7 * focus_sd_um(self), 0.5 * self.pixel_size_um)
        return int(np.clip(np.ceil(step2_um2 / width_um**2), 8, 24))


def focus_sd_um(scene: Scene) -> float:
    """Sd of the Gaussian PSF in focus, um, blur and pixel left out.

    0.21 wavelength / aperture: Zhang, Zerubia & Olivo-Marin, Appl. Opt. 46, 1819 (2007).
    """
    optics = scene.optics
    return optics.psf_sd_um or 0.21 * optics.wavelength_um / optics.numerical_aperture


def checked_scene(**values: Any) -> Scene:
    """Make a scene from values given by a user.

    Raises
    ------
    UsageError
        If a name is unknown or a value is missing or out of its range.
    """
    try:
        return Scene.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "scene"
        raise UsageError(
            f"simulation: '{name}' = {first['input']!r}: {first['msg']}"
            if first["loc"]
            else f"simulation: {first['msg']}",
            advice="see evsize.simulation.Scene",
        ) from error

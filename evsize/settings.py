"""Every setting, one section a stage; unknown keys are refused at every level."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evsize.errors import UsageError

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A group of settings: frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AcquisitionSettings(Section):
    """How the recording was made; what is left out is taken from the recording."""

    pixel_size_um: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = Field(
        None, description="side of a pixel in the sample, um"
    )
    frame_rate_hz: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None, description="frames a second, 1/s"
    )
    exposure_ms: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None, description="time the shutter is open in a frame, ms"
    )
    temperature_c: Annotated[float, Field(ge=-10, le=100, allow_inf_nan=False)] | None = Field(
        None, description="temperature of the sample, degC"
    )
    medium: str | None = Field(None, description="suspending liquid: water, pbs, sucrose 10%, ...")
    viscosity_mpas: Annotated[float, Field(gt=0, le=1e4, allow_inf_nan=False)] | None = Field(
        None, description="dynamic viscosity at that temperature, mPa s; overrides the medium"
    )
    depth_um: Annotated[float, Field(gt=0, le=500, allow_inf_nan=False)] | None = Field(
        None,
        description="thickness of the illuminated layer between its 1/e^2 points, um; no cell is "
        "deeper than 500",
    )
    dilution: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = Field(
        None, description="factor by which the sample was diluted"
    )


class RecordingSettings(Section):
    """Which part of a recording is analysed; all of it where left out."""

    frames: Annotated[str, Field(pattern=r"^\d*:\d*$")] | None = Field(
        None, description="A:B, frames from A up to, but without, B; from 0"
    )
    roi_px: (
        tuple[
            Annotated[int, Field(ge=0)],
            Annotated[int, Field(ge=0)],
            Annotated[int, Field(ge=1)],
            Annotated[int, Field(ge=1)],
        ]
        | None
    ) = Field(None, description="column and row of the upper left corner, width, height, px")


class DetectionSettings(Section):
    """How spots are found; what is left out follows from the recording."""

    engine: Literal["fast", "trackpy"] = Field("fast", description="detection engine")
    polarity: Literal["auto", "bright", "dark"] = Field(
        "auto", description="bright spots on dark ground, or dark on bright"
    )
    spot_sd_px: Annotated[float, Field(ge=0.4, le=30)] | None = Field(
        None, description="standard deviation of a spot, px; estimated where left out"
    )
    threshold_snr: Annotated[float, Field(ge=2, le=100)] | None = Field(
        None, description="matched-filter SNR that starts a track; from the false rate if left out"
    )


class TrackingSettings(Section):
    """How spots are linked into tracks."""

    search_radius_um: Positive | None = Field(
        None, description="largest step, um; from physics and crowding where left out"
    )
    smallest_diameter_nm: Annotated[float, Field(ge=5, le=1000)] = Field(
        50.0, description="smallest diameter whose steps the first search radius must hold, nm"
    )
    max_gap_frames: Annotated[int, Field(ge=0, le=2)] = Field(
        2, description="missed frames over which a track goes on"
    )
    remove_flow: bool = Field(True, description="fit and remove a smooth flow")


class DiffusionSettings(Section):
    """How a track becomes a likelihood of the diffusion coefficient."""

    min_positions: Annotated[int, Field(ge=3, le=1000)] = Field(
        5, description="positions that a track needs to be used"
    )
    loc_sd_nm: Annotated[float, Field(ge=0)] | None = Field(
        None, description="localisation error, nm; pooled from the recording where left out"
    )


class SizeClass(Section):
    """A half-open range of diameters, nm."""

    name: str
    low_nm: Annotated[float, Field(ge=0)]
    high_nm: Positive | None = Field(None, description="upper end, nm; open where left out")


EV_CLASSES = (
    SizeClass(name="sub-range", low_nm=0, high_nm=40),
    SizeClass(name="exosome-size", low_nm=40, high_nm=160),
    SizeClass(name="microvesicle-size", low_nm=160, high_nm=1000),
    SizeClass(name="apoptotic-body-size", low_nm=1000),
)


class SizingSettings(Section):
    """How likelihoods become a size distribution."""

    min_diameter_nm: Annotated[float, Field(ge=5)] = Field(10.0, description="smallest size, nm")
    max_diameter_nm: Annotated[float, Field(le=20000)] = Field(
        3000.0, description="largest size, nm"
    )
    n_sizes: Annotated[int, Field(ge=50, le=2000)] = Field(
        240, description="points of the logarithmic grid of diameters"
    )
    n_bootstrap: Annotated[int, Field(ge=0, le=10000)] = Field(
        200, description="resamples behind the 95 % intervals"
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="seed of the resampling")
    weighting: Literal["volume", "seen"] = Field(
        "volume",
        description="number per volume, where it is known how deep each size is seen, or number "
        "in view",
    )
    classes: tuple[SizeClass, ...] = Field(EV_CLASSES, description="size classes")

    @model_validator(mode="after")
    def _grid_is_a_range(self) -> SizingSettings:
        if self.max_diameter_nm < 2 * self.min_diameter_nm:
            raise ValueError("max_diameter_nm must be at least twice min_diameter_nm")
        return self


class CompletenessSettings(Section):
    """How it is found out what the recording does not show."""

    mode: Literal["auto", "off", "thorough"] = Field(
        "auto",
        description="whether simulated particles are laid on the frames and looked for: 'auto' "
        "takes up to half a minute, 'thorough' five times that",
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="seed of the simulated particles")


class InstrumentSettings(Section):
    """What a calibration with beads tells of the instrument (`evsize calibrate`)."""

    depth_um: Annotated[float, Field(gt=0, le=500, allow_inf_nan=False)] | None = Field(
        None, description="thickness of the light sheet between its 1/e^2 points, um"
    )
    depth_relative_se: Annotated[float, Field(ge=0, le=2)] = Field(
        0.0, description="its relative standard error"
    )
    widening_per_um: Annotated[float, Field(gt=0, le=10)] | None = Field(
        None, description="standard deviation of a far spot over its depth, um/um"
    )
    pixel_size_um: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = Field(
        None, description="side of a pixel in the sample, um"
    )
    exposure_ms: Annotated[float, Field(ge=0)] | None = Field(
        None, description="exposure of the bead recording, ms"
    )
    background: float | None = Field(None, description="its background, grey levels")
    noise: Positive | None = Field(None, description="its pixel noise, grey levels")
    spot_sd_um: Positive | None = Field(None, description="its spot width in focus, um")
    focus_sd_um: Positive | None = Field(
        None, description="sd of its spots in focus, pixel included and motion taken off, um"
    )
    date: str | None = Field(None, description="day of the calibration, YYYY-MM-DD")
    valid_days: Annotated[int, Field(ge=1)] = Field(
        90, description="days after which it is to be made anew"
    )
    beads_nm: Positive | None = Field(None, description="certified diameter of the beads, nm")
    concentration_per_ml: Positive | None = Field(
        None, description="their number per mL, before dilution"
    )

    def acquisition(self) -> dict[str, float | None]:
        """Acquisition values that belong to the instrument."""
        return {"pixel_size_um": self.pixel_size_um}


class QcSettings(Section):
    """Which limits the verdict uses."""

    profile: str = Field("general", description="name of a built-in profile of limits")


class OutputSettings(Section):
    """What is written."""

    tables: tuple[Literal["parquet", "csv", "xlsx"], ...] = Field(
        ("parquet",), description="formats of the tables; particles.csv is always written"
    )
    figures: tuple[Literal["svg", "pdf", "png"], ...] = Field(
        (), description="formats of the figures for papers; none where left out"
    )


class Settings(Section):
    """All settings; ``Settings()`` is right for a usual recording."""

    acquisition: AcquisitionSettings = AcquisitionSettings()
    recording: RecordingSettings = RecordingSettings()
    detection: DetectionSettings = DetectionSettings()
    tracking: TrackingSettings = TrackingSettings()
    diffusion: DiffusionSettings = DiffusionSettings()
    sizing: SizingSettings = SizingSettings()
    completeness: CompletenessSettings = CompletenessSettings()
    instrument: InstrumentSettings = InstrumentSettings()
    qc: QcSettings = QcSettings()
    output: OutputSettings = OutputSettings()


def parse_settings(data: dict[str, Any], origin: str) -> Settings:
    """Check settings from outside; the error names the key and where it stands.

    Raises
    ------
    UsageError
        If a key is unknown or a value is out of its range.
    """
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise UsageError(
            f"{origin}: '{key}' = {first['input']!r}: {first['msg']}{more}",
            advice="see the list of settings in the documentation",
        ) from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    UsageError
        If the file is missing, unreadable or not TOML.
    """
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}", "a settings file (TOML)"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}", "a settings file (TOML)") from error

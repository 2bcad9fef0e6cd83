"""What the stages hand on: frozen values around schema-checked tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from evsize.errors import MissingSettingsError, UsageError
from evsize.physics import Conditions, find_medium

Floats = NDArray[np.float64]

Progress = Callable[[str, int, int], None]
"""Called with the name of the stage, the steps done and their number."""

UNITS: Mapping[str, str] = {
    "pixel_size_um": "um",
    "frame_rate_hz": "1/s",
    "exposure_ms": "ms",
    "temperature_c": "degC",
    "medium": "",
    "viscosity_mpas": "mPa s",
    "depth_um": "um",
    "dilution": "",
}


class Model(BaseModel):
    """A frozen value that is also a part of ``result.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")


AGREEMENT = 0.01
"""Relative difference within which two sources say the same."""
AGREEMENT_K = 0.5
"""Difference of two temperatures, K, within which they are the same: 1 % of a size."""


def _agree(name: str, value: Any, other: Any) -> bool:
    if other is None or value == other:
        return True
    if isinstance(value, str) or isinstance(other, str):
        return str(value).casefold() == str(other).casefold()
    within = AGREEMENT_K if name == "temperature_c" else AGREEMENT * abs(other)
    return bool(abs(value - other) <= within)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


class Value(Model):
    """A setting with its unit and where it came from."""

    value: float | int | str | bool | None
    unit: str = ""
    source: str = ""


class Acquisition(Model):
    """How a recording was made; None is "not known".

    Attributes
    ----------
    sources : dict
        For each known value, where it came from.
    conflicts : tuple of str
        A sentence for each value that a weaker source states otherwise.
    """

    pixel_size_um: float | None = None
    frame_rate_hz: float | None = None
    exposure_ms: float | None = None
    temperature_c: float | None = None
    medium: str | None = None
    viscosity_mpas: float | None = None
    depth_um: float | None = None
    dilution: float | None = None
    sources: dict[str, str] = Field(default_factory=dict)
    conflicts: tuple[str, ...] = ()

    def known(self) -> dict[str, Value]:
        """Return the known values with unit and source."""
        return {
            name: Value(value=value, unit=unit, source=self.sources.get(name, "given"))
            for name, unit in UNITS.items()
            if (value := getattr(self, name)) is not None
        }

    def updated(self, values: Mapping[str, Any], source: str) -> Acquisition:
        """Return a copy in which the given values (not None) replace what was known.

        A value that says something else than the one it replaces is a conflict.
        """
        new = {name: value for name, value in values.items() if value is not None}
        sources = self.sources | dict.fromkeys(new, source)
        conflicts = tuple(
            f"{name}: {source} says {_plain(value)}, {self.sources.get(name, 'given')} "
            f"{_plain(getattr(self, name))}; the former is used."
            for name, value in new.items()
            if not _agree(name, value, getattr(self, name))
        )
        warmer = "temperature_c" in new and not _agree(
            "temperature_c", new["temperature_c"], self.temperature_c
        )
        beside = self.sources.get("viscosity_mpas") == self.sources.get("temperature_c")
        if "viscosity_mpas" not in new and ("medium" in new or (warmer and beside)):
            # a viscosity known from a weaker source belonged to another medium or temperature
            new["viscosity_mpas"] = None
            sources.pop("viscosity_mpas", None)
        return self.model_copy(
            update={**new, "sources": sources, "conflicts": (*self.conflicts, *conflicts)}
        )

    def missing(self) -> list[str]:
        """Names of the values without which evsize refuses to size."""
        names = [
            name
            for name in ("pixel_size_um", "frame_rate_hz", "temperature_c")
            if getattr(self, name) is None
        ]
        if self.medium is None and self.viscosity_mpas is None:
            names.append("medium")
        return names

    def conditions(self) -> Conditions:
        """Everything needed to size, with the viscosity worked out.

        An unknown exposure counts as half the frame; the pipeline says so and widens the error.

        Raises
        ------
        MissingSettingsError
            Naming all that is missing and the options that give it.
        UsageError
            If the exposure is longer than the frame or the medium is unknown.
        """
        options = {
            "pixel_size_um": "--pixel-size (um)",
            "frame_rate_hz": "--frame-rate (1/s)",
            "temperature_c": "--temperature (degC)",
            "medium": "--medium (or --viscosity, mPa s)",
        }
        missing = self.missing()
        if missing:
            raise MissingSettingsError(
                f"not known: {', '.join(missing)}",
                "pixel size, frame rate, temperature and medium",
                f"give {', '.join(options[name] for name in missing)}",
            )
        assert self.pixel_size_um is not None
        assert self.frame_rate_hz is not None
        assert self.temperature_c is not None
        viscosity = self.viscosity_mpas
        if viscosity is None:
            assert self.medium is not None
            viscosity = find_medium(self.medium).viscosity_mpas(self.temperature_c)
        interval_s = 1 / self.frame_rate_hz
        fraction = 0.5 if self.exposure_ms is None else self.exposure_ms / 1e3 / interval_s
        if fraction > 1.02:
            raise UsageError(
                f"an exposure of {self.exposure_ms:g} ms is longer than the frame "
                f"({interval_s * 1e3:.4g} ms at {self.frame_rate_hz:g} frames/s)",
                "an exposure within the frame",
                "check --exposure (ms) and --frame-rate (1/s)",
            )
        return Conditions(
            self.pixel_size_um, interval_s, min(fraction, 1.0), self.temperature_c, viscosity
        )


class Frames(Protocol):
    """What detection needs of a recording: grey frames in any order."""

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Height and width, px."""

    @property
    def white_level(self) -> float:
        """Grey level at which a pixel is saturated."""

    @property
    def acquisition(self) -> Acquisition:
        """How the recording was made."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: int, /) -> NDArray[Any]: ...


def as_conditions(value: Acquisition | Conditions) -> Conditions:
    """Conditions of a complete acquisition; conditions pass through."""
    return value if isinstance(value, Conditions) else value.conditions()


@dataclass(frozen=True, slots=True)
class FaintPeaks:
    """Peaks of the filtered frames too weak to be spots, in order of frames.

    Attributes
    ----------
    frame : ndarray of int32, (n,)
    x_px, y_px : ndarray of float32, (n,)
    snr : ndarray of float32, (n,)
        Matched-filter amplitude in units of its noise.
    noise_per_px : ndarray of float32, (n,)
        Peaks of that SNR which noise makes, a pixel and unit of SNR.
    unit_error_px : float
        Standard error of a place, times the SNR.
    unit_brightness : float
        Sum over the spot in noises of a pixel, over the SNR.
    """

    frame: NDArray[np.int32]
    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    snr: NDArray[np.float32]
    noise_per_px: NDArray[np.float32]
    unit_error_px: float
    unit_brightness: float


@dataclass(frozen=True)
class Detections:
    """Spots found in a recording.

    Attributes
    ----------
    table : DataFrame
        One row a spot, schema `tables.DETECTIONS`.
    frames : DataFrame
        One row a frame, schema `tables.FRAMES`; the flow is still empty (NaN).
    height_px, width_px : int
        Size of a frame.
    choices : dict of str to Value
        Every setting used, ``source`` saying whether it was given or why it was chosen.
    preview : ndarray
        One frame, as read, for pictures.
    preview_frame : int
        Its number.
    plan : object
        What the detection decided, for frames to be searched again in the same way.
    faint : FaintPeaks, optional
        Peaks that may fill gaps of tracks; by default none are known.
    """

    table: pd.DataFrame
    frames: pd.DataFrame
    height_px: int
    width_px: int
    choices: Mapping[str, Value]
    preview: NDArray[Any] | None = None
    preview_frame: int = 0
    faint: FaintPeaks | None = None
    plan: object = None


@dataclass(frozen=True)
class Tracks:
    """Positions linked into tracks.

    Attributes
    ----------
    table : DataFrame
        One row a position, sorted by track and frame, schema `tables.TRACKS`.
    flow_um : ndarray, (rows of `table`, 2)
        Displacement by the flow since the first frame at each position (x, y), um; subtract it
        from the positions to have Brownian motion alone.
    flow_parameters : int
        Parameters fitted to all steps of an axis together.
    frames : DataFrame
        The frames table with the flow filled in.
    search_radius_um : float
        Largest step that could be linked.
    choices : dict of str to Value
        Every setting used, ``source`` saying whether it was given or why it was chosen.
    diagnostics : dict of str to float
        What the quality rules read: share of links ambiguous, of steps truncated, ...
    """

    table: pd.DataFrame
    flow_um: Floats
    flow_parameters: int
    frames: pd.DataFrame
    search_radius_um: float
    choices: Mapping[str, Value]
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class NoiseUncertainty:
    """How far the localisation noise, pooled over the recording, may be off, and what follows.

    The variance of a track is ``shape @ parameters``, a few parameters that all tracks share. Drawn
    anew with weights w, the parameters move by ``(w - 1) @ influence`` and, where expectations
    from outside entered, by ``prior_sd @ z`` with z standard normal.

    Attributes
    ----------
    slope : ndarray, (n, g)
        Change of each log-likelihood with the localisation variance, 1/um^2.
    shape : ndarray, (n, k)
        Parts of each track's localisation variance.
    influence : ndarray, (n, k)
        Change of the parameters when a track counts once more; sums to 0.
    prior_sd : ndarray, (k, m)
        Change of the parameters with each expectation, a standard error at a time.
    """

    slope: Floats
    shape: Floats
    influence: Floats
    prior_sd: Floats


@dataclass(frozen=True)
class Likelihoods:
    """Likelihood of the diffusion coefficient of each used track.

    Attributes
    ----------
    track_id : ndarray of int, (n,)
        The tracks used.
    n_positions : ndarray of int, (n,)
        Positions of each.
    first_frame : ndarray of int, (n,)
        Frame of the first.
    x_um, y_um : ndarray, (n,)
        Mean position, um.
    d_um2_s : ndarray, (g,)
        Grid of diffusion coefficients, um^2/s.
    log_likelihood : ndarray, (n, g)
        Natural logarithm, up to a constant a track.
    d_cov_um2_s : ndarray, (n,)
        Covariance estimate, unclipped, um^2/s.
    loc_sd_um : ndarray, (n,)
        Localisation error used for each track, um.
    flags : ndarray of uint32, (n,)
        Flags of each track.
    rejected : dict of str to int
        Tracks not used, by reason.
    choices, diagnostics
        As in `Tracks`.
    last_frame : ndarray of int, (n,), optional
        Frame of the last position.
    start_um, end_um : ndarray, (n, 2), optional
        First and last position less the flow since the recording began, um: by them the tracks
        that one particle left are joined again. By default each track is a particle.
    noise : NoiseUncertainty, optional
        By default the localisation error counts as known.
    """

    track_id: NDArray[np.int64]
    n_positions: NDArray[np.int64]
    first_frame: NDArray[np.int64]
    x_um: Floats
    y_um: Floats
    d_um2_s: Floats
    log_likelihood: Floats
    d_cov_um2_s: Floats
    loc_sd_um: Floats
    flags: NDArray[np.uint32]
    rejected: Mapping[str, int]
    choices: Mapping[str, Value]
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)
    last_frame: NDArray[np.int64] | None = None
    start_um: Floats | None = None
    end_um: Floats | None = None
    noise: NoiseUncertainty | None = None


class Estimate(Model):
    """A figure with its 95 % interval; None is "undefined"."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    def __float__(self) -> float:
        return float("nan") if self.value is None else self.value

    def __format__(self, spec: str) -> str:
        if self.value is None:
            return "undefined"
        text = format(self.value, spec)
        if self.low is None or self.high is None:
            return text
        return f"{text} ({format(self.low, spec)} to {format(self.high, spec)})"


class Peak(Model):
    """A peak of the distribution and the share of the population under it, with intervals."""

    mode_nm: float
    fraction: float
    mode_low_nm: float | None = None
    mode_high_nm: float | None = None
    fraction_low: float | None = None
    fraction_high: float | None = None


class Summary(Model):
    """Summary figures of a size distribution."""

    mean_nm: Estimate = Estimate()
    mode_nm: Estimate = Estimate()
    d10_nm: Estimate = Estimate()
    d50_nm: Estimate = Estimate()
    d90_nm: Estimate = Estimate()
    span: Estimate = Estimate()


class VolumeSummary(Summary):
    """Summary of the distribution in which each particle weighs by its volume."""

    derived_from: str = "the number-weighted distribution, each diameter weighted by its cube"


class DistributionSummary(Summary):
    """Summary of the answer: the deconvolved distribution."""

    peaks: list[Peak] = Field(default_factory=list)
    weighting: str = ""
    systematic_percent: float | None = None
    systematic_parts_percent: dict[str, float] = Field(default_factory=dict)
    volume_weighted: VolumeSummary | None = None


class ClassShare(Model):
    """One size class and the share of the population in it."""

    name: str
    low_nm: float
    high_nm: float | None
    fraction: Estimate
    concentration_per_ml: Estimate | None = None
    note: str = ""


class Misev(Model):
    """Small and large vesicles, split at 200 nm (MISEV2023)."""

    small_fraction: Estimate = Estimate()
    large_fraction: Estimate = Estimate()


@dataclass(frozen=True)
class Completeness:
    """How much of a recording's particles would have been seen, by size.

    Attributes
    ----------
    reason : str
        Why it is not known; empty where it is.
    diameter_nm : ndarray, (g,)
        Ascending.
    log_depth : ndarray, (g,)
        ln of the effective depth of view, um: mean number in view over number per volume and
        area.
    log_error : ndarray, (g, k)
        Change of `log_depth` with each of k independent errors, a standard deviation at a time.
    detection_limit_nm : Estimate
        Diameter of which half of the frames at best focus are recovered.
    area_um2 : float
        Area that is looked at.
    n_frames : int
        Frames that were searched.
    has_scale : bool
        Whether the depth is absolute; if not, only ratios of it mean anything.
    basis : str
        What the depth rests on, in words.
    table : DataFrame
        Schema `tables.COMPLETENESS`.
    """

    reason: str = ""
    diameter_nm: Floats = field(default_factory=lambda: np.zeros(0))
    log_depth: Floats = field(default_factory=lambda: np.zeros(0))
    log_error: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    detection_limit_nm: Estimate = field(default_factory=Estimate)
    area_um2: float = 0.0
    n_frames: int = 0
    has_scale: bool = False
    basis: str = ""
    table: pd.DataFrame | None = None
    choices: Mapping[str, Value] = field(default_factory=dict)
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Blank:
    """What a recording without sample shows.

    Attributes
    ----------
    diameter_nm : ndarray, (tracks,)
        Of its single tracks.
    n_positions : ndarray, (tracks,)
        Positions of each.
    n_frames : int
        Its frames.
    area_um2 : float
        Area of a frame.
    """

    diameter_nm: Floats
    n_positions: Floats
    n_frames: int
    area_um2: float


@dataclass(frozen=True)
class Sizing:
    """Sizes, their distribution and their classes.

    Attributes
    ----------
    particles : DataFrame
        One row a track used, schema `tables.PARTICLES` (brightness and snr are filled in by the
        pipeline).
    distribution_table : DataFrame
        Schema `tables.DISTRIBUTION`.
    distribution, raw, classes, misev, concentration_per_ml
        As in ``result.json``.
    """

    particles: pd.DataFrame
    distribution_table: pd.DataFrame
    distribution: DistributionSummary
    raw: Summary
    classes: list[ClassShare]
    misev: Misev
    choices: Mapping[str, Value] = field(default_factory=dict)
    concentration_per_ml: Estimate | None = None


Status = Literal["pass", "warn", "fail", "not_applicable", "no_data", "waived"]
Verdict = Literal["pass", "warn", "fail"]
Scope = Literal["recording", "sample", "batch"]


class Finding(Model):
    """What one quality rule found.

    Attributes
    ----------
    scope : str
        Of what it is asked; outside of it the rule is not applicable.
    source : str
        Where the limit comes from.
    """

    rule: str
    scope: Scope = "recording"
    status: Status
    measured: float | str | None = None
    limit: str = ""
    unit: str = ""
    message: str = ""
    advice: str = ""
    source: str = ""


class Qc(Model):
    """The verdict and the findings behind it."""

    verdict: Verdict
    profile: str
    findings: list[Finding]


class RecordingInfo(Model):
    """The recording as it was read.

    Attributes
    ----------
    frames_declared : int or None
        Frames that the file promises, where that is another number.
    damaged_frames : list of int
        Frames that could not be decoded whole.
    missed_after : dict of int to int
        Frames after which, by the file's own times, others were dropped, and how many.
    uneven_frames : list of int or None
        Frames whose distance from the one before is no whole number of usual intervals, by the
        file's own times; None where it has none.
    notes : list of str
        What is odd about the file.
    remarks : list of str
        What is worth knowing and not odd.
    """

    path: str
    sha256: str | None = None
    frames: int
    height_px: int
    width_px: int
    bit_depth: int
    duration_s: float | None = None
    format: str = ""
    frames_declared: int | None = None
    damaged_frames: list[int] = Field(default_factory=list)
    missed_after: dict[int, int] = Field(default_factory=dict)
    uneven_frames: list[int] | None = None
    notes: list[str] = Field(default_factory=list)
    remarks: list[str] = Field(default_factory=list)


class TracksSummary(Model):
    """How many tracks there were and what became of them."""

    n: int
    n_used: int
    rejected: dict[str, int]
    positions: int
    particles_per_frame: float
    median_frames: float | None
    false_detections_per_frame: float | None


class Drift(Model):
    """Mean flow, um/s."""

    x: float | None = None
    y: float | None = None


class Position(Model):
    """One field of view of a film that shows several one after another."""

    first_frame: int
    last_frame: int
    particles_per_frame: float
    tracks_used: int
    median_diameter_nm: float | None = Field(description="of single tracks, not deconvolved")


class Provenance(Model):
    """What made the result."""

    evsize: str
    python: str
    dependencies: dict[str, str]
    command: str
    start: str
    seconds: dict[str, float]
    config_hash: str


class Report(Model):
    """The content of ``result.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_name: Literal["evsize/1"] = Field("evsize/1", alias="schema")
    recording: RecordingInfo
    acquisition: dict[str, Value]
    conflicts: list[str] = Field(
        default_factory=list, description="where sources of acquisition values disagree"
    )
    settings: dict[str, Value]
    tracks: TracksSummary
    positions: list[Position] = Field(
        default_factory=list, description="of a film with scene cuts, one by one"
    )
    drift_um_s: Drift
    distribution: DistributionSummary
    raw: Summary
    classes: list[ClassShare]
    detection_limit_nm: Estimate | None = None
    misev: Misev
    concentration_per_ml: Estimate | None = None
    concentration_note: str = ""
    qc: Qc
    diagnostics: dict[str, float | None] = Field(default_factory=dict)
    provenance: Provenance


@dataclass(frozen=True)
class Result:
    """A whole result: the summary and its tables.

    Attributes
    ----------
    summary : Report
        The content of ``result.json``.
    particles, tracks, frames, distribution_table : DataFrame
        As declared in `evsize.tables`.
    preview : ndarray of uint8, (height, width, 3), or None
        A frame with detections and tracks drawn on it.
    strip : ndarray of uint8, (height, width, 3), or None
        A few particles in successive frames.
    completeness : DataFrame or None
        As declared in `evsize.tables`, where it was found out.
    """

    summary: Report
    particles: pd.DataFrame
    tracks: pd.DataFrame
    frames: pd.DataFrame
    distribution_table: pd.DataFrame
    preview: NDArray[np.uint8] | None = None
    strip: NDArray[np.uint8] | None = None
    completeness: pd.DataFrame | None = None

"""The content of ``result.json``, and the whole result with its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from evsize.results.figures import ClassShare, DistributionSummary, Misev, Summary
from evsize.results.quality import Qc
from evsize.results.values import Estimate, Model, Value


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
    completeness_note: str = Field(
        "", description="why it was not measured what the recording misses; empty where it was"
    )
    qc: Qc
    diagnostics: dict[str, float | None] = Field(default_factory=dict)
    provenance: Provenance

    @property
    def no_limit_note(self) -> str:
        """Why there is no detection limit though counting was done; empty where there is one."""
        limit = self.settings.get("completeness.detection_limit_nm")
        return limit.source if limit else ""


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

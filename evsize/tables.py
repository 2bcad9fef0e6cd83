"""Declared tables: every column with its type, unit and meaning, and the flags they carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import numpy as np
import pandas as pd

from evsize.errors import EvsizeError


class Flag(IntFlag):
    """Marks on positions, tracks and frames.

    Tables hold them as bits; CSV and XLSX files spell the names out, joined by ``;``.
    """

    # positions
    EDGE = 1 << 0
    SATURATED = 1 << 1
    CROWDED = 1 << 2
    WEAK = 1 << 3
    AFTER_GAP = 1 << 4
    MERGED = 1 << 5
    FILLED = 1 << 6
    UNSURE = 1 << 7
    # tracks
    TOO_SHORT = 1 << 8
    AMBIGUOUS_END = 1 << 10
    NEGATIVE_D = 1 << 11
    OUTSIDE_RANGE = 1 << 12
    # frames
    DUPLICATE_FRAME = 1 << 16
    CORRUPT_FRAME = 1 << 17
    SCENE_CUT = 1 << 18
    STAGE_JUMP = 1 << 19
    PULSE = 1 << 20


FLAG_MEANING: dict[Flag, str] = {
    Flag.EDGE: "within one window of the image border",
    Flag.SATURATED: "pixels at the camera's maximum: position valid, brightness too low",
    Flag.CROWDED: "another spot within the localisation window",
    Flag.WEAK: "below the threshold that starts a track; only continues one",
    Flag.AFTER_GAP: "first position after one or more missed frames",
    Flag.MERGED: "longer than motion can smear it: two spots in one, not used",
    Flag.FILLED: "a peak too weak to be a spot, where its track had to pass",
    Flag.UNSURE: "rather another particle than the position before: sizes do without this step",
    Flag.TOO_SHORT: "left out by the instrument's own software (tables of other makers only)",
    Flag.AMBIGUOUS_END: "cut where two particles could have been exchanged",
    Flag.NEGATIVE_D: "covariance estimate of the diffusion coefficient is negative",
    Flag.OUTSIDE_RANGE: "most likely diameter at the end of the sizing range",
    Flag.DUPLICATE_FRAME: "identical to the frame before",
    Flag.CORRUPT_FRAME: "could not be decoded whole",
    Flag.SCENE_CUT: "the scene changed: all tracks end here",
    Flag.STAGE_JUMP: "all particles were displaced together since the frame before",
    Flag.PULSE: "as stage_jump, in several frames in a row",
}


def flag_names(bits: int) -> str:
    """Spell out flag bits, ``"edge;saturated"`` for example; empty for none."""
    return ";".join(flag.name.lower() for flag in Flag if bits & flag and flag.name)


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column: its name carries the unit."""

    name: str
    dtype: str
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Schema:
    """The declared columns of one table."""

    name: str
    columns: tuple[Column, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> list[str]:
        """The column names in order."""
        return [column.name for column in self.columns]

    def build(self, **arrays: Any) -> pd.DataFrame:
        """Make a table from one array a column, cast to the declared types."""
        if set(arrays) != set(self.names):
            raise EvsizeError(
                f"columns {sorted(arrays)} for the table '{self.name}'", str(sorted(self.names))
            )
        return pd.DataFrame(
            {c.name: np.asarray(arrays[c.name]).astype(c.dtype) for c in self.columns}
        )

    def empty(self) -> pd.DataFrame:
        """Make a table with every column and no row: what "nothing found" looks like."""
        return self.build(**{name: [] for name in self.names})

    def validate(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the table in declared order and types, or raise."""
        missing = [name for name in self.names if name not in table.columns]
        if missing:
            raise EvsizeError(
                f"the table '{self.name}' lacks the columns {', '.join(missing)}",
                ", ".join(self.names),
            )
        return self.build(**{name: table[name].to_numpy() for name in self.names})


_TRACK_ID = Column("track_id", "int64", "", "number of the track, from 0")
_FRAME = Column("frame", "int64", "", "frame number, from 0")
_TIME = Column("t_s", "float64", "s", "time of the frame")
_BRIGHTNESS = Column(
    "brightness", "float64", "grey levels", "sum over the spot above the background"
)
_SNR = Column("snr", "float64", "", "matched-filter amplitude in units of its noise")
_FLAGS = Column("flags", "uint32", "", "see the list of flags")
_LOC_SE = "standard error of x and of y, from photon and camera noise"

DETECTIONS = Schema(
    "detections",
    (
        _FRAME,
        Column("x_px", "float64", "px", "column of the centre, averaged over the exposure"),
        Column("y_px", "float64", "px", "row of the centre, averaged over the exposure"),
        Column("loc_se_px", "float64", "px", _LOC_SE),
        _BRIGHTNESS,
        _SNR,
        _FLAGS,
    ),
)

FRAMES = Schema(
    "frames",
    (
        _FRAME,
        _TIME,
        Column("detections", "int64", "", "spots found"),
        Column(
            "false_detections",
            "float64",
            "",
            "spots that noise alone gives, from the negated frame away from strong spots",
        ),
        Column("background", "float64", "grey levels", "median background"),
        Column("noise", "float64", "grey levels", "standard deviation of one pixel's noise"),
        Column("flow_x_um_s", "float64", "um/s", "flow along x, at the centre of the image"),
        Column("flow_y_um_s", "float64", "um/s", "flow along y, at the centre of the image"),
        _FLAGS,
    ),
)

TRACKS = Schema(
    "tracks",
    (
        _TRACK_ID,
        _FRAME,
        _TIME,
        Column("x_um", "float64", "um", "position along x, flow not removed"),
        Column("y_um", "float64", "um", "position along y, flow not removed"),
        Column("loc_se_nm", "float64", "nm", _LOC_SE),
        _BRIGHTNESS,
        _SNR,
        _FLAGS,
    ),
)

PARTICLES = Schema(
    "particles",
    (
        _TRACK_ID,
        Column("frames", "int64", "", "frames in which it was seen"),
        Column("first_frame", "int64", "", "first of them"),
        Column("diameter_nm", "float64", "nm", "hydrodynamic diameter, maximum likelihood"),
        Column("diameter_low_nm", "float64", "nm", "lower end of its 95 % likelihood interval"),
        Column("diameter_high_nm", "float64", "nm", "upper end of its 95 % likelihood interval"),
        Column("d_um2_s", "float64", "um^2/s", "diffusion coefficient, maximum likelihood"),
        Column("d_low_um2_s", "float64", "um^2/s", "lower end of its 95 % likelihood interval"),
        Column("d_high_um2_s", "float64", "um^2/s", "upper end of its 95 % likelihood interval"),
        Column(
            "d_cov_um2_s", "float64", "um^2/s", "covariance estimate, unclipped, can be negative"
        ),
        Column("loc_sd_nm", "float64", "nm", "localisation error used for this track"),
        Column("brightness", "float64", "grey levels", "median over its positions"),
        Column("snr", "float64", "", "median over its positions"),
        Column("x_um", "float64", "um", "mean position along x"),
        Column("y_um", "float64", "um", "mean position along y"),
        _FLAGS,
    ),
)

DISTRIBUTION = Schema(
    "distribution",
    (
        Column("diameter_nm", "float64", "nm", "centre of the bin"),
        Column("bin_low_nm", "float64", "nm", "lower edge of the bin"),
        Column("bin_high_nm", "float64", "nm", "upper edge of the bin"),
        Column("fraction", "float64", "", "share of the population in the bin"),
        Column("fraction_low", "float64", "", "lower end of its 95 % interval"),
        Column("fraction_high", "float64", "", "upper end of its 95 % interval"),
        Column("raw_fraction", "float64", "", "share of the single-track diameters in the bin"),
        Column(
            "concentration_per_ml", "float64", "1/mL", "number concentration; empty where unknown"
        ),
    ),
)

COMPLETENESS = Schema(
    "completeness",
    (
        Column("diameter_nm", "float64", "nm", "diameter of the particles laid on the frames"),
        Column("depth_um", "float64", "um", "effective depth of view"),
        Column("depth_se_um", "float64", "um", "its standard error"),
        Column("recovered_diameter_nm", "float64", "nm", "diameter at which they were found"),
        Column("recovered_se_nm", "float64", "nm", "its standard error"),
    ),
)

SCHEMAS: dict[str, Schema] = {
    schema.name: schema
    for schema in (DETECTIONS, FRAMES, TRACKS, PARTICLES, DISTRIBUTION, COMPLETENESS)
}

"""Trajectories of other trackers, and of saved results, as tracks to be sized.

Read are trackpy (``particle, frame, x, y``; px), TrackMate (``TRACK_ID, FRAME, POSITION_X,
POSITION_Y``, with its three further header rows), evsize's own ``tracks.csv`` or ``.parquet``, and
tables with like names.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evsize.errors import RecordingError
from evsize.physics import Conditions
from evsize.results import Acquisition, Tracks, Value, as_conditions
from evsize.tables import FRAMES, TRACKS

NAMES: Mapping[str, tuple[str, ...]] = {
    "track": (
        "particle",
        "particle_id",
        "particle id",
        "track_id",
        "track id",
        "trackid",
        "track",
        "trajectory",
        "trajectory_id",
        "trajectory id",
        "id",
    ),
    "frame": ("frame", "frame_id", "position_frame", "slice"),
    "x_um": ("x_um", "x [um]", "x (um)"),
    "y_um": ("y_um", "y [um]", "y (um)"),
    "x": ("x", "x_px", "position_x", "x [px]", "x (px)"),
    "y": ("y", "y_px", "position_y", "y [px]", "y (px)"),
    "loc_se_nm": ("loc_se_nm",),
    "brightness": ("brightness", "mass", "total_intensity_ch1", "intensity"),
    "snr": ("snr",),
    "flags": ("flags",),
}
"""What each column may be called, upper or lower case; the first name found counts."""
NEEDED = "a track number (particle or track_id), frame, x and y (px), or x_um and y_um"
MICRONS = ("um", "micron", "microns", "\u00b5m", "\u03bcm")
MOST_FRAMES = 10_000_000


@dataclass(frozen=True)
class Trajectories:
    """Tracks read from a table.

    Attributes
    ----------
    tracks : Tracks
        Flow not removed; schema `tables.TRACKS`.
    n_frames : int
        Frames from 0 to the last position.
    rejected : dict of str to int
        Tracks left out, by reason.
    notes : tuple of str
        What was odd in the table, in words.
    """

    tracks: Tracks
    n_frames: int
    rejected: Mapping[str, int]
    notes: tuple[str, ...]


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of trajectories (CSV, TSV or Parquet); units rows become units in the names.

    Raises
    ------
    RecordingError
        If it cannot be read or is no table.
    """
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        sep, decimal = (";", ",") if _decimal_commas(path) else (None, ".")
        table = pd.read_csv(path, sep=sep, decimal=decimal, engine="python", encoding="utf-8-sig")
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror or error}", NEEDED) from error
    except Exception as error:  # parsers fail in many ways
        what = " ".join(str(error).split())[:200]
        todo = "in TrackMate export the spots as CSV" if path.suffix.lower() == ".xml" else ""
        raise RecordingError(f"{path} is no table: {what}", NEEDED, todo) from error
    return _without_units_rows(table)


def _decimal_commas(path: Path) -> bool:
    """Whether numbers are written as 1,5 and told apart by semicolons."""
    with path.open(encoding="utf-8-sig") as file:
        header, rows = file.readline(), "".join(itertools.islice(file, 5))
    return ";" in header and bool(re.search(r"\d,\d", rows))


def _without_units_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Take off TrackMate's rows of long names, short names and units below the header."""
    upper = {str(name).upper(): name for name in table.columns}
    if "POSITION_X" not in upper or not len(table):
        return table
    numeric = pd.to_numeric(table[upper["POSITION_X"]], errors="coerce").notna()
    first = int(numeric.to_numpy().argmax()) if numeric.any() else len(table)
    above = table[upper["POSITION_X"]].iloc[:first].astype(str).str.strip("() ").str.lower()
    rest = table.iloc[first:].reset_index(drop=True)
    if above.isin(MICRONS).any():
        return rest.rename(
            columns={upper["POSITION_X"]: "x_um", upper.get("POSITION_Y", "POSITION_Y"): "y_um"}
        )
    return rest


def as_tracks(
    table: pd.DataFrame | Mapping[str, Any], acquisition: Acquisition | Conditions
) -> Trajectories:
    """Make tracks of a table of positions.

    Parameters
    ----------
    table : DataFrame or mapping of str to array
        A row a position: track number, frame, x and y by any of `NAMES`. Positions are in pixels
        (the centre of the first at 0), or in um where the name says so. Taken along where there:
        ``loc_se_nm``, ``mass`` or ``brightness``, ``snr``.
    acquisition : Acquisition or Conditions
        Pixel size and frame rate.

    Returns
    -------
    Trajectories
        Sorted by track and frame. Positions that are not numbers are left out, the track then
        has a gap; a track with two positions in a frame is left out, for it is not one particle.

    Raises
    ------
    RecordingError
        If a column is missing, or frames are not whole numbers from 0.
    """
    conditions = as_conditions(acquisition)
    columns = _columns(pd.DataFrame(table), conditions.pixel_size_um)
    finite = np.isfinite(columns[["track", "frame", "x", "y"]].to_numpy()).all(axis=1)
    notes = []
    if not finite.all():
        notes.append(f"{int((~finite).sum())} positions without track, frame or place left out.")
    if len(columns) and not finite.any():
        raise RecordingError(
            f"a table of {len(columns)} rows, none with track, frame and place as numbers",
            NEEDED,
            "check the decimal sign and what the columns hold",
        )
    good = columns.iloc[np.flatnonzero(finite)].sort_values(
        ["track", "frame"], kind="stable", ignore_index=True
    )
    _check_frames(good["frame"].to_numpy())
    same = good.duplicated(["track", "frame"], keep=False)
    torn = good.loc[same, "track"].unique()
    if len(torn):
        notes.append(f"{len(torn)} tracks with two positions in one frame left out.")
        good = good[~good["track"].isin(torn)].reset_index(drop=True)
    n_frames = int(good["frame"].max()) + 1 if len(good) else 0
    times = np.arange(n_frames) * conditions.frame_interval_s
    positions = TRACKS.build(
        track_id=np.unique(good["track"], return_inverse=True)[1],
        frame=good["frame"],
        t_s=times[good["frame"].to_numpy().astype(np.int64)],
        x_um=good["x"],
        y_um=good["y"],
        **{name: good[name] for name in ("loc_se_nm", "brightness", "snr", "flags")},
    )
    tracks = Tracks(
        positions,
        np.zeros((len(positions), 2)),
        0,
        _frames(positions["frame"].to_numpy(), times),
        float("nan"),
        {"linked_by": Value(value="another program", source="the table given")},
    )
    return Trajectories(tracks, n_frames, {"two_in_a_frame": len(torn)}, tuple(notes))


def _columns(table: pd.DataFrame, pixel_size_um: float) -> pd.DataFrame:
    """Track, frame, x and y (um) and what else is there, as numbers; NaN where there is none."""
    lower = {str(name).strip().lower(): name for name in reversed(list(table.columns))}
    found = {
        key: pd.to_numeric(table[lower[name]], errors="coerce").to_numpy(np.float64)
        for key, names in NAMES.items()
        if (name := next((n for n in names if n in lower), None)) is not None and key != "flags"
    }
    for axis in ("x", "y"):
        if f"{axis}_um" in found:
            found[axis] = found[f"{axis}_um"]
        elif axis in found:
            found[axis] = found[axis] * pixel_size_um
    missing = [key for key in ("track", "frame", "x", "y") if key not in found]
    if missing:
        raise RecordingError(
            f"no column for {', '.join(missing)} among {', '.join(map(str, table.columns[:12]))}",
            NEEDED,
            "rename the columns",
        )
    flags = table[lower["flags"]] if "flags" in lower else pd.Series(np.zeros(len(table)))
    marks = flags.to_numpy() if flags.dtype.kind in "iu" else np.zeros(len(table))
    nothing = np.full(len(table), np.nan)
    optional = {name: found.get(name, nothing) for name in ("loc_se_nm", "brightness", "snr")}
    needed = {key: found[key] for key in ("track", "frame", "x", "y")}
    return pd.DataFrame(needed | optional | {"flags": marks})


def _check_frames(frame: np.ndarray) -> None:
    wrong = (frame != np.round(frame)) | (frame < 0) | (frame > MOST_FRAMES)
    if wrong.any():
        raise RecordingError(
            f"a frame numbered {frame[wrong][0]:g}",
            "whole frame numbers from 0",
            "give the frame of each position, not its time",
        )


def _frames(frame: np.ndarray, times: np.ndarray) -> pd.DataFrame:
    nothing = np.full(len(times), np.nan)
    return FRAMES.build(
        frame=np.arange(len(times)),
        t_s=times,
        detections=np.bincount(frame, minlength=len(times)),
        false_detections=nothing,
        background=nothing,
        noise=nothing,
        flow_x_um_s=np.zeros(len(times)),
        flow_y_um_s=np.zeros(len(times)),
        flags=np.zeros(len(times)),
    )

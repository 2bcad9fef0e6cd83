"""NanoSight NTA: ExperimentSummary of 3.2 and 3.4, ParticleData, AllTracks in both layouts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evsize.errors import ResultError
from evsize.physics import MEDIA
from evsize.results import Summary
from evsize.tables import Flag
from evsize.vendors.tables import (
    VendorResult,
    Video,
    binned_summary,
    binned_table,
    counted,
    particle_table,
)
from evsize.vendors.text import number, read_text, split_rows

Sections = Mapping[str, Mapping[str, list[str]]]

ACQUISITION = {
    "temperature_c": ("conditions", "temperature/c"),
    "viscosity_mpas": ("conditions", "viscosity/cp"),  # 1 cP is 1 mPa s
    "exposure_ms": ("conditions", "shutter/ms"),
    "frame_rate_hz": ("conditions", "frame rate/fps"),
}
STATED = {
    "mean_nm": "mean",
    "mode_nm": "mode",
    "sd_nm": "sd",
    "d10_nm": "d10",
    "d50_nm": "d50",
    "d90_nm": "d90",
}
PARTICLE_COLUMNS = ("Particle ID", "Size/nm", "Start frame", "Tracklength")
TRACK_COLUMNS = ("Particle ID", "Size/nm", "Frame", "X/pixels", "Y/pixels")
OLD_TRACK_COLUMNS = ("Particle ID", "Track Step", "X1", "Y1", "X2", "Y2")
ALREADY = "adjusted for this factor"


def is_summary(head: str) -> bool:
    """Whether a text begins as an experiment summary or one of its sections."""
    return head.lstrip('\ufeff" ').startswith("NTA ") and "[" in head


def sections_of(rows: Sequence[Sequence[str]]) -> Sections:
    """Sort rows by section and key, both in lower case; the sizes themselves are left out."""
    found: dict[str, dict[str, list[str]]] = {"": {}}
    current = found[""]
    for row in rows:
        key = row[0] if row else ""
        named = re.fullmatch(r"\[(.+)\]", key)
        if named:
            current = found.setdefault(named.group(1).casefold(), {})
        elif key.casefold().startswith("graph data"):
            break
        elif key:
            current.setdefault(key.rstrip(":").casefold(), list(row[1:]))
    return found


def video_names(sections: Sections) -> list[str]:
    """Recordings of a summary, in the order of its columns."""
    for section in ("size data", "experiment details"):
        row = sections.get(section, {}).get("filename", [])
        names = [cell for cell in row if cell and cell not in ("Average", "Standard Error")]
        if names:
            return names
    return []


def value_at(sections: Sections, section: str, key: str, column: int) -> float | None:
    """Number of a recording under a key; None where there is none."""
    row = sections.get(section, {}).get(key, [])
    return number(row[column]) if column < len(row) else None


def dilution_key(sections: Sections) -> str:
    """Key of the dilution factor, which says whether concentrations have it in them."""
    keys = sections.get("results", {})
    return next((key for key in keys if key.startswith("dilution factor")), "")


def acquisition(sections: Sections, column: int) -> dict[str, Any]:
    """Acquisition values of one recording."""
    values: dict[str, Any] = {
        name: value_at(sections, *place, column) for name, place in ACQUISITION.items()
    }
    values["dilution"] = value_at(sections, "results", dilution_key(sections), column)
    diluent = sections.get("experiment details", {}).get("diluent", [""])[0].casefold()
    values["medium"] = diluent if diluent in MEDIA else None
    return {name: value for name, value in values.items() if value is not None}


def acquisition_of(text: str, names: Sequence[str], stem: str) -> dict[str, Any]:
    """Acquisition values of the recording with one of these names; none where it is not in it.

    A summary of a single video may not name it: then the name of the file (`stem`) begins with it.
    """
    sections = sections_of(split_rows(text))
    wanted = {name.casefold() for name in names}
    listed = video_names(sections)
    if not listed and stem.casefold().startswith(tuple(wanted)):
        return acquisition(sections, 0)
    for column, name in enumerate(listed):
        if name.casefold() in wanted:
            return acquisition(sections, column)
    return {}


def read_summary(path: Path) -> VendorResult:
    """Read an ExperimentSummary.

    Raises
    ------
    ResultError
        If it has no size data.
    """
    rows = split_rows(read_text(path))
    sections = sections_of(rows)
    names = video_names(sections) or [path.stem]
    sizes = size_data(rows, len(names))
    if not len(sizes):
        raise ResultError(
            f"{path} is a NanoSight summary without size data",
            "a summary with [Size Data] and Graph Data",
            "export it again with the size distribution included",
        )
    key = dilution_key(sections)
    version = re.search(r"NTA (\d+\.\d+)", " ".join(rows[1][:1]) if len(rows) > 1 else "")
    notes = []
    if ALREADY not in key:
        notes.append("The dilution, where recorded, was multiplied into the concentrations.")
    videos = tuple(one_video(sections, sizes, name, n) for n, name in enumerate(names))
    if all("dilution" not in video.acquisition for video in videos):
        notes.append("The dilution was not recorded: concentrations may be those in the cell.")
    kind = f"NanoSight NTA {version.group(1)}" if version else "NanoSight NTA"
    return VendorResult(str(path), f"{kind} ExperimentSummary", videos, tuple(notes))


def size_data(rows: Sequence[Sequence[str]], videos: int) -> np.ndarray:
    """Bin centres (nm) and a column of concentrations a recording, (bins, 1 + videos)."""
    start = next((n for n, row in enumerate(rows) if row and row[0].startswith("Bin centre")), None)
    if start is None:
        return np.empty((0, 1 + videos))
    found = []
    for row in rows[start + 1 :]:
        values = [number(cell) for cell in row[: 1 + videos]]
        if len(values) < 1 + videos or any(value is None for value in values):
            break
        found.append(values)
    return np.array(found, dtype=np.float64).reshape(-1, 1 + videos)


def one_video(sections: Sections, sizes: np.ndarray, name: str, column: int) -> Video:
    """One recording of a summary."""
    values = acquisition(sections, column)
    stated = {
        ours: value
        for ours, key in STATED.items()
        if (value := value_at(sections, "size data", key, column)) is not None
    }
    factor = 1.0 if ALREADY in dilution_key(sections) else values.get("dilution", 1.0)
    centre, counts = sizes[:, 0], sizes[:, 1 + column] * factor
    half = np.diff(centre).mean() / 2 if len(centre) > 1 else 0.5
    table = binned_table(centre - half, centre, centre + half, counts, counts)
    concentration = value_at(sections, "results", "concentration (particles / ml)", column)
    return Video(
        name=name,
        acquisition=values,
        stated=stated,
        summary=closest([binned_summary(table), binned_summary(table, centre - half)], stated),
        distribution=table,
        concentration_per_ml=None if concentration is None else concentration * factor,
    )


def closest(candidates: Sequence[Summary], stated: Mapping[str, float]) -> Summary:
    """Choose the way of counting that gives the stated percentiles.

    NTA 3.4 interpolates between the upper edges of the bins, NTA 3.2 between the lower ones.
    """
    names = [name for name in ("d10_nm", "d50_nm", "d90_nm") if name in stated]

    def distance(summary: Summary) -> float:
        return sum(abs(float(getattr(summary, name)) - stated[name]) for name in names)

    return min(candidates, key=distance)


def table_of(path: Path) -> pd.DataFrame:
    """Read a table whose first row names its columns; numbers as such, all else as NaN."""
    rows = [row for row in split_rows(read_text(path)) if any(row)]
    names = rows[0] if rows else []
    columns = {
        name: [row[n] if n < len(row) else "" for row in rows[1:]] for n, name in enumerate(names)
    }
    return pd.DataFrame(
        {
            name: cells if name.startswith("Included") else [number(cell) for cell in cells]
            for name, cells in columns.items()
        }
    )


def included(table: pd.DataFrame) -> np.ndarray:
    """Which rows the vendor used."""
    name = next((n for n in table.columns if str(n).startswith("Included")), None)
    if name is None:
        return np.ones(len(table), dtype=bool)
    return table[name].str.casefold().isin(["true", "yes", "1"]).to_numpy()


def result_of(
    path: Path, kind: str, particles: pd.DataFrame, positions: pd.DataFrame | None
) -> VendorResult:
    """Result of a table of particles: those left out are in it and do not count."""
    used = particles["flags"].to_numpy() == 0
    distribution, summary = counted(particles["diameter_nm"].to_numpy()[used])
    video = Video(
        path.stem,
        summary=summary,
        distribution=distribution,
        particles=particles,
        positions=positions,
    )
    return VendorResult(str(path), f"NanoSight {kind}", (video,))


def read_particles(path: Path) -> VendorResult:
    """Read a ParticleData table."""
    table = table_of(path).dropna(subset=list(PARTICLE_COLUMNS))
    d_um2_s = table.get("Diffusion coefficient/nm^2 s^-1", pd.Series(np.nan, table.index)) * 1e-6
    particles = particle_table(
        table["Particle ID"], table["Tracklength"], table["Start frame"], table["Size/nm"], d_um2_s
    )
    logarithm = table.get("Ln(Adjusted intensity)/AU")
    if logarithm is not None:
        particles["brightness"] = np.exp(logarithm.to_numpy(dtype=np.float64))
    particles["flags"] = np.where(included(table), 0, int(Flag.TOO_SHORT)).astype(np.uint32)
    return result_of(path, "ParticleData", particles, None)


def read_tracks(path: Path) -> VendorResult:
    """Read an AllTracks table of NTA 3."""
    table = table_of(path).dropna(subset=list(TRACK_COLUMNS))
    used = included(table)
    grouped = table.assign(used=used).groupby("Particle ID", sort=True)
    first = grouped.first()
    d_um2_s = first.get("Diffusion coefficient/nm^2 s^-1", pd.Series(np.nan, first.index)) * 1e-6
    particles = particle_table(
        first.index.to_series(), grouped.size(), grouped["Frame"].min(), first["Size/nm"], d_um2_s
    )
    particles["flags"] = np.where(first["used"], 0, int(Flag.TOO_SHORT)).astype(np.uint32)
    logarithm = table.get("Ln(Adjusted intensity)/AU", pd.Series(np.nan, table.index))
    positions = pd.DataFrame(
        {
            "track_id": table["Particle ID"].astype(np.int64),
            "frame": table["Frame"].astype(np.int64),
            "x_px": table["X/pixels"],
            "y_px": table["Y/pixels"],
            "brightness": np.exp(logarithm.to_numpy(dtype=np.float64)),
        }
    ).reset_index(drop=True)
    return result_of(path, "AllTracks", particles, positions)


def read_old_tracks(path: Path) -> VendorResult:
    """Read an older AllTracks table: a row a step, D in units of 1e-2 um^2/s."""
    table = table_of(path).dropna(subset=list(OLD_TRACK_COLUMNS)).reset_index(drop=True)
    grouped = table.groupby("Particle ID", sort=True)
    last = grouped.last()
    size = last.get("Particle Size", pd.Series(np.nan, last.index))
    d_um2_s = last.get("Diffusion Co", pd.Series(np.nan, last.index)) * 1e-2
    first_step = grouped["Track Step"].min()
    particles = particle_table(
        last.index.to_series(), grouped.size() + 1, first_step, size, d_um2_s
    )
    starts = table.loc[grouped["Track Step"].idxmin(), ["Particle ID", "Track Step", "X1", "Y1"]]
    ends = table[["Particle ID", "Track Step", "X2", "Y2"]].copy()
    ends["Track Step"] += 1
    names = ["track_id", "frame", "x_px", "y_px"]
    rows = pd.concat([part.set_axis(names, axis=1) for part in (starts, ends)])
    positions = rows.astype({"track_id": np.int64, "frame": np.int64}).assign(brightness=np.nan)
    positions = positions.sort_values(["track_id", "frame"], ignore_index=True)
    return result_of(path, "AllTracks (older layout)", particles, positions)

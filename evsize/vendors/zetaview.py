"""ZetaView TXT: settings, and sizes in bins of 5 nm and in logarithmic ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from evsize.errors import ResultError
from evsize.vendors.tables import VendorResult, Video, binned_summary, binned_table
from evsize.vendors.text import number, read_text

TABLE = re.compile(r"^\s*Size / nm\t.*$", re.MULTILINE)


def is_zetaview(head: str) -> bool:
    """Whether a text begins as a ZetaView report."""
    keys = ("ZetaView", "Micrometer per Pixel", "Minimum Tracelength", "Size / nm\tNumber")
    return any(key in head for key in keys)


def keys_of(text: str) -> dict[str, str]:
    """Keys and values; of a key that comes twice the first counts."""
    table = TABLE.search(text)
    found: dict[str, str] = {}
    for line in text[: table.start() if table else None].splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip(": \t"):
            found.setdefault(key.strip(), value.strip(": \t"))
    return found


def acquisition_of(text: str) -> dict[str, Any]:
    """Acquisition values of a report."""
    keys = keys_of(text)
    shutter = number(keys.get("Shutter"))
    camera = keys.get("Camera", "")
    rate = re.search(r"FRate\s+([\d.,]+)", camera) or re.search(r"FpSec\s+([\d.,]+)", camera)
    values: dict[str, Any] = {
        "pixel_size_um": number(keys.get("Micrometer per Pixel")),
        "frame_rate_hz": number(rate.group(1)) if rate else None,
        "exposure_ms": 1e3 / shutter if shutter else None,  # the shutter is in 1/s
        "temperature_c": number(keys.get("Temperature")),
        "viscosity_mpas": number(keys.get("Viscosity")),
        "dilution": number(keys.get("Dilution")),
    }
    return {name: value for name, value in values.items() if value is not None}


def read_report(path: Path) -> VendorResult:
    """Read a report.

    Concentrations in the table are those in the cell; the dilution is multiplied in here.

    Raises
    ------
    ResultError
        If it has no sizes.
    """
    text = read_text(path)
    bins = size_table(text)
    if not len(bins):
        raise ResultError(
            f"{path} is a ZetaView report without sizes",
            "a table of Size / nm, Number, Concentration / cm-3",
            "export it again with the size distribution",
        )
    values = acquisition_of(text)
    keys = keys_of(text)
    dilution = values.get("dilution", 1.0)
    size, counts, per_ml = bins[:, 0], bins[:, 1], bins[:, 2] * dilution
    half = np.diff(size).mean() / 2 if len(size) > 1 else 2.5
    table = binned_table(size - half, size, size + half, counts, per_ml)
    notes = [
        f"Concentrations are multiplied by the dilution of {dilution:g}."
        if "dilution" in values
        else "The file has no dilution: concentrations are those in the cell."
    ]
    if "1904-01-01" in keys.get("Particle Drift Checked", ""):
        notes.append("The drift was never measured.")
    video = Video(
        name=path.stem,
        acquisition=values,
        stated=stated_of(keys),
        summary=binned_summary(table, size),  # counts are reached at the size of the label
        distribution=table,
        concentration_per_ml=float(per_ml.sum()),
    )
    return VendorResult(str(path), "ZetaView report", (video,), tuple(notes))


def stated_of(keys: dict[str, str]) -> dict[str, float]:
    """The vendor's own percentiles by number, nm."""
    names = {"d10_nm": ("X10",), "d50_nm": ("X50", "Median Number (D50)"), "d90_nm": ("X90",)}
    found = {}
    for ours, theirs in names.items():
        values = [number(keys[key]) for key in theirs if key in keys]
        if values and values[0] is not None:
            found[ours] = values[0]
    return found


def size_table(text: str) -> np.ndarray:
    """Size (nm), number and concentration (1/mL) of the bins before the row of -1, (bins, 3)."""
    header = TABLE.search(text)
    rows: list[list[float | None]] = []
    for line in text[header.end() :].splitlines() if header else []:
        values = [number(cell) for cell in line.split("\t")[:3]]
        if len(values) < 3 or None in values:
            if rows:
                break
            continue
        if values[0] is not None and values[0] < 0:
            break
        rows.append(values)
    return np.array(rows, dtype=np.float64).reshape(-1, 3)

"""What a batch noted of its recordings: sample, replicate, condition, role."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from evsize.report.overview import SUMMARY_FILE
from evsize.storage.formats import as_typed


@dataclass(frozen=True)
class Label:
    """What was filmed; empty where it is not known.

    Attributes
    ----------
    sample : str
        With condition and role, where these are not the usual.
    replicate : str
        Recordings of one replicate share it.
    """

    sample: str = ""
    replicate: str = ""


def label_of(folder: Path) -> Label:
    """Look a result up in the ``summary.csv`` beside it."""
    path = folder.resolve().parent / SUMMARY_FILE
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error):
        return Label()
    for row in rows:
        known = {name: as_typed(text) for name, text in row.items() if isinstance(text, str)}
        if known.get("result") == folder.resolve().name:
            return Label(_sample(known), known.get("replicate", ""))
    return Label()


def _sample(known: dict[str, str]) -> str:
    name, role = known.get("sample", ""), known.get("role", "")
    if not name:
        return ""
    parts = [name, known.get("condition", ""), role if role != "sample" else ""]
    return ", ".join(part for part in parts if part)

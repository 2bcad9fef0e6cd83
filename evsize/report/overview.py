"""Several results -> one row each, in ``summary.csv`` and for MultiQC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from evsize.errors import ResultError
from evsize.report.multiqc import Sections
from evsize.results import Estimate, Report
from evsize.storage import RESULT_FILE, plain_cell, read_report, whole_file, write_csv

SUMMARY_FILE = "summary.csv"
_FIGURES = ("d10_nm", "d50_nm", "d90_nm", "mean_nm", "mode_nm", "span")


@dataclass(frozen=True)
class Outcome:
    """What became of one recording: a report, or the error that stopped it.

    `labels` become columns of ``summary.csv``. `name` is that of the folder if left out.
    """

    recording: str
    folder: Path
    report: Report | None = None
    error: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


def write_overview(outcomes: Iterable[Outcome], out: Path) -> None:
    """Write ``summary.csv`` and files for MultiQC over these and all other results in `out`.

    Outcomes are taken one at a time and let go: thousands need no more memory than their rows.
    """
    rows, sections = [], Sections()
    for outcome in _with_others(outcomes, out):
        rows.append(summary_row(outcome))
        if outcome.report is not None:
            sections.add(outcome.name or outcome.folder.name, outcome.report, outcome.folder)
    table = pd.DataFrame(rows)
    table.insert(len(table.columns) - 1, "error", table.pop("error"))
    with whole_file(out / SUMMARY_FILE) as partial:
        write_csv(table, partial)
    sections.write(out)


def _with_others(outcomes: Iterable[Outcome], out: Path) -> Iterator[Outcome]:
    """These, then the results of earlier runs in the same folder."""
    done = set()
    for outcome in outcomes:
        done.add(outcome.folder.resolve())
        yield outcome
    for path in sorted(out.glob(f"*/{RESULT_FILE}")):
        folder = path.parent
        if folder.resolve() in done or folder.name.startswith("."):
            continue
        try:
            report = read_report(folder)
            yield Outcome(report.recording.path, folder, report)
        except ResultError as error:
            yield Outcome(folder.name, folder, error=str(error))


def summary_row(outcome: Outcome) -> dict[str, Any]:
    """Columns of one result in the summary."""
    row: dict[str, Any] = {"recording": plain_cell(outcome.recording)}
    row |= {name: plain_cell(text) for name, text in outcome.labels.items()} | {"verdict": None}
    report = outcome.report
    if report is not None:
        row |= {"verdict": report.qc.verdict, "tracks_used": report.tracks.n_used}
        for name in _FIGURES:
            row |= _columns(name, getattr(report.distribution, name))
        for item in report.classes:
            row |= _columns(f"{item.name.replace('-', '_')}_fraction", item.fraction)
        row |= _columns("misev_small_fraction", report.misev.small_fraction)
        row |= _columns("misev_large_fraction", report.misev.large_fraction)
        row |= _columns("concentration_per_ml", report.concentration_per_ml or Estimate())
    result = outcome.folder.name if report is not None else ""
    return row | {"result": plain_cell(result), "error": plain_cell(outcome.error)}


def _columns(name: str, value: Estimate) -> dict[str, float | None]:
    return {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}

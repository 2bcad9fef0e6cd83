"""The tables of a whole batch, made anew from its results: the same results, the same bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from evsize.assembly.evidence import judge
from evsize.batch import comparison
from evsize.batch.entry import Entry
from evsize.batch.journal import writing
from evsize.batch.pooling import BINS, Measured, Sample, from_scale, measure, pool
from evsize.batch.quality import Gathering, Quality, write_quality
from evsize.batch.task import Ending
from evsize.errors import ResultError
from evsize.qc import Profile
from evsize.report import Outcome, write_overview
from evsize.storage import plain_cell, read_report, read_result, whole_file, write_csv

SAMPLES_FILE = "samples.csv"
DISTRIBUTIONS_FILE = "samples_distribution.csv"
COMPARISON_FILE = "comparison.csv"


def write_tables(
    entries: Sequence[Entry], endings: Mapping[str, Ending], out: Path, profile: Profile
) -> Quality:
    """Write ``summary.csv``, ``evsize_mqc.json``, ``qc.json``, and the tables of samples.

    Parameters
    ----------
    entries : sequence of Entry
        The recordings, in the order of the rows.
    endings : dict of str to Ending
        How each ended.
    out : Path
        Folder of the results. Each table appears whole or stays as it was.
    profile : Profile
        Limits of the rules about samples and the batch.

    Returns
    -------
    Quality
        What the recordings are, alone and together.
    """
    measured: list[Measured] = []
    gathering = Gathering(profile)
    with writing(out):
        write_overview(_outcomes(entries, endings, out, measured, gathering), out)
        samples = pool(measured)
        names = list(dict.fromkeys(name for one in measured for name in one.figures))
        _write(pd.DataFrame([_row(sample, names) for sample in samples]), out / SAMPLES_FILE)
        _write(_distributions(samples), out / DISTRIBUTIONS_FILE)
        rows = comparison.compare(samples, names)
        _write(pd.DataFrame(rows, columns=list(comparison.COLUMNS)), out / COMPARISON_FILE)
        quality = gathering.judge()
        write_quality(quality, out)
    return quality


def _outcomes(
    entries: Sequence[Entry],
    endings: Mapping[str, Ending],
    out: Path,
    measured: list[Measured],
    gathering: Gathering,
) -> Iterator[Outcome]:
    for entry, outcome in _each(entries, endings, out, measured):
        report, labels = outcome.report, entry.labels
        if report is not None and entry.role == "blank":
            report = judge(read_result(outcome.folder), gathering.profile, "blank").summary
        if not entry.row:  # without a table nobody said what belongs together
            labels["sample"] = ""
        gathering.add(
            entry.name,
            entry.recording,
            report,
            labels=labels,
            preparation=entry.preparation,
            error=outcome.error,
        )
        yield outcome


def _each(
    entries: Sequence[Entry], endings: Mapping[str, Ending], out: Path, measured: list[Measured]
) -> Iterator[tuple[Entry, Outcome]]:
    for entry in entries:
        ending, folder = endings[entry.name], out / entry.name
        if ending.status == "failed":
            yield entry, Outcome(entry.recording, folder, None, ending.error, entry.labels)
            continue
        try:
            report = read_report(folder)
            measured.append(measure(entry, report, folder))
        except (ResultError, OSError) as error:  # gone or broken since
            yield entry, Outcome(entry.recording, folder, None, str(error), entry.labels)
        else:
            yield entry, Outcome(entry.recording, folder, report, "", entry.labels)


def _row(sample: Sample, names: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "sample": sample.name,
        "condition": sample.condition,
        "role": sample.role,
        "replicates": len(sample.replicates),
        "recordings": len(sample.recordings),
        "left_out": " ".join(one.entry.name for one in sample.left_out),
        "interval": _kind(len(sample.replicates)),
        "weighting": " ".join(sample.weightings),
        "note": sample.note,
    }
    for name in names:
        found = sample.pooled(name)
        ends = (found.value, found.low, found.high)
        value, low, high = (from_scale(name, end) if math.isfinite(end) else None for end in ends)
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
        row |= {f"{name}_sd": _natural(name, found.sd, value)}
        row |= {f"{name}_within_sd": _natural(name, found.within_sd, value)}
    return row


def _kind(n_replicates: int) -> str:
    if n_replicates > 1:
        return "between replicates"
    return "within the only replicate" if n_replicates else "nothing to pool"


def _natural(name: str, sd: float, value: float | None) -> float | None:
    """Standard deviation in the unit of the figure: on a logarithmic scale it is relative."""
    if value is None or not math.isfinite(sd):
        return None
    return sd if name.endswith("_fraction") else sd * value


def _distributions(samples: Sequence[Sample]) -> pd.DataFrame:
    columns = ["sample", "condition", "role", *BINS, "fraction", "fraction_low", "fraction_high"]
    parts = []
    for sample in samples:
        table = sample.distribution()
        if table is not None:
            labels = {"sample": sample.name, "condition": sample.condition, "role": sample.role}
            parts.append(table.assign(**labels)[columns])
    return pd.concat(parts) if parts else pd.DataFrame(columns=columns)


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write a table; text that a spreadsheet would take for a formula stays text."""
    for name in table.columns[[not is_numeric_dtype(kind) for kind in table.dtypes]]:
        cells = [plain_cell(cell) if isinstance(cell, str) else cell for cell in table[name]]
        table = table.assign(**{name: cells})
    with whole_file(path) as partial:
        write_csv(table, partial)

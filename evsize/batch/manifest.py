"""The list of recordings of a batch: read, and checked whole before any work starts."""

from __future__ import annotations

import csv
import difflib
import io
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import ValidationError

from evsize.errors import UsageError
from evsize.qc import Preparation
from evsize.results import UNITS
from evsize.settings import AcquisitionSettings
from evsize.storage import result_name

ROLES = ("sample", "blank", "beads")
LABELS = ("recording", "name", "sample", "replicate", "role", "condition")
PREPARATION = ("made_from", "volume_ml", "protein_ug", "bead_nm")
COLUMNS = (*LABELS, *UNITS, *PREPARATION)
DELIMITERS = "\t;,"
MOST_PROBLEMS = 20
"""Problems that one message names."""
MOST_NAME_BYTES = 200
"""Longest name of a result folder: file systems take 255, and ours get a prefix while written."""
RESERVED = (
    "summary.csv",
    "samples.csv",
    "samples_distribution.csv",
    "comparison.csv",
    "qc.json",
    "qc.csv",
    "junit.xml",
)
CODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


@dataclass(frozen=True)
class Entry:
    """One recording of a batch.

    Attributes
    ----------
    recording : str
        As it was written.
    path : Path
        Where it is, absolute.
    name : str
        Name of its result folder.
    sample, replicate, role, condition : str
        What was filmed; `replicate` and `condition` may be empty.
    acquisition : dict
        Acquisition values of the row, by the names of `evsize.results.UNITS`.
    preparation : Preparation
        How the sample was made.
    row : int
        Row of the table, the header being row 1; 0 where there is no table.
    """

    recording: str
    path: Path
    name: str
    sample: str
    replicate: str = ""
    role: str = "sample"
    condition: str = ""
    acquisition: Mapping[str, Any] = field(default_factory=dict)
    preparation: Preparation = field(default_factory=Preparation)
    row: int = 0

    @property
    def labels(self) -> dict[str, str]:
        """What was filmed, for the tables."""
        return {name: getattr(self, name) for name in LABELS[2:]}


class ManifestError(UsageError):
    """What is wrong with a manifest, every problem with its row and column."""

    def __init__(self, origin: object, problems: list[str], *_: str) -> None:
        self.origin, self.problems = origin, problems
        more = len(problems) - MOST_PROBLEMS
        text = "; ".join(problems[:MOST_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
        super().__init__(f"{origin}: {text}", advice="correct the table; nothing was started")

    def __reduce__(self) -> tuple[type[ManifestError], tuple[object, list[str]]]:  # type: ignore[override]
        return type(self), (self.origin, self.problems)


def read_manifest(path: Path, root: Path | None = None, *, there: bool = True) -> list[Entry]:
    """Read a table of recordings: CSV with commas, semicolons or tabs.

    Parameters
    ----------
    path : Path
        The table.
    root : Path, optional
        Folder that relative paths start from and outside of which no recording may lie; by default
        they start from the table's folder, and may lie anywhere.
    there : bool
        Whether the recordings must be there; their results alone may be.

    Returns
    -------
    list of Entry
        In the order of the rows.

    Raises
    ------
    ManifestError
        Naming every problem with its row and column.
    UsageError
        If there is no table to read.
    """
    header, rows = _table(path)
    if not rows:
        raise UsageError(f"{path} lists no recordings", "a row a recording below the header")
    problems: list[str] = []
    entries = []
    for number, cells in rows:
        reader = _Row(number, header, cells, problems, there=there)
        entry = reader.entry(root or path.parent, root)
        if entry is not None:
            entries.append(entry)
    problems += check_entries(entries)
    if problems:
        raise ManifestError(path, sorted(problems, key=_row_of))
    return entries


def check_entries(entries: list[Entry]) -> list[str]:
    """Find recordings that are listed twice, and results that would share a folder."""
    problems = _shared(
        entries,
        "recording",
        lambda entry: os.path.realpath(entry.path),
        lambda one, other: f"'{one.recording}' is listed in {where(other)} already",
    )
    doubled = {problem.partition(":")[0].partition(",")[0] for problem in problems}
    same = _shared(
        entries,
        "name",
        lambda entry: entry.name.casefold(),
        lambda one, other: (
            f"the result '{one.name}' would be written over that of {where(other)}; "
            "give each a name of its own in the column 'name'"
        ),
    )
    return problems + [text for text in same if text.partition(",")[0] not in doubled]


def where(entry: Entry) -> str:
    """Say where an entry stands."""
    return f"row {entry.row}" if entry.row else entry.recording


def _shared(
    entries: list[Entry],
    column: str,
    key: Callable[[Entry], str],
    sentence: Callable[[Entry, Entry], str],
) -> list[str]:
    first: dict[str, Entry] = {}
    return [
        f"{where(entry)}, column {column}: {sentence(entry, first[key(entry)])}"
        for entry in entries
        if first.setdefault(key(entry), entry) is not entry
    ]


def _row_of(problem: str) -> int:
    word = problem.partition(",")[0].removeprefix("row ")
    return int(word) if word.isdigit() else 0


def _table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and numbered rows of a table; blank rows are left out, but counted."""
    text = _text(path)
    first = text.partition("\n")[0]
    delimiter = next((mark for mark in DELIMITERS if mark in first), ",")
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(f"{path} is no table: {error}", "a CSV or TSV file") from error
    header = [name.strip().lower() for name in lines[0]] if lines else []
    while header and not header[-1]:
        header.pop()
    problems = [f"row 1: {text}" for text in _header_problems(header)]
    if problems:
        raise ManifestError(path, problems)
    return header, [
        (number, [cell.strip() for cell in cells])
        for number, cells in enumerate(lines[1:], 2)
        if any(cell.strip() for cell in cells)
    ]


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}",
            "a table of recordings (CSV, TSV) or a folder",
            "'evsize batch --init DIR' writes one to fill in",
        ) from error
    coding = next((name for start, name in CODINGS.items() if data.startswith(start)), "utf-8")
    for name in (coding, "cp1252"):  # what spreadsheets write
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UsageError(
        f"{path} is not text",
        "a table of recordings saved as CSV or TSV",
        "in a spreadsheet choose 'save as CSV'; a single recording is sized by 'evsize analyze'",
    )


def _header_problems(header: list[str]) -> Iterator[str]:
    for name in dict.fromkeys(header):
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(COLUMNS)}"
            yield f"unknown column '{name}'; {hint}"
        if header.count(name) > 1:
            yield f"the column '{name}' is there {header.count(name)} times"
    if "recording" not in header:
        yield "the column 'recording' is missing"


class _Row:
    """One row of the table; what is wrong with it goes to `problems`."""

    def __init__(
        self,
        number: int,
        header: list[str],
        cells: list[str],
        problems: list[str],
        *,
        there: bool,
    ) -> None:
        self.number, self.problems, self.there = number, problems, there
        self.cells = dict(zip(header, cells, strict=False))
        self.surplus = [cell for cell in cells[len(header) :] if cell]

    def entry(self, base: Path, root: Path | None) -> Entry | None:
        """The recording of this row; None where nothing sensible can be made of it."""
        if self.surplus:
            self.wrong("", "more cells than the header; a decimal comma, or one without quotes?")
            return None
        labels = {name: self.label(name) for name in LABELS}
        path = self.path(labels["recording"], base, root)
        values = {name: self.value(name) for name in UNITS if self.cells.get(name)}
        preparation = self.preparation()
        role = labels["role"].lower() or ROLES[0]
        if role not in ROLES:
            self.wrong("role", f"'{role}'; needed: {', '.join(ROLES)}")
        if path is None:
            return None
        name = labels["name"] or result_name(path)
        self.check_name(name, "name" if labels["name"] else "recording")
        return Entry(
            recording=labels["recording"],
            path=path,
            name=name,
            sample=labels["sample"] or name,
            replicate=labels["replicate"],
            role=role,
            condition=labels["condition"],
            acquisition=values,
            preparation=preparation,
            row=self.number,
        )

    def wrong(self, column: str, text: str) -> None:
        place = f"row {self.number}" + (f", column {column}" if column else "")
        self.problems.append(f"{place}: {text}")

    def label(self, column: str) -> str:
        text = self.cells.get(column, "")
        if not text.isprintable():
            self.wrong(column, f"{text!r} has characters that cannot be printed")
        return text

    def path(self, text: str, base: Path, root: Path | None) -> Path | None:
        if not text:
            self.wrong("recording", "is empty; needed: the path of a recording")
            return None
        if not text.isprintable():
            return None
        path = Path(os.path.abspath(base / text))  # noqa: PTH100  (links are kept as named)
        if root is not None and not path.resolve().is_relative_to(root.resolve()):
            self.wrong("recording", f"'{text}' lies outside of {root}")
            return None
        try:
            there = not self.there or path.exists()
        except OSError:
            there = False
        if not there:
            self.wrong("recording", f"there is no {path}")
            return None
        return path

    def preparation(self) -> Preparation:
        """How the sample was made; a number that cannot be is a problem."""
        values: dict[str, float] = {}
        for column in PREPARATION[1:]:
            number = self.number_in(column) if self.cells.get(column) else None
            if number is not None and not 0 < number < math.inf:
                self.wrong(column, f"{self.cells[column]} is not above 0")
            elif number is not None:
                values[column] = number
        return Preparation(made_from=self.label("made_from"), **values)

    def number_in(self, column: str) -> float | None:
        text = self.cells[column]
        if "," in text:
            self.wrong(column, f"'{text}' has a comma; needed: a point, as in 0.166")
            return None
        try:
            return float(text)
        except ValueError:
            self.wrong(column, f"'{text}' is no number")
            return None

    def value(self, column: str) -> float | str | None:
        text = self.cells[column]
        if column == "medium":
            return text
        number = self.number_in(column)
        if number is None:
            return None
        try:
            AcquisitionSettings.model_validate({column: number})
        except ValidationError as error:
            self.wrong(column, f"{text}: {error.errors()[0]['msg'].lower()}")
            return None
        return number

    def check_name(self, name: str, column: str) -> None:
        needed = "needed: a plain name, given in the column 'name'"
        folders = (PurePosixPath(name).name, PureWindowsPath(name).name)
        if name != folders[0] or name != folders[1] or name.startswith("."):
            self.wrong(column, f"a result cannot be called '{name}'; {needed}")
        elif name.lower() in RESERVED or len(os.fsencode(name)) > MOST_NAME_BYTES:
            self.wrong(column, f"a result cannot be called '{name}'; {needed}, not too long")

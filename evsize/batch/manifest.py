"""The list of recordings of a batch: read, and checked whole before any work starts."""

from __future__ import annotations

import csv
import difflib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from evsize.batch.entry import COLUMNS, Entry
from evsize.batch.manifest_row import Row
from evsize.errors import UsageError

DELIMITERS = "\t;,"
MOST_PROBLEMS = 20
"""Problems that one message names."""
CODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


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
        reader = Row(number, header, cells, problems, there=there)
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

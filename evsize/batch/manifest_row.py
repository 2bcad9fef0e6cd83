"""One row of the table of recordings, read cell by cell; what is wrong is said of each."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from pydantic import ValidationError

from evsize.batch.entry import LABELS, PREPARATION, ROLES, Entry
from evsize.qc import Preparation
from evsize.results import UNITS
from evsize.settings import AcquisitionSettings
from evsize.storage import result_name

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


class Row:
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
            self._wrong("", "more cells than the header; a decimal comma, or one without quotes?")
            return None
        labels = {name: self._label(name) for name in LABELS}
        path = self._path(labels["recording"], base, root)
        values = {name: self._value(name) for name in UNITS if self.cells.get(name)}
        preparation = self._preparation()
        role = labels["role"].lower() or ROLES[0]
        if role not in ROLES:
            self._wrong("role", f"'{role}'; needed: {', '.join(ROLES)}")
        if path is None:
            return None
        name = labels["name"] or result_name(path)
        self._check_name(name, "name" if labels["name"] else "recording")
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

    def _wrong(self, column: str, text: str) -> None:
        place = f"row {self.number}" + (f", column {column}" if column else "")
        self.problems.append(f"{place}: {text}")

    def _label(self, column: str) -> str:
        text = self.cells.get(column, "")
        if not text.isprintable():
            self._wrong(column, f"{text!r} has characters that cannot be printed")
        return text

    def _path(self, text: str, base: Path, root: Path | None) -> Path | None:
        if not text:
            self._wrong("recording", "is empty; needed: the path of a recording")
            return None
        if not text.isprintable():
            return None
        path = Path(os.path.abspath(base / text))  # noqa: PTH100  (links are kept as named)
        if root is not None and not path.resolve().is_relative_to(root.resolve()):
            self._wrong("recording", f"'{text}' lies outside of {root}")
            return None
        try:
            there = not self.there or path.exists()
        except OSError:
            there = False
        if not there:
            self._wrong("recording", f"there is no {path}")
            return None
        return path

    def _preparation(self) -> Preparation:
        """How the sample was made; a number that cannot be is a problem."""
        values: dict[str, float] = {}
        for column in PREPARATION[1:]:
            number = self._number_in(column) if self.cells.get(column) else None
            if number is not None and not 0 < number < math.inf:
                self._wrong(column, f"{self.cells[column]} is not above 0")
            elif number is not None:
                values[column] = number
        return Preparation(made_from=self._label("made_from"), **values)

    def _number_in(self, column: str) -> float | None:
        text = self.cells[column]
        if "," in text:
            self._wrong(column, f"'{text}' has a comma; needed: a point, as in 0.166")
            return None
        try:
            return float(text)
        except ValueError:
            self._wrong(column, f"'{text}' is no number")
            return None

    def _value(self, column: str) -> float | str | None:
        text = self.cells[column]
        if column == "medium":
            return text
        number = self._number_in(column)
        if number is None:
            return None
        try:
            AcquisitionSettings.model_validate({column: number})
        except ValidationError as error:
            self._wrong(column, f"{text}: {error.errors()[0]['msg'].lower()}")
            return None
        return number

    def _check_name(self, name: str, column: str) -> None:
        needed = "needed: a plain name, given in the column 'name'"
        folders = (PurePosixPath(name).name, PureWindowsPath(name).name)
        if name != folders[0] or name != folders[1] or name.startswith("."):
            self._wrong(column, f"a result cannot be called '{name}'; {needed}")
        elif name.lower() in RESERVED or len(os.fsencode(name)) > MOST_NAME_BYTES:
            self._wrong(column, f"a result cannot be called '{name}'; {needed}, not too long")

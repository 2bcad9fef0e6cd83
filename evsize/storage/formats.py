"""Tables as Parquet, CSV and XLSX files."""

from __future__ import annotations

import json
import math
import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook
from openpyxl.writer.excel import ExcelWriter

from evsize.tables import Flag, Schema, flag_names

CSV_FLOAT = "%.7g"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_XLSX_ROWS = 1_048_575
_LONG_AGO = datetime(1980, 1, 1)  # the earliest date a ZIP archive can hold


def printable(text: str) -> str:
    """Return text that can be written as UTF-8: a file name need not be."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain_cell(text: str) -> str:
    """Return text that a spreadsheet shows as it is, even where it looks like a formula."""
    text = printable(text)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def as_typed(cell: str) -> str:
    """Undo `plain_cell`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


def with_flag_names(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with flag bits spelled out, for formats that people read."""
    if "flags" not in table.columns:
        return table
    names = {int(bits): flag_names(int(bits)) for bits in table["flags"].unique()}
    return table.assign(flags=table["flags"].map(names).astype(object))


def write_csv(table: pd.DataFrame, path: Path, float_format: str | None = CSV_FLOAT) -> None:
    """Write a table for people: flags by name, undefined empty, 7 significant digits."""
    with_flag_names(table).replace([np.inf, -np.inf], np.nan).to_csv(
        path,
        index=False,
        float_format=float_format,
        lineterminator="\n",
        encoding="utf-8",
    )


def write_parquet(table: pd.DataFrame, path: Path, schema: Schema) -> None:
    """Write a table with the unit and meaning of each column beside it; undefined is null."""
    fields, arrays = [], []
    for column in schema:
        values = table[column.name].to_numpy()
        if values.dtype.kind == "f":
            values = np.where(np.isfinite(values), values, np.nan)
        arrays.append(pa.array(values, from_pandas=True))
        meaning = {"unit": column.unit, "description": column.description}
        fields.append(pa.field(column.name, arrays[-1].type, metadata=meaning))
    about = {"table": schema.name}
    if "flags" in schema.names:
        about["flags"] = json.dumps({str(flag.name).lower(): int(flag) for flag in Flag})
    with path.open("wb") as stream:  # pyarrow itself takes no path that is not UTF-8
        pq.write_table(
            pa.table(arrays, schema=pa.schema(fields, about)), stream, compression="zstd"
        )


def write_xlsx(table: pd.DataFrame, path: Path, schema: Schema) -> None:
    """Write a table as an Excel file: sheets of at most a million rows, and one of units.

    Dates inside the file are fixed, so the same table gives the same bytes.
    """
    book = Workbook(write_only=True)
    book.properties.creator = "evsize"
    book.properties.created = book.properties.modified = _LONG_AGO
    readable = with_flag_names(table)
    for number, start in enumerate(range(0, max(len(table), 1), _XLSX_ROWS), 1):
        sheet = book.create_sheet(schema.name + (f"_{number}" if number > 1 else ""))
        sheet.append(schema.names)
        part = readable.iloc[start : start + _XLSX_ROWS]
        for row in part[schema.names].itertuples(index=False, name=None):
            sheet.append([_xlsx_cell(value) for value in row])
    units = book.create_sheet("columns")
    units.append(["column", "unit", "meaning"])
    for column in schema:
        units.append([column.name, column.unit, column.description])
    buffer = BytesIO()
    ExcelWriter(book, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED)).save()
    _repack(buffer, path)


def _xlsx_cell(value: Any) -> Any:
    if isinstance(value, str):
        return plain_cell(value) or None
    return value if math.isfinite(value) else None


def _repack(buffer: BytesIO, path: Path) -> None:
    """Copy a ZIP archive with all dates set back."""
    date = (_LONG_AGO.year, _LONG_AGO.month, _LONG_AGO.day, 0, 0, 0)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, date)
            target.writestr(entry, source.read(name), zipfile.ZIP_DEFLATED)

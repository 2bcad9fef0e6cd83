"""A result to and from its folder, whole or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from pydantic import ValidationError

from evsize.errors import ResultError
from evsize.results import Report, Result
from evsize.storage.folder import (
    RESULT_FILE,
    check_output,
    clean_leftovers,
    result_name,
    whole_file,
    whole_folder,
)
from evsize.storage.formats import plain_cell, printable, write_csv, write_parquet, write_xlsx
from evsize.tables import COMPLETENESS, DISTRIBUTION, FRAMES, PARTICLES, TRACKS

__all__ = [
    "RESULT_FILE",
    "SCHEMA_FILE",
    "check_output",
    "clean_leftovers",
    "json_text",
    "plain_cell",
    "printable",
    "read_report",
    "read_result",
    "report_json",
    "report_schema",
    "result_name",
    "whole_file",
    "whole_folder",
    "write_csv",
    "write_result",
]

PREVIEW_FILE, STRIP_FILE = "preview.png", "strip.png"
COMPLETENESS_FILE = "completeness.csv"
SCHEMA_FILE = Path(__file__).parent.with_name("result.schema.json")


def report_json(report: Report, indent: int | None = 2) -> str:
    """Return the text of ``result.json``: floats in their shortest exact form, never NaN."""
    return json_text(report.model_dump(by_alias=True), indent)


def json_text(content: Any, indent: int | None = 2) -> str:
    """Return content as JSON that can be written as UTF-8; undefined numbers are null."""
    return json.dumps(_writable(content), indent=indent, ensure_ascii=False, allow_nan=False)


def _writable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _writable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_writable(item) for item in value]
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``result.json``."""
    schema = Report.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def read_report(folder: Path) -> Report:
    """Read ``result.json`` of a result folder.

    Raises
    ------
    ResultError
        If it is missing, unreadable or not a result.
    """
    path = folder / RESULT_FILE
    needed = f"a folder with a {RESULT_FILE} written by evsize"
    try:
        return Report.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ResultError(f"no {RESULT_FILE} in {folder}", needed) from error
    except OSError as error:
        raise ResultError(f"cannot read {path}: {error.strerror}", needed) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        what = f"'{key}': {first['msg']}" if key else first["msg"]
        raise ResultError(
            f"{path} is not a valid result: {what}",
            needed,
            "analyse the recording again, or use the version of evsize that wrote it",
        ) from error


def write_result(result: Result, folder: Path, tables: Iterable[str] = ("parquet",)) -> None:
    """Write all files of a result but the page into a folder that exists.

    ``particles.csv`` has 7 significant digits; ``distribution.csv`` is the only copy of its
    table, so it keeps them all.
    """
    (folder / RESULT_FILE).write_text(report_json(result.summary) + "\n", encoding="utf-8")
    write_csv(result.distribution_table, folder / "distribution.csv", float_format=None)
    write_csv(result.particles, folder / "particles.csv")
    for table, schema in (
        (result.particles, PARTICLES),
        (result.tracks, TRACKS),
        (result.frames, FRAMES),
    ):
        path = folder / schema.name
        write_parquet(table, path.with_suffix(".parquet"), schema)
        if "csv" in tables and schema is not PARTICLES:
            write_csv(table, path.with_suffix(".csv"))
        if "xlsx" in tables:
            write_xlsx(table, path.with_suffix(".xlsx"), schema)
    if "xlsx" in tables:
        write_xlsx(result.distribution_table, folder / "distribution.xlsx", DISTRIBUTION)
    for name, picture in ((PREVIEW_FILE, result.preview), (STRIP_FILE, result.strip)):
        if picture is not None:
            Image.fromarray(picture).save(folder / name)
    if result.completeness is not None:
        write_csv(result.completeness, folder / COMPLETENESS_FILE, float_format=None)
    read_report(folder)  # what cannot be read back is not handed over


def read_result(folder: Path) -> Result:
    """Read a result from its folder.

    Raises
    ------
    ResultError
        If a file is missing, unreadable or not what evsize writes.
    """
    folder = Path(folder)
    summary = read_report(folder)
    name = ""
    try:
        found = {}
        for schema in (PARTICLES, TRACKS, FRAMES):
            name = f"{schema.name}.parquet"
            found[schema.name] = schema.validate(
                pd.read_parquet(BytesIO((folder / name).read_bytes()))
            )
        name = "distribution.csv"
        # As text first: Python's conversion is exact, that of pandas not in every version.
        text = pd.read_csv(folder / name, dtype=str, keep_default_na=False).replace("", "nan")
        distribution = DISTRIBUTION.validate(text)
        name = COMPLETENESS_FILE
        completeness = _read_completeness(folder / name)
        pictures = {}
        for name in (PREVIEW_FILE, STRIP_FILE):
            pictures[name] = _read_picture(folder / name)
    except Exception as error:  # a broken file breaks its reader in any way it likes
        raise ResultError(
            f"cannot read {folder / name}: {' '.join(str(error).split())[:200]}",
            "the files as evsize wrote them",
            "analyse the recording again",
        ) from error
    return Result(
        summary,
        found["particles"],
        found["tracks"],
        found["frames"],
        distribution,
        pictures[PREVIEW_FILE],
        pictures[STRIP_FILE],
        completeness,
    )


def _read_completeness(path: Path) -> pd.DataFrame | None:
    if not path.exists():
        return None
    text = pd.read_csv(path, dtype=str, keep_default_na=False).replace("", "nan")
    return COMPLETENESS.validate(text)


def _read_picture(path: Path) -> Any:
    if not path.exists():
        return None
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))

"""Text files as instruments write them: unknown encoding, ragged rows, decimal commas."""

from __future__ import annotations

import codecs
import csv
import math
import re
from pathlib import Path

from evsize.errors import ResultError

MOST_BYTES = 200_000_000
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decode(content: bytes) -> str:
    """Decode text: by its byte order mark, else UTF-8, else the Windows code page."""
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def read_text(path: Path) -> str:
    """Read a text file.

    Raises
    ------
    ResultError
        If it is missing, unreadable or larger than `MOST_BYTES`.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ResultError(f"{path} has {size / 1e6:.0f} MB", "a table of results")
        return decode(path.read_bytes())
    except OSError as error:
        raise ResultError(f"cannot read {path}: {error.strerror}", "a table of results") from error


def split_rows(text: str) -> list[list[str]]:
    """Split comma-, semicolon- or tab-separated rows; cells come without blanks around them."""
    head = text[:20000]
    delimiter = max("\t;,", key=head.count)
    rows = csv.reader(text.replace("\0", "").splitlines(), delimiter=delimiter)
    return [[cell.strip() for cell in row] for row in rows]


def number(cell: str | None) -> float | None:
    """Read the number a cell begins with, decimal comma or point; None where there is none."""
    found = re.match(r"\s*([-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?)", cell or "")
    if found is None:
        return None
    value = float(found.group(1).replace(",", "."))
    return value if math.isfinite(value) else None

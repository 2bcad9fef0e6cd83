"""Rows of a table, each kept as soon as it is computed: an interrupted run goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".benchmarks"

Row = dict[str, Any]


def rows(
    table: str,
    cells: Iterable[Mapping[str, Any]],
    compute: Callable[..., Row],
    sources: Iterable[str],
) -> pd.DataFrame:
    """Compute a row for every cell, or read it where it is known.

    Parameters
    ----------
    table : str
        Name of the table; rows are kept in ``.benchmarks/TABLE``.
    cells : iterable of mapping
        Arguments of `compute`, one mapping a row: numbers and text.
    compute : callable
        Gives the row.
    sources : iterable of str
        Files or folders, from the root of the project, on whose Python code a row depends: a row
        computed with other code is computed anew.
    """
    folder = FOLDER / table
    folder.mkdir(parents=True, exist_ok=True)
    code = _digest(sources)
    result = []
    for cell in cells:
        key = json.dumps([dict(cell), code], sort_keys=True)
        path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
        if path.exists():
            row = json.loads(path.read_text())
        else:
            row = dict(cell) | compute(**cell)
            partial = path.with_suffix(".part")
            partial.write_text(json.dumps(row, default=float))
            partial.replace(path)
        print(table, " ".join(f"{k}={_short(v)}" for k, v in row.items()), flush=True)
        result.append(row)
    return pd.DataFrame(result)


def _digest(sources: Iterable[str]) -> str:
    total = hashlib.sha256()
    for source in sources:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            total.update(file.read_bytes())
    return total.hexdigest()


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def markdown(table: pd.DataFrame) -> str:
    """The table as Markdown, four figures a number."""
    lines = [list(table.columns), ["---"] * len(table.columns)]
    lines += [["" if _missing(v) else _short(v) for v in row] for row in table.to_numpy(object)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN

"""Rows of a table, each kept as soon as it is computed: an interrupted run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.pages import short

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".benchmarks"

Row = dict[str, Any]


def rows(
    table: str,
    cells: Iterable[Mapping[str, Any]],
    compute: Callable[..., Row],
    sources: Iterable[str],
    jobs: int = 1,
) -> pd.DataFrame:
    """Compute a row for every cell, or read it where it is known.

    Parameters
    ----------
    table : str
        Name of the table; rows are kept in ``.benchmarks/TABLE``.
    cells : iterable of mapping
        Arguments of `compute`, one mapping a row: numbers and text.
    compute : callable
        Gives the row; must be found by name in its module if `jobs` is more than 1.
    sources : iterable of str
        Files or folders, from the root of the project, on whose Python code a row depends: a row
        computed with other code is computed anew.
    jobs : int
        Processes.
    """
    folder = FOLDER / table
    folder.mkdir(parents=True, exist_ok=True)
    one = partial(_row, folder, _digest(sources), compute)
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) if jobs > 1 else None
    result = []
    with pool or nullcontext():
        for row in (pool.map if pool else map)(one, [dict(cell) for cell in cells]):
            shown = {k: v for k, v in row.items() if isinstance(v, str | int | float)}
            print(table, " ".join(f"{k}={short(v)}" for k, v in shown.items()), flush=True)
            result.append(row)
    return pd.DataFrame(result)


def _row(folder: Path, code: str, compute: Callable[..., Row], cell: Row) -> Row:
    key = json.dumps([cell, code], sort_keys=True)
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    row = cell | compute(**cell)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(row, default=float))
    unfinished.replace(path)
    return row


def _digest(sources: Iterable[str]) -> str:
    total = hashlib.sha256()
    for source in sources:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            total.update(file.read_bytes())
    return total.hexdigest()

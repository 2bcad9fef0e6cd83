"""Results of single seeds, kept on disk: a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import evsize

Row = dict[str, Any]


def code_version() -> str:
    """Digest of the estimators' source: results of other code are not taken for this one's."""
    digest = hashlib.sha256()
    for package in (Path(evsize.__file__).parent, Path(__file__).parent):
        for path in sorted(package.rglob("*.py")):
            if package.name == "accuracy" or path.parent.name in ("diffusion", "sizing"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def rows(
    folder: Path, name: str, work: Callable[[int], Row], seeds: Iterable[int], jobs: int = 1
) -> list[Row]:
    """One row a seed, from disk where it was worked out by the same code before.

    Parameters
    ----------
    folder : Path
        Where rows are kept; a folder a version of the code.
    name : str
        Name of the study.
    work : callable
        Takes a seed; must be found by name in its module if `jobs` is more than 1.
    seeds : iterable of int
        Seeds wanted.
    jobs : int
        Processes.
    """
    place = folder / code_version() / name
    place.mkdir(parents=True, exist_ok=True)
    wanted = list(seeds)
    todo = [seed for seed in wanted if not (place / f"{seed}.json").exists()]
    if jobs > 1 and len(todo) > 1:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            for seed, row in zip(todo, pool.map(work, todo), strict=True):
                _keep(place / f"{seed}.json", row)
    else:
        for seed in todo:
            _keep(place / f"{seed}.json", work(seed))
    return [json.loads((place / f"{seed}.json").read_text()) for seed in wanted]


def _keep(path: Path, row: Row) -> None:
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(row))
    partial.replace(path)

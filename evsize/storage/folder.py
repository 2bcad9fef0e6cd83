"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evsize.errors import OutputError

RESULT_FILE = "result.json"


def check_output(folder: Path, overwrite: bool = False) -> None:
    """Make sure, before any work, that a result can be written to `folder`.

    Raises
    ------
    OutputError
        If its parent cannot be made or written, or if something stands there already that may
        not be replaced.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".evsize-", dir=folder.parent):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder.parent}: {error.strerror}",
            "a folder that can be written",
            "choose another one with -o",
        ) from error
    if not _stands(folder):
        return
    if not (folder / RESULT_FILE).is_file():
        raise OutputError(
            f"{folder} exists and is not a result of evsize",
            "a free name, since evsize replaces nothing but its own results",
            "choose another output folder with -o",
        )
    if not overwrite:
        raise OutputError(
            f"a result exists already in {folder}",
            advice="add --overwrite to replace it, or choose another folder with -o",
        )


def _stands(folder: Path) -> bool:
    """Whether something is there that would be lost; an empty folder would not."""
    if folder.is_dir() and not folder.is_symlink():
        return any(folder.iterdir())
    return folder.exists() or folder.is_symlink()


def result_name(recording: Path) -> str:
    """Name of the result folder: the recording's without its ending."""
    if recording.is_dir():
        return recording.resolve().name or "recording"
    name = recording.stem
    return name[: -len(".ome")] if name.lower().endswith(".ome") else name


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give a name to write to that becomes `target` at the end, or vanishes on any failure."""
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a folder to write into that becomes `target` at the end, or vanishes on any failure.

    Parameters
    ----------
    target : Path
        Where the folder is to appear.
    overwrite : bool
        Replace the result that stands there; it stays until the new one is whole.

    Raises
    ------
    OutputError
        As `check_output`.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100  (resolve() would follow a link)
    clean_leftovers(target)
    check_output(target, overwrite)
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    partial.mkdir()
    try:
        yield partial
        _put_in_place(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, target: Path) -> None:
    aside = target.with_name(f".{target.name}.replaced-{os.getpid()}")
    if target.exists():
        target.rename(aside)
    try:
        partial.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def clean_leftovers(target: Path) -> None:
    """Remove what killed runs left beside `target`; put back a result they had set aside."""
    for path in target.parent.glob(f".{_literal(target.name)}.replaced-*"):
        if _at_work(path):
            continue
        if target.exists():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.rename(target)
    for path in target.parent.glob(f".{_literal(target.name)}.partial-*"):
        if not _at_work(path):
            shutil.rmtree(path, ignore_errors=True)


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _at_work(path: Path) -> bool:
    """Whether the process that made a leftover still runs (and is not this one)."""
    pid = path.name.rpartition("-")[2]
    if os.name != "posix" or not pid.isdigit() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True

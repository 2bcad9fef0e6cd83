"""Recordings of a folder, and a table of them to fill in."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from evsize.batch.entry import Entry
from evsize.batch.manifest import ManifestError, check_entries
from evsize.errors import OutputError, UsageError
from evsize.recording import find_reader
from evsize.recording.images import list_images
from evsize.recording.numpy_file import is_zarr
from evsize.storage import RESULT_FILE, plain_cell, result_name, whole_file

MANIFEST_FILE = "manifest.csv"
ENDINGS = (
    ".tif .tiff .btf .avi .mp4 .mov .m4v .mkv .wmv .cine .nd2 .npy".split()  # noqa: SIM905
)
STACKS = (".tif", ".tiff", ".btf")
FILLED_IN = (
    "recording",
    "name",
    "sample",
    "replicate",
    "role",
    "condition",
    "dilution",
    "pixel_size_um",
    "frame_rate_hz",
    "exposure_ms",
    "temperature_c",
    "medium",
)


def scan(folder: Path, out: Path | None = None) -> list[Entry]:
    """Find the recordings in a folder and the folders in it, in the order of their names.

    Hidden folders, links to folders, results of evsize and `out` are passed over.

    Raises
    ------
    UsageError
        If there are none.
    ManifestError
        If the results of two would share a folder.
    """
    paths = list(_recordings(folder, None if out is None else out.resolve()))
    if not paths:
        raise UsageError(
            f"no recordings in {folder}", f"files that end in {', '.join(ENDINGS)}, or images"
        )
    entries = []
    for path in paths:
        name = result_name(path)
        written = path.relative_to(folder).as_posix()
        place = Path(os.path.abspath(path))  # noqa: PTH100  (links are kept as named)
        entries.append(Entry(written, place, name, sample=name))
    return entries


def scan_checked(folder: Path, out: Path) -> list[Entry]:
    """`scan`, refusing names that clash."""
    entries = scan(folder, out)
    problems = check_entries(entries)
    if problems:
        raise ManifestError(folder, [*problems, "'evsize batch --init DIR' writes such a table"])
    return entries


def write_template(folder: Path, overwrite: bool = False) -> tuple[Path, int]:
    """Write a table of a folder's recordings to fill in; return its path and their number.

    Raises
    ------
    OutputError
        If it stands there already, or cannot be written.
    UsageError
        If there are no recordings.
    """
    path = folder / MANIFEST_FILE
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} exists already", advice="fill it in, or add --overwrite to write it anew"
        )
    entries = scan(folder)
    counts = Counter(entry.name.casefold() for entry in entries)
    try:
        with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(stream, FILLED_IN, restval="", lineterminator="\n")
            table.writeheader()
            for entry in entries:
                clash = counts[entry.name.casefold()] > 1
                name = entry.recording.replace("/", "_") if clash else entry.name
                row = {"sample": plain_cell(name), "role": entry.role}
                row |= {"name": plain_cell(name)} if clash else {}
                table.writerow({"recording": _plain_path(entry.recording), **row})
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}", "a folder that can be written"
        ) from error
    return path, len(entries)


def _plain_path(text: str) -> str:
    """The same path, written so that a spreadsheet takes it for no formula."""
    return text if plain_cell(text) == text else f"./{text}"


def _recordings(folder: Path, out: Path | None) -> Iterator[Path]:
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"cannot read {folder}: {error.strerror}", "a folder") from error
    folders = [path for path in inside if path.is_dir()]
    files = [path for path in inside if not path.is_dir() and path.suffix.lower() in ENDINGS]
    if not files or _single(files):
        images = _images(folder)
        if images:
            yield folder
            files = [path for path in files if path not in images]
    yield from (path for path in files if not path.name.startswith("."))
    for path in folders:
        ours = (path / RESULT_FILE).is_file() or path.resolve() == out
        if path.name.startswith(".") or path.is_symlink() or ours:
            continue
        if is_zarr(path):
            yield path
        else:
            yield from _recordings(path, out)


def _images(folder: Path) -> list[Path]:
    """Images of a folder that are frames of one recording."""
    images = list_images(folder)[0]
    return images if len(images) > 1 else []


def _single(files: list[Path]) -> bool:
    """Whether the files are single images: frames, not stacks."""
    stacks = [path for path in files if path.suffix.lower() in STACKS]
    if len(stacks) < 2:
        return False
    try:
        with find_reader(stacks[0]).open(stacks[0]) as recording:
            return len(recording) < 2
    except Exception:  # whatever breaks here is told when it is analysed
        return False

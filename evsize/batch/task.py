"""One recording, one task: analysed once, however often it is asked for."""

from __future__ import annotations

import hashlib
import json
import os
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numba
import pyarrow as pa
from threadpoolctl import threadpool_limits

from evsize import __version__, pipeline, report, storage
from evsize.errors import UsageError, describe, is_disk_full
from evsize.recording import open_recording
from evsize.recording.sidecar import combine, read_sidecars
from evsize.results import Acquisition
from evsize.settings import Settings

TASK_FILE = "task.json"
"""In a result folder: what was asked for, so that it is not done again."""


@dataclass(frozen=True)
class Task:
    """All that a worker needs to know; plain values, so that it can travel.

    Attributes
    ----------
    name : str
        Name of the recording within its batch.
    recording, folder : Path
        The recording and its result folder, absolute.
    settings : Settings
        As given.
    row, given : dict
        Acquisition values of the manifest's row and of the command line.
    command : str
        What the user typed, for the record.
    version : str
        Version of evsize that asks.
    """

    name: str
    recording: Path
    folder: Path
    settings: Settings
    row: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    version: str = __version__

    def acquisition(self, known: Acquisition) -> Acquisition:
        """Put what was given over what a recording says itself."""
        layers = {
            "instrument file": self.settings.instrument.acquisition(),
            "settings file": self.settings.acquisition.model_dump(),
            "manifest": self.row,
            "command line": self.given,
        }
        return combine(known, layers)


@dataclass(frozen=True)
class Ending:
    """How a task ended.

    Attributes
    ----------
    name : str
        The task's.
    status : {"done", "kept", "failed", "lost"}
        ``kept`` stood there already; ``lost`` took its worker, or the memory, with it.
    verdict : str
        Of the result; empty where there is none.
    error : str
        Why there is none, in one line.
    code : int
        The exit code that the error calls for.
    disk_full : bool
        There was no room for the result.
    seconds : float
        Time it took.
    trace : str
        Where an error of ours came from.
    """

    name: str
    status: Literal["done", "kept", "failed", "lost"]
    verdict: str = ""
    error: str = ""
    code: int = 0
    disk_full: bool = False
    seconds: float = 0.0
    trace: str = ""


def run(task: Task, resume: bool = True) -> Ending:
    """Analyse a recording and write its result, unless it stands there; never raises an error."""
    begin = time.perf_counter()
    try:
        _check_version(task.version)
        with one_thread():
            ending = find(task) if resume else None
            ending = ending or Ending(task.name, "done", _analyze(task))
    except MemoryError:
        ending = Ending(task.name, "lost", error="not enough memory", code=4)
    except Exception as error:  # whatever it is, the others go on
        text, code = describe(error)
        trace = traceback.format_exc() if code == 1 else ""
        ending = Ending(task.name, "failed", "", text, code, is_disk_full(error), trace=trace)
    return replace(ending, seconds=round(time.perf_counter() - begin, 3))


def _check_version(wanted: str) -> None:
    if wanted != __version__:
        raise UsageError(
            f"this worker has evsize {__version__}",
            f"{wanted}, as where the batch was started",
            "install the same version on all machines",
        )


def find(task: Task) -> Ending | None:
    """Return what stands there from the same recording and settings; None where nothing does."""
    try:
        record = json.loads((task.folder / TASK_FILE).read_text(encoding="utf-8"))
        if record["request"] != _request(task):
            return None
        if record["files"] != _files(task.recording):  # copied or touched; the same inside?
            with open_recording(task.recording) as recording:
                if record["sha256"] != recording.info().sha256:
                    return None
        verdict = storage.read_report(task.folder).qc.verdict
    except Exception:  # cannot be read: to be done again, where an error is met and told
        return None
    return Ending(task.name, "kept", verdict)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the libraries use one thread in here: the recordings are what runs in parallel."""
    opencv, compiled, arrow = cv2.getNumThreads(), numba.get_num_threads(), pa.cpu_count()
    with threadpool_limits(1):
        try:
            cv2.setNumThreads(1)
            numba.set_num_threads(1)
            pa.set_cpu_count(1)
            yield
        finally:
            cv2.setNumThreads(opencv)
            numba.set_num_threads(compiled)
            pa.set_cpu_count(arrow)


def _analyze(task: Task) -> str:
    with open_recording(task.recording) as recording:
        request, files = _request(task), _files(task.recording)  # as they are before the work
        result = pipeline.run(
            recording,
            task.settings,
            acquisition=task.acquisition(recording.acquisition),
            command=task.command,
        )
    about = result.summary
    record = {"request": request, "files": files, "sha256": about.recording.sha256}
    with storage.whole_folder(task.folder, overwrite=True) as partial:
        storage.write_result(result, partial, task.settings.output.tables)
        report.write_page(partial)
        if figures := task.settings.output.figures:
            from evsize.report.figures import write_figures  # noqa: PLC0415  (only where asked for)

            write_figures(result, partial, figures)
        (partial / TASK_FILE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return about.qc.verdict


def _request(task: Task) -> str:
    """Hash of all that a result depends on but the recording itself."""
    content = {
        "version": task.version,
        "settings": task.settings.model_dump(mode="json"),
        "row": dict(task.row),
        "given": dict(task.given),
        "beside": read_sidecars(task.recording),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _files(recording: Path) -> list[list[Any]]:
    """Name, size and time of a recording's files: while these stay, so does the content."""
    if not recording.is_dir():
        about = recording.stat()
        return [[recording.name, about.st_size, about.st_mtime_ns]]
    files = []
    for folder, folders, names in os.walk(recording):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            about = path.stat()
            files.append([path.relative_to(recording).as_posix(), about.st_size, about.st_mtime_ns])
    return files

"""One recording is one task, and a finished one is known again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from evsize.batch.run import Plan
from evsize.batch.task import Task, find, one_thread, run
from evsize.errors import RecordingError
from evsize.settings import Settings
from tests.batch.conftest import entry

Film = Callable[..., Path]


@pytest.fixture
def task(film: Film, plan: Plan) -> Task:
    return plan.task(entry(film()))


def test_what_is_done_is_kept(task: Task, pipeline: list[str]) -> None:
    assert find(task) is None
    first = run(task)
    assert (first.status, first.verdict, first.code) == ("done", "warn", 0)
    assert {path.name for path in task.folder.iterdir()} >= {"result.json", "task.json"}
    second = run(task)
    assert (second.status, second.verdict) == ("kept", "warn")
    assert pipeline == ["a"]
    assert run(task, resume=False).status == "done"
    assert pipeline == ["a", "a"]


def test_a_copy_is_the_same_recording(task: Task, pipeline: list[str]) -> None:
    run(task)
    os.utime(task.recording, ns=(1, 1))
    assert find(task) is not None
    content = bytearray(task.recording.read_bytes())
    content[-1] ^= 1
    task.recording.write_bytes(content)
    assert find(task) is None


@pytest.mark.parametrize(
    "change",
    [
        {"settings": Settings.model_validate({"sizing": {"seed": 1}})},
        {"settings": Settings.model_validate({"output": {"tables": ["csv"]}})},
        {"row": {"dilution": 10.0}},
        {"given": {"temperature_c": 20.0}},
        {"version": "0"},
    ],
    ids=["settings", "tables", "row", "option", "version"],
)
def test_another_request_is_done_anew(task: Task, pipeline: list[str], change: dict) -> None:
    run(task)
    assert find(replace(task, **change)) is None
    assert find(replace(task, command="another")) is not None


def test_what_stands_beside_a_recording_counts(task: Task, pipeline: list[str]) -> None:
    run(task)
    beside = task.recording.with_suffix(".toml")
    beside.write_text("[acquisition]\ndepth_um = 3\n")
    assert find(task) is None
    run(task)
    assert find(task) is not None
    (task.recording.parent / "manifest.csv").write_text("recording\na.tif\n")
    assert find(task) is not None  # a table that says nothing of how it was made


@pytest.mark.parametrize("name", ["task.json", "result.json"])
def test_a_broken_result_is_done_anew(task: Task, pipeline: list[str], name: str) -> None:
    run(task)
    (task.folder / name).write_text('{"request": ')
    assert find(task) is None
    assert run(task).status == "done"


def test_precedence(task: Task) -> None:
    from evsize.results import Acquisition

    settings = Settings.model_validate({"acquisition": {"temperature_c": 1, "exposure_ms": 1}})
    settings = settings.model_copy()
    layered = replace(
        task,
        settings=settings,
        row={"temperature_c": 2.0, "depth_um": 2.0, "exposure_ms": 2.0},
        given={"temperature_c": 3.0},
    )
    known = layered.acquisition(Acquisition(dilution=7))
    assert (known.temperature_c, known.depth_um, known.exposure_ms, known.dilution) == (3, 2, 2, 7)
    assert known.sources["depth_um"] == "manifest"


@pytest.mark.parametrize(
    ("error", "status", "code", "full"),
    [
        (RecordingError("it is broken"), "failed", 4, False),
        (OSError(errno.ENOSPC, "No space left on device"), "failed", 2, True),
        (MemoryError(), "lost", 4, False),
        (ZeroDivisionError("x"), "failed", 1, False),
    ],
)
def test_errors_are_told_not_raised(
    task: Task,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: str,
    code: int,
    full: bool,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("evsize.pipeline.run", broken)
    ending = run(task)
    assert (ending.status, ending.code, ending.disk_full) == (status, code, full)
    assert ending.error
    assert ("Traceback" in ending.trace) == (code == 1)
    assert not task.folder.exists()


def test_a_worker_of_another_version_says_so(task: Task) -> None:
    ending = run(replace(task, version="0.0.1"))
    assert "install the same version" in ending.error


def test_libraries_use_one_thread_and_get_theirs_back() -> None:
    before = cv2.getNumThreads()
    with one_thread():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == before

"""The contract of ``evsize batch``: files, exit codes, one line for every error."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from evsize.batch import local
from evsize.batch.local import Event
from evsize.batch.task import Ending, Task
from evsize.batch.task import run as run_task
from evsize.cli import batch_display as display
from evsize.cli.main import main
from tests.cli.conftest import GIVEN
from tests.contract.test_imports import HEAVY, loaded_by

Film = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, pipeline: list[str]) -> list[str]:
    """Do the tasks in this process; a recording called 'deadly' is lost, 'full' fills the disk."""

    def run(tasks: list[Task], jobs: int, resume: bool) -> list[Event]:
        special = {
            "deadly": Ending("deadly", "failed", error="its worker died, twice", code=4),
            "full": Ending("full", "failed", error="full", code=2, disk_full=True),
            "bug": Ending("bug", "failed", error="internal error", code=1, trace="Traceback"),
        }
        return [
            Event(task.name, "ended", special.get(task.name) or run_task(task, resume))
            for task in tasks
        ]

    monkeypatch.setattr(local, "run", run)
    return pipeline


def batch(*arguments: object) -> int:
    return main(["batch", *map(str, arguments), *GIVEN])


def one_line(capture: Capture) -> str:
    lines = [line for line in capture.readouterr().err.splitlines() if line.startswith("evsize: ")]
    assert len(lines) == 1, lines
    return lines[0]


def test_a_folder(film: Film, tmp_path: Path, capsys: Capture, here: list[str]) -> None:
    folder, out = film("a.tif").parent, tmp_path / "out"
    film("b.tif").write_bytes(b"")
    film("[bold]c.tif")
    assert batch(folder, "-o", out) == 5
    captured = capsys.readouterr()
    assert {path.name for path in out.iterdir()} == {
        "a",
        "[bold]c",
        "summary.csv",
        "samples.csv",
        "samples_distribution.csv",
        "comparison.csv",
        "evsize_mqc.json",
        "evsize_findings_mqc.json",
        "evsize_sizes_mqc.json",
        "journal.jsonl",
        "qc.json",
        "qc.csv",
    }
    assert "3/3 b: failed: " in captured.err
    assert "[bold]c: verdict warn" in captured.err
    assert "b: " in captured.out
    assert str(out) in captured.out
    table = pd.read_csv(out / "summary.csv").set_index("recording")
    assert "is empty" in table["error"]["b.tif"]
    before = {path: path.read_bytes() for path in out.glob("*.*") if path.suffix != ".jsonl"}
    assert batch(folder, "-o", out) == 5
    assert sorted(here) == ["[bold]c", "a"]
    assert {path: path.read_bytes() for path in before} == before
    assert batch(folder, "-o", out, "--no-resume", "--quiet") == 5
    assert sorted(here) == ["[bold]c", "[bold]c", "a", "a"]


def test_programs_read_json(film: Film, tmp_path: Path, capsys: Capture) -> None:
    folder = film("a.tif").parent
    film("deadly.tif")
    assert batch(folder, "-o", tmp_path / "out", "--json", "--quiet") == 5
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["name"], row["status"], row["verdict"]) for row in rows] == [
        ("a", "done", "warn"),
        ("deadly", "failed", None),
    ]


@pytest.mark.parametrize(("name", "code"), [("a", 0), ("deadly", 4), ("bug", 1), ("full", 2)])
def test_exit_codes_of_one(film: Film, tmp_path: Path, name: str, code: int) -> None:
    assert batch(film(f"{name}.tif").parent, "-o", tmp_path / "out") == code


def test_a_full_disk_is_one_line_and_writes_no_tables(
    film: Film, tmp_path: Path, capsys: Capture
) -> None:
    folder = film("a.tif").parent
    film("full.tif")
    assert batch(folder, "-o", tmp_path / "out") == 2
    assert "is full" in one_line(capsys)
    assert not (tmp_path / "out" / "summary.csv").exists()


def test_a_shard_writes_no_tables(film: Film, tmp_path: Path, capsys: Capture) -> None:
    folder, out = film("a.tif").parent, tmp_path / "out"
    film("b.tif")
    assert batch(folder, "-o", out, "--shard", "2/2") == 0
    assert {path.name for path in out.iterdir()} == {"b", "journal.2-of-2.jsonl"}
    assert "without --shard" in capsys.readouterr().out
    assert batch(folder, "-o", out) == 0
    assert (out / "samples.csv").is_file()


def test_a_template(film: Film, tmp_path: Path, capsys: Capture) -> None:
    folder = film("a.tif").parent
    assert main(["batch", "--init", str(folder)]) == 0
    assert "(recordings: 1); fill it in, then: evsize batch" in capsys.readouterr().err
    assert main(["batch", "--init", str(folder)]) == 2
    assert "--overwrite" in one_line(capsys)
    assert batch(folder / "manifest.csv", "-o", tmp_path / "out") == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no recordings, or no -o"),
        (["."], "no recordings, or no -o"),
        ([".", "-o", "out", "--shard", "0/3"], "--shard 0/3"),
        ([".", "-o", "out", "--shard", "4/3"], "--shard 4/3"),
        ([".", "-o", "out", "--shard", "x"], "--shard x"),
        ([".", "-o", "out", "--jobs", "2", "--scheduler", "x:1"], "--jobs and --scheduler"),
        (["none.csv", "-o", "out"], "cannot read none.csv"),
        ([".", "-o", "out"], "no recordings in"),
        ([".", "-o", "out", "--temperature", "900"], "--temperature 900"),
    ],
)
def test_wrong_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["batch", *arguments]) == 2
    assert words in one_line(capsys)
    assert not list(tmp_path.iterdir())


def test_a_wrong_table_starts_nothing(film: Film, tmp_path: Path, capsys: Capture) -> None:
    table = film("a.tif").with_name("list.csv")
    table.write_text('recording,dilution\na.tif,"1,5"\nb.tif,\n')
    assert batch(table, "-o", tmp_path / "out") == 2
    line = one_line(capsys)
    assert "row 2, column dilution: '1,5'" in line
    assert "row 3, column recording: there is no" in line
    assert not (tmp_path / "out").exists()


def test_what_lacks_is_named(film: Film, tmp_path: Path, capsys: Capture) -> None:
    folder = film("a.tif").parent
    assert main(["batch", str(folder), "-o", str(tmp_path / "out"), "--medium", "pbs"]) == 2
    line = one_line(capsys)
    assert "a.tif: not known: pixel_size_um, frame_rate_hz, temperature_c" in line


def test_help_loads_nothing_heavy() -> None:
    code = "from evsize.cli.main import main; assert main(['batch', '--help']) == 0"
    assert not loaded_by(code) & (HEAVY | {"numpy", "distributed"})


def test_a_terminal_shows_a_live_table(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    screen = Console(file=text, force_terminal=True, width=100, markup=False, _environ={})
    monkeypatch.setattr(display, "console", lambda stderr=False: screen)
    with display.watching(4, quiet=False) as tell:
        tell(Event("", "waiting: the scheduler has no workers yet"))
        tell(Event("a[/b]", "started"))
        tell(Event("a[/b]", "ended", Ending("a[/b]", "done", "pass", seconds=2.0)))
        tell(Event("b", "lost"))
        tell(Event("c", "ended", Ending("c", "failed", error="is empty", code=4)))
    shown = text.getvalue()
    assert "a[/b]" in shown
    assert "1 passed, 0 warned, 0 poor, 1 failed, 0 kept" in shown
    assert "/min" in shown
    assert "2/4" in shown

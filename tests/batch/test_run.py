"""A whole batch on this machine: real workers, damaged recordings, kills, resuming."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evsize.batch import local
from evsize.batch.journal import Journal, read_journal
from evsize.batch.local import Event
from evsize.batch.manifest import ManifestError
from evsize.batch.run import Plan, Shard, check, run
from evsize.batch.task import Ending
from evsize.errors import OutputError
from tests.batch.conftest import GIVEN, entry

Film = Callable[..., Path]


def events(plan: Plan) -> list[tuple[str, str]]:
    found = read_journal(plan.out / "journal.jsonl")
    return [(event["event"], event.get("recording", "")) for event in found]


def test_workers_that_die_and_recordings_that_are_damaged(film: Film, plan: Plan) -> None:
    """One run of real processes, since each start costs seconds."""
    rows = [entry(film(f"{name}.tif", seed)) for seed, name in enumerate("abc")]
    film("b.tif").write_bytes(b"II*\0")
    victims = []

    def kill(event: Event) -> None:
        if event.name == "a" and event.what == "started" and not victims:
            victims.extend(multiprocessing.active_children())
            victims[0].kill()

    plan.out.mkdir()
    endings = run(rows, plan, kill)
    assert {name: end.status for name, end in endings.items()} == {
        "a": "done",
        "b": "failed",
        "c": "done",
    }
    assert list(endings) == ["a", "b", "c"]
    assert "cannot read" in endings["b"].error
    assert events(plan) == [
        ("begin", ""),
        ("started", "a"),
        ("lost", "a"),
        ("started", "b"),
        ("failed", "b"),
        ("started", "c"),
        ("done", "c"),
        ("started", "a"),
        ("done", "a"),
        ("end", ""),
    ]
    assert not multiprocessing.active_children()
    assert not list(plan.out.glob(".*"))
    acquisition = json.loads((plan.out / "a" / "result.json").read_text())["acquisition"]
    assert acquisition["temperature_c"]["source"] == "command line"


class Workers:
    """Stand in for processes: what becomes of a task is decided by its name."""

    def __init__(self, resume: bool) -> None:
        self.task, self.dead = None, False
        self.here, self._there = multiprocessing.Pipe()

    def start(self, task: local.Task) -> None:
        self.task = task
        self._there.send("ready")

    def ending(self) -> Ending:
        task, self.task = self.task, None
        self.here.recv()
        if task.name.startswith("deadly"):
            self.dead = True
            return Ending(task.name, "lost", error=local.DIED, code=4)
        return Ending(task.name, "done", "pass", disk_full=task.name == "full")

    def end(self) -> None:
        self.here.close()
        self._there.close()


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_Worker", Workers)


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_what_kills_its_worker_twice_fails(
    film: Film, plan: Plan, workers: None, jobs: int
) -> None:
    names = ["a", "deadly1", "b", "deadly2", "c"]
    tasks = [plan.task(entry(film(f"{name}.tif"))) for name in names]
    found = list(local.run(tasks, jobs))
    endings = {event.name: event.ending for event in found if event.ending}
    assert {name for name, end in endings.items() if end.status == "done"} == {"a", "b", "c"}
    assert "twice" in endings["deadly1"].error
    assert endings["deadly1"].code == 4
    last_others = max(n for n, event in enumerate(found) if not event.name.startswith("deadly"))
    alone = found[last_others + 1 :]
    assert [event[:2] for event in alone if event.what != "lost"] == [
        ("deadly1", "started"),
        ("deadly1", "ended"),
        ("deadly2", "started"),
        ("deadly2", "ended"),
    ]


def test_a_full_disk_stops_everything(film: Film, plan: Plan, workers: None) -> None:
    rows = [entry(film(f"{name}.tif")) for name in ("a", "full", "b")]
    plan.out.mkdir()
    with pytest.raises(OutputError, match=r"disk of .* is full"):
        run(rows, plan)
    assert ("stopped", "") in events(plan)
    assert ("started", "b") not in events(plan)


def test_ctrl_c_ends_workers(film: Film, plan: Plan, workers: None) -> None:
    def interrupt(event: Event) -> None:
        if event.ending:
            raise KeyboardInterrupt

    plan.out.mkdir()
    with pytest.raises(KeyboardInterrupt):
        run([entry(film("a.tif")), entry(film("b.tif"))], plan, interrupt)
    assert events(plan)[-1] == ("stopped", "")


def test_shards_are_all_of_it_once(film: Film, plan: Plan, workers: None) -> None:
    rows = [entry(film(f"r{n}.tif")) for n in range(7)]
    plan.out.mkdir()
    parts = [run(rows, Plan(plan.out, given=GIVEN, shard=Shard(number, 3))) for number in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == [row.name for row in rows]
    assert [len(part) for part in parts] == [3, 2, 2]
    assert (plan.out / "journal.3-of-3.jsonl").is_file()


def test_a_journal_goes_on_after_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.add("done", recording="a\ud800", error="")
    path.write_bytes(path.read_bytes() + b'{"time": "2026')
    with Journal(path) as journal:
        journal.add("done", recording="b")
    assert [event["recording"] for event in read_journal(path)] == ["a\ud800", "b"]
    assert "error" not in read_journal(path)[0]


def test_what_lacks_is_told_before_the_work(film: Film, tmp_path: Path) -> None:
    whole, bare = film("whole.tif"), film("bare.tif")
    whole.with_suffix(".toml").write_text(
        "[acquisition]\nexposure_ms = 1\n"
        + "".join(
            f"{name} = {json.dumps(GIVEN[name])}\n"
            for name in ("pixel_size_um", "frame_rate_hz", "temperature_c", "medium")
        )
    )
    broken = film("broken.tif")
    broken.write_bytes(b"")
    rows = [entry(whole), entry(bare, row=3), entry(broken)]
    with pytest.raises(ManifestError) as caught:
        check(rows, Plan(tmp_path / "out"), "manifest.csv")
    (problem,) = caught.value.problems
    assert problem.startswith("row 3: not known: pixel_size_um")
    slow = entry(whole, acquisition={"exposure_ms": 50.0}, row=2)
    with pytest.raises(ManifestError, match="row 2: an exposure of 50 ms is longer"):
        check([slow], Plan(tmp_path / "out"), "manifest.csv")


def test_what_lacks_everywhere_is_said_once(film: Film, tmp_path: Path) -> None:
    rows = [entry(film(f"{n}.tif"), row=n + 2) for n in range(9)]
    with pytest.raises(ManifestError) as caught:
        check(rows, Plan(tmp_path / "out"), "manifest.csv")
    (problem,) = caught.value.problems
    assert problem.startswith("row 2, row 3, row 4 and 6 more: not known: pixel_size_um")


def test_what_is_not_ours_is_not_replaced(film: Film, plan: Plan) -> None:
    (plan.out / "a").mkdir(parents=True)
    (plan.out / "a" / "thesis.txt").write_text("")
    with pytest.raises(ManifestError, match="is not a result of evsize"):
        check([entry(film())], plan, "x")
    (plan.out.parent / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write to"):
        check([entry(film())], Plan(plan.out.parent / "file", given=GIVEN), "x")


@pytest.fixture(autouse=True)
def no_children() -> Iterator[None]:
    yield
    assert not multiprocessing.active_children()

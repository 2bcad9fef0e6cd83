"""A whole batch: what is to do, who does it, what is written down."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evsize.batch import cluster, local
from evsize.batch.entry import Entry
from evsize.batch.journal import Journal
from evsize.batch.local import Event
from evsize.batch.manifest import ManifestError, where
from evsize.batch.task import Ending, Task, find
from evsize.errors import MissingSettingsError, OutputError, RecordingError, UsageError
from evsize.recording import open_recording
from evsize.results import Acquisition
from evsize.settings import Settings
from evsize.storage import RESULT_FILE, check_output

MOST_PLACES = 3
"""Places that are named of those that share a problem."""
JOURNAL_FILE = "journal.jsonl"
Tell = Callable[[Event], None]


@dataclass(frozen=True)
class Shard:
    """The part of a batch that one of several machines does: every `of`-th, from `number`."""

    number: int = 1
    of: int = 1

    @property
    def journal(self) -> str:
        """Its own file: two machines cannot safely add to one."""
        return JOURNAL_FILE if self.of == 1 else f"journal.{self.number}-of-{self.of}.jsonl"


@dataclass(frozen=True)
class Plan:
    """How a batch is to be done.

    Attributes
    ----------
    out : Path
        Folder of all results.
    settings : Settings
        Of every recording.
    given : dict
        Acquisition values of the command line; they count before those of the manifest.
    jobs : int
        Processes on this machine.
    scheduler : str
        Address of a Dask scheduler, in place of processes.
    resume : bool
        Keep what is done already.
    shard : Shard
        The part to do.
    command : str
        What the user typed, for the record.
    """

    out: Path
    settings: Settings = field(default_factory=Settings)
    given: dict[str, Any] = field(default_factory=dict)
    jobs: int = 1
    scheduler: str = ""
    resume: bool = True
    shard: Shard = Shard()
    command: str = ""

    def task(self, entry: Entry) -> Task:
        """What is to be done with one recording."""
        folder = Path(os.path.abspath(self.out)) / entry.name  # noqa: PTH100  (links kept)
        return Task(
            name=entry.name,
            recording=entry.path,
            folder=folder,
            settings=self.settings,
            row=dict(entry.acquisition),
            given=self.given,
            command=self.command,
        )


def run(entries: Sequence[Entry], plan: Plan, tell: Tell = lambda _: None) -> dict[str, Ending]:
    """Analyse the recordings of a batch, those excepted that are done.

    Parameters
    ----------
    entries : sequence of Entry
        All recordings of the batch.
    plan : Plan
        How.
    tell : callable
        Called with every `Event`.

    Returns
    -------
    dict of str to Ending
        How each recording of the shard ended, by name, in the order of the entries.

    Raises
    ------
    OutputError
        If results cannot be written, or the disk fills up; finished results are kept.
    UsageError
        If the scheduler cannot be reached or goes away.
    """
    tasks = [plan.task(entry) for entry in entries[plan.shard.number - 1 :: plan.shard.of]]
    endings: dict[str, Ending] = {}
    with Journal(plan.out / plan.shard.journal) as journal:
        journal.add("begin", command=plan.command, recordings=len(tasks))
        try:
            for event in _events(tasks, plan):
                _write_down(journal, event)
                tell(event)
                if event.ending is not None:
                    endings[event.name] = event.ending
                    _stop_if_full(event.ending, plan.out)
        except BaseException as error:
            _last_words(journal, error)
            raise
        journal.add("end")
    return {task.name: endings[task.name] for task in tasks}


def _stop_if_full(ending: Ending, out: Path) -> None:
    if ending.disk_full:
        raise OutputError(
            f"the disk of {out} is full",
            "room for the results",
            "free some and run the same command again: finished results are kept",
        )


def _events(tasks: Sequence[Task], plan: Plan) -> Iterator[Event]:
    left = []
    for task in tasks:
        kept = find(task) if plan.resume else None
        if kept is None:
            left.append(task)
        else:
            yield Event(task.name, "ended", kept)
    if not left:
        return
    if plan.scheduler:
        yield from cluster.run(left, plan.scheduler, plan.resume)
    else:
        yield from local.run(left, plan.jobs, plan.resume)


def _write_down(journal: Journal, event: Event) -> None:
    ending = event.ending
    if ending is None:
        journal.add(event.what, recording=event.name)
    else:
        journal.add(
            ending.status,
            recording=event.name,
            verdict=ending.verdict,
            error=ending.error,
            seconds=ending.seconds or None,
            trace=ending.trace,
        )


def _last_words(journal: Journal, error: BaseException) -> None:
    try:
        journal.add("stopped", reason=str(error) or type(error).__name__)
    except (OSError, OutputError):
        return  # what is wrong with the disk is told on the screen


def check(entries: Sequence[Entry], plan: Plan, origin: object) -> None:
    """Find all that would stop recordings from being sized, before any work.

    A recording that cannot be opened is no reason to stop: the others are done.

    Raises
    ------
    ManifestError
        Naming each recording that lacks a value, and what lacks.
    OutputError
        If results cannot be written.
    """
    check_output(plan.out / "result", overwrite=True)
    problems: dict[str, list[str]] = {}
    for entry in entries:
        try:
            _check_conditions(plan.task(entry))
            folder = plan.out / entry.name
            if folder.exists() and not (folder / RESULT_FILE).is_file():
                check_output(folder, overwrite=True)
        except MissingSettingsError as error:
            text = f"{error.found}: a column, or an option (see --help)"
            problems.setdefault(text, []).append(where(entry))
        except UsageError as error:
            problems.setdefault(str(error), []).append(where(entry))
    if problems:
        raise ManifestError(
            origin, [f"{_some(places)}: {text}" for text, places in problems.items()]
        )


def _some(places: Sequence[str]) -> str:
    """Name the first of many places."""
    more = len(places) - MOST_PLACES
    return ", ".join(places[:MOST_PLACES]) + (f" and {more} more" if more > 0 else "")


def _check_conditions(task: Task) -> None:
    known = task.acquisition(Acquisition())
    if known.missing():  # the recording itself may say it
        try:
            with open_recording(task.recording) as recording:
                known = task.acquisition(recording.acquisition)
        except RecordingError:
            return
    known.conditions()

"""How far a batch is, and what became of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed
from rich.table import Table
from rich.text import Text

from evsize.cli.qc_display import show_groups
from evsize.cli.terminal import COLOURS, console, say

if TYPE_CHECKING:
    from evsize.batch.local import Event
    from evsize.batch.quality import Quality
    from evsize.batch.run import Plan
    from evsize.batch.task import Ending

LAST = 8
"""Recordings of the live table."""
MOST_FAILED = 20
"""Failed recordings that the final table names."""
MEANING = {
    "passed": ("done, quality passed", "green"),
    "warned": ("done, read the remarks", "yellow"),
    "poor": ("done, do not rely on them", "red"),
    "failed": ("failed: no result", "red"),
    "kept": ("of the done: finished before, kept", ""),
}
WORDS = {"pass": "passed", "warn": "warned", "fail": "poor"}
Tell = Callable[["Event"], None]


class Tally:
    """Counts of what ended, the rate, and the time left."""

    def __init__(self, total: int) -> None:
        self.total, self.counts = total, Counter[str]()
        self.ended = self.worked = 0
        self.begin = time.monotonic()

    def add(self, ending: Ending) -> None:
        """Count an ending."""
        self.ended += 1
        self.counts[WORDS.get(ending.verdict, "failed")] += 1
        if ending.status == "kept":
            self.counts["kept"] += 1
        else:
            self.worked += 1

    def pace(self) -> str:
        """Rate and time left, from those that were worked on."""
        seconds = time.monotonic() - self.begin
        if not self.worked or seconds <= 0:
            return ""
        left = (self.total - self.ended) * seconds / self.worked
        return f"{60 * self.worked / seconds:.3g}/min, {_clock(left)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def watching(total: int, quiet: bool) -> Iterator[Tell]:
    """Show a batch at work: a live table on a terminal, a line a recording in a log."""
    screen, tally = console(stderr=True), Tally(total)
    if quiet:
        yield lambda _: None
    elif screen.is_terminal and not screen.is_dumb_terminal:
        with _live(tally, screen) as tell:
            yield tell
    else:
        yield lambda event: _line(event, tally)


def _line(event: Event, tally: Tally) -> None:
    ending = event.ending
    if ending is None:
        if event.what != "started":
            say(f"{event.name}: {_said(event)}" if event.name else event.what)
        return
    tally.add(ending)
    pace = tally.pace()
    took = f" in {ending.seconds:.1f} s" if ending.status == "done" else ""
    say(
        f"{tally.ended}/{tally.total} {ending.name}: {_outcome(ending)}{took}"
        + (f" ({pace})" if pace else "")
    )


def _said(event: Event) -> str:
    return "worker died; tried again alone at the end" if event.what == "lost" else event.what


def _outcome(ending: Ending) -> str:
    if ending.status == "failed":
        return f"failed: {ending.error}"
    return f"verdict {ending.verdict}" + (", kept" if ending.status == "kept" else "")


@contextmanager
def _live(tally: Tally, screen: Console) -> Iterator[Tell]:
    text = TextColumn("{task.description}", markup=False)
    bar = Progress(text, BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), Elapsed())
    job = bar.add_task("recordings", total=tally.total)
    rows: dict[str, Text] = {}

    def table() -> Group:
        grid = Table.grid(padding=(0, 2))
        for name, said in list(rows.items())[-LAST:]:
            grid.add_row(Text(name), said)
        counts = ", ".join(f"{tally.counts[word]} {word}" for word in MEANING)
        return Group(bar, Text(f"{counts}   {tally.pace()}"), grid)

    with Live(table(), console=screen, transient=True, refresh_per_second=4) as live:

        def tell(event: Event) -> None:
            rows.pop(event.name, None)
            if event.ending is None:
                rows[event.name] = Text("at work" if event.what == "started" else _said(event))
            else:
                tally.add(event.ending)
                style = COLOURS.get(event.ending.verdict, "red")
                rows[event.name] = Text(_outcome(event.ending), style=style)
                while len(rows) > 4 * LAST:
                    del rows[next(iter(rows))]
            bar.update(job, completed=tally.ended)
            live.update(table())

        yield tell


def show(endings: Mapping[str, Ending], plan: Plan, quality: Quality | None = None) -> None:
    """Print what became of the recordings, why some failed, and where to look."""
    tally = Tally(len(endings))
    for ending in endings.values():
        tally.add(ending)
    screen = console()
    table = Table("recordings", "")
    table.columns[0].justify = "right"
    for word, (meaning, style) in MEANING.items():
        table.add_row(str(tally.counts[word]), Text(meaning, style=style))
    screen.print(table)
    failed = [ending for ending in endings.values() if ending.status == "failed"]
    for ending in failed[:MOST_FAILED]:
        screen.print(Text(f"{ending.name}: {ending.error}", style="red"), soft_wrap=True)
    if len(failed) > MOST_FAILED:
        screen.print(f"and {len(failed) - MOST_FAILED} more, named in summary.csv")
    if quality is not None:
        show_groups(quality, screen)
    if plan.shard.of == 1:
        where = "summary.csv, samples.csv, comparison.csv, qc.csv, a report.html a recording"
    else:
        where = "a report.html a recording; the same command without --shard writes the tables"
    screen.print(f"Files: {plan.out} ({where}; {plan.shard.journal})", soft_wrap=True)

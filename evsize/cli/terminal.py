"""What the terminal shows: progress while it runs, and the result as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from evsize.report import Outcome
    from evsize.results import Finding, Progress, Report

COLOURS = {"pass": "green", "warn": "yellow", "fail": "red", "no_data": "yellow", "waived": "cyan"}
AGAINST = ("fail", "no_data", "warn", "waived")
LOG_WIDTH = 100


def console(stderr: bool = False) -> Console:
    """Make a console that prints text as it is: no markup, no guessed colours."""
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = LOG_WIDTH
    return made


def say(text: str) -> None:
    """Print one line on stderr."""
    console(stderr=True).print(" ".join(text.split()), soft_wrap=True)


@contextmanager
def watching(name: str, quiet: bool) -> Iterator[Progress | None]:
    """Show how far the work on a recording is: a bar on a terminal, a line a stage in a log."""
    screen = console(stderr=True)
    if quiet:
        yield None
    elif screen.is_terminal and not screen.is_dumb_terminal:
        with _bar(name, screen) as update:
            yield update
    else:
        yield _lines(name)


@contextmanager
def _bar(name: str, screen: Console) -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Remaining(),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(f"{name}: opening", total=None)

        def update(stage: str, done: int, total: int) -> None:
            bar.update(task, description=f"{name}: {stage}", completed=done, total=total or None)

        yield update


def _lines(name: str) -> Progress:
    seen: set[str] = set()

    def update(stage: str, *_: int) -> None:
        if stage not in seen:
            seen.add(stage)
            say(f"{name}: {stage}")

    return update


def show_result(report: Report, folder: Path) -> None:
    """Print one result as a biologist reads it."""
    from evsize.report import words

    screen = console()
    screen.print(Text(report.recording.path, style="bold"))
    show_verdict(report, screen)
    screen.print(_figures(report))
    tracks = report.tracks
    rejected = ", ".join(f"{n} {words.plain(why)}" for why, n in tracks.rejected.items() if n)
    lines = [
        f"Tracks: {tracks.n_used} of {tracks.n} used"
        + (f"; not used: {rejected}" if rejected else ""),
        f"Weighting: {report.distribution.weighting}",
    ]
    lines += [f"Position {n}: {words.position(one)}" for n, one in enumerate(report.positions, 1)]
    if tracks.n_used and report.distribution.systematic_percent is not None:
        systematic = words.figure(report.distribution.systematic_percent, 2)
        lines.append(f"Systematic uncertainty on top of the intervals: {systematic} %")
    concentration = words.estimate(report.concentration_per_ml, "per mL")
    reason = f" ({report.concentration_note})" if report.concentration_note else ""
    lines.append(f"Concentration: {concentration}{reason}")
    if report.detection_limit_nm is not None:
        limit = words.estimate(report.detection_limit_nm, "nm")
        lines.append(f"Smallest diameter seen reliably: {limit}")
    lines += [f"Note: {note}" for note in report.recording.notes]
    for line in lines:
        screen.print(line)
    screen.print(f"Files: {folder} (open report.html in a browser)", soft_wrap=True)


def show_verdict(report: Report, screen: Console) -> None:
    """Print the verdict with its reasons and what to do about them."""
    from evsize.report import words

    verdict = report.qc.verdict
    line = Text("Verdict: ")
    line.append(verdict.upper(), style=f"bold {COLOURS[verdict]}")
    screen.print(line.append(f" - {words.VERDICT_MEANING[verdict]}"))
    remarks(report.qc.findings, screen)


def remarks(findings: Sequence[Finding], screen: Console) -> None:
    """Print what speaks against a result, the worst first, and what to do about it."""
    against = [finding for finding in findings if finding.status in AGAINST]
    for finding in sorted(against, key=lambda remark: AGAINST.index(remark.status)):
        text = Text(_remark(finding), style=COLOURS[finding.status])
        screen.print(Padding(text, (0, 0, 0, 2), expand=False))
        if finding.advice:
            screen.print(Padding(Text(f"-> {finding.advice}"), (0, 0, 0, 4), expand=False))


def _remark(finding: Finding) -> str:
    from evsize.report import words

    text = f"{words.plain(finding.rule)} ({words.plain(finding.status)})"
    text += f": {finding.message}" if finding.message else ""
    if finding.measured is not None:
        text += f" [measured {words.measured(finding.measured, finding.unit)}"
        source = f"; {finding.source}" if finding.source else ""
        text += f", limit {finding.limit}{source}]" if finding.limit else "]"
    return text


def _figures(report: Report) -> Table:
    from evsize.report import words

    table = Table("", "value", "95 % interval", "remark")
    table.columns[0].no_wrap = True
    for key, name in words.SUMMARY_NAMES.items():
        value = getattr(report.distribution, key)
        unit = " nm" if key.endswith("_nm") and value.value is not None else ""
        table.add_row(name, words.figure(value.value) + unit, words.limits(value))
    table.add_section()
    shares = [
        (f"{item.name}, {words.size_range(item)}", item.fraction, item.note)
        for item in report.classes
    ]
    for name, value, note in shares:
        table.add_row(name, words.percent(value.value), words.share_limits(value), note)
    table.add_section()
    split = (
        ("small EV, < 200 nm", report.misev.small_fraction),
        ("large EV, >= 200 nm", report.misev.large_fraction),
    )
    for name, value in split:
        table.add_row(name, words.percent(value.value), words.share_limits(value), "MISEV2023")
    return table


def show_overview(outcomes: Sequence[Outcome], out: Path) -> None:
    """Print several results, a line each, then what speaks against the worse ones."""
    from evsize.report import words

    screen = console()
    table = Table("recording", "verdict", "D10 nm", "D50 nm", "D90 nm", "mode nm", "tracks used")
    for outcome in outcomes:
        report, name = outcome.report, Text(Path(outcome.recording).name)
        if report is None:
            table.add_row(name, Text("error", style="red"))
            continue
        figures = report.distribution
        found = (figures.d10_nm, figures.d50_nm, figures.d90_nm, figures.mode_nm)
        sizes = ["-" if size.value is None else words.figure(size.value) for size in found]
        verdict = Text(report.qc.verdict, style=COLOURS[report.qc.verdict])
        table.add_row(name, verdict, *sizes, str(report.tracks.n_used))
    screen.print(table)
    for outcome in outcomes:
        if outcome.report is None:
            screen.print(Text(f"{outcome.recording}: {outcome.error}", style="red"))
        elif outcome.report.qc.verdict != "pass":
            screen.print(Text(outcome.recording, style="bold"))
            show_verdict(outcome.report, screen)
    screen.print(f"Files: {out} (summary.csv, and a report.html a recording)", soft_wrap=True)

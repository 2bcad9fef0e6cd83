"""What ``evsize qc`` shows on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evsize.cli.terminal import AGAINST, COLOURS, console, remarks
from evsize.report import words

if TYPE_CHECKING:
    from evsize.batch.quality import Quality
    from evsize.results import Finding

MOST_SHOWN = 20
"""Recordings, and samples, of which every remark is shown."""


def show_quality(quality: Quality, out: Path) -> None:
    """Print the verdicts, then what speaks against each, then where the files are."""
    screen = console()
    table = Table("recording", "sample", "role", "verdict", "findings against it")
    for one in quality.recordings:
        verdict = one.verdict or "error"
        against = ", ".join(
            f"{words.plain(finding.rule)} ({words.plain(finding.status)})"
            for finding in one.findings
            if finding.status in AGAINST
        )
        style = COLOURS.get(verdict, "red")
        row = (one.name, one.sample, one.role, Text(verdict, style=style), against or one.error)
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    screen.print(table)
    for recording in quality.recordings[:MOST_SHOWN]:
        if any(finding.status in AGAINST for finding in recording.findings):
            _show(recording.name, recording.findings, screen)
    show_groups(quality, screen)
    line = Text(f"All together, profile {quality.profile}: ")
    line.append(quality.verdict.upper(), style=f"bold {COLOURS[quality.verdict]}")
    screen.print(line)
    screen.print(f"Files: {out} (qc.json, qc.csv, junit.xml, evsize_*mqc.json)", soft_wrap=True)


def show_groups(quality: Quality, screen: Console) -> None:
    """Print what samples and the whole batch show: every figure, and what to do."""
    for sample in quality.samples[:MOST_SHOWN]:
        name = " ".join(part for part in (sample.name, sample.condition) if part)
        _show(f"Sample {name}", sample.findings, screen, sample.verdict)
    if len(quality.samples) > MOST_SHOWN:
        screen.print(f"and {len(quality.samples) - MOST_SHOWN} more samples, in qc.csv")
    if any(finding.status != "not_applicable" for finding in quality.batch.findings):
        _show("The batch", quality.batch.findings, screen, quality.batch.verdict)


def _show(
    title: str, findings: Sequence[Finding], screen: Console, verdict: str | None = None
) -> None:
    line = Text(title, style="bold")
    if verdict is not None:
        line.append(f": {verdict.upper()}", style=COLOURS[verdict])
    screen.print(line)
    if verdict is not None:
        for finding in findings:
            if finding.status == "pass":
                text = Text(f"{words.plain(finding.rule)}: {finding.message}")
                screen.print(Padding(text, (0, 0, 0, 2), expand=False))
    remarks(findings, screen)

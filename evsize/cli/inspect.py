"""``evsize inspect``: what a recording says of itself, and what is still missing."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evsize.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from evsize.cli.shown_frames import Sample
    from evsize.recording import Recording
    from evsize.results import Acquisition, Finding, RecordingInfo


@dataclass(frozen=True)
class Inspection:
    """What was found out about a recording."""

    path: Path
    about: RecordingInfo
    acquisition: Acquisition
    findings: list[Finding]
    sample: Sample

    @property
    def command(self) -> str:
        """The command that analyses it; words in capitals are to be replaced."""
        path = str(self.path) if not str(self.path).startswith("-") else f"./{self.path}"
        parts = ["evsize", "analyze", path, "-o", "results"]
        return shlex.join([*parts, *options.placeholders(self.acquisition)])


def inspect(
    recording: Annotated[
        Path,
        typer.Argument(metavar="RECORDING", help="A file, or a folder of images."),
    ],
    thumbnails: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Write some frames side by side, as a picture."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read every frame and look for damaged and equal ones.")
    ] = False,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    _debug: options.Debug = False,
) -> None:
    """Show what a recording says of itself, what is missing, and the command to type.

    Nothing is analysed, and nothing is written but the thumbnails asked for.
    """
    from evsize.cli.shown_frames import write_strip
    from evsize.recording import open_recording

    with open_recording(recording) as opened:
        found = look_at(opened, recording, check)
    if thumbnails is not None:
        write_strip(found.sample, thumbnails, overwrite)
    if json:
        _print_json(found)
    else:
        _show(found, thumbnails)


def look_at(opened: Recording, path: Path, check: bool) -> Inspection:
    """Read some frames of a recording, or all, and judge what the file shows."""
    from evsize.cli.shown_frames import equal_frames, take_sample
    from evsize.qc import judge_file

    sample = take_sample(opened)
    same = equal_frames(opened) if check else None
    about = opened.about()  # after reading: it says what could not be decoded
    findings = judge_file(about, opened.acquisition.conflicts, same)
    return Inspection(path, about, opened.acquisition, findings, sample)


def _print_json(found: Inspection) -> None:
    import json

    known = found.acquisition.known()
    content: dict[str, Any] = {
        "recording": found.about.model_dump(),
        "grey_levels": found.sample.figures(),
        "acquisition": {name: value.model_dump() for name, value in known.items()},
        "conflicts": list(found.acquisition.conflicts),
        "missing": found.acquisition.missing(),
        "findings": [finding.model_dump() for finding in found.findings],
        "command": found.command,
    }
    typer.echo(json.dumps(content, indent=2))


def _show(found: Inspection, thumbnails: Path | None) -> None:
    from rich.text import Text

    from evsize.cli.terminal import console
    from evsize.report import words

    screen, about = console(), found.about
    screen.print(Text(about.path, style="bold"), soft_wrap=True)
    duration = "" if about.duration_s is None else f", {words.figure(about.duration_s)} s"
    screen.print(
        f"{about.format}: {about.frames} frames of {about.width_px} x {about.height_px} px, "
        f"{about.bit_depth} bit{duration}"
    )
    screen.print(found.sample.sentence())
    for remark in about.remarks:
        screen.print(remark)
    _show_findings(found, screen)
    _show_settings(found, screen)
    if thumbnails is not None:
        screen.print(f"Frames {found.sample.spelled()} are shown in {thumbnails}", soft_wrap=True)
    if found.acquisition.missing():
        screen.print("Replace the words in capitals by your values:")
    else:
        screen.print("Nothing is missing:")
    screen.print(found.command, soft_wrap=True)


def _show_findings(found: Inspection, screen: Console) -> None:
    from rich.text import Text

    from evsize.cli.terminal import COLOURS
    from evsize.report import words

    for note in found.about.notes:
        screen.print(Text(f"odd: {note}", style=COLOURS["warn"]))
    for finding in found.findings:
        if finding.status in ("warn", "fail"):
            text = f"{words.plain(finding.rule)}: {finding.message} {finding.advice}".strip()
            screen.print(Text(text, style=COLOURS[finding.status]))


def _show_settings(found: Inspection, screen: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from evsize.report import words

    table = Table("setting", "value", "from")
    known, missing = found.acquisition.known(), found.acquisition.missing()
    for name in options.FLAGS:
        if name in known:
            table.add_row(name, Text(words.setting(known[name])), Text(known[name].source))
        elif name in missing:
            table.add_row(name, Text("missing", style="red"), f"give {options.flags_for([name])}")
        elif not {name, *known} >= {"medium", "viscosity_mpas"}:  # one says the other
            table.add_row(name, "not known", f"optional: {options.FLAGS[name]}")
    screen.print(table)

"""``evsize inspect``: what a recording says of itself, and what is still missing."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evsize.cli import options

if TYPE_CHECKING:
    from evsize.results import Acquisition, RecordingInfo


def inspect(
    recording: Annotated[
        Path,
        typer.Argument(metavar="RECORDING", help="A file, or a folder of images."),
    ],
    json: options.Json = False,
    _debug: options.Debug = False,
) -> None:
    """Show what a recording says of itself, what is missing, and the command to type.

    Nothing is analysed and nothing is written.
    """
    from evsize.recording import open_recording

    with open_recording(recording) as opened:
        about, acquisition = opened.info(), opened.acquisition
    if json:
        _print_json(about, acquisition, recording)
    else:
        _show(about, acquisition, recording)


def suggested_command(recording: Path, acquisition: Acquisition) -> str:
    """Return the command that analyses a recording; words in capitals are to be replaced."""
    path = str(recording) if not str(recording).startswith("-") else f"./{recording}"
    parts = ["evsize", "analyze", path, "-o", "results", *options.placeholders(acquisition)]
    return shlex.join(parts)


def _print_json(about: RecordingInfo, acquisition: Acquisition, recording: Path) -> None:
    import json

    content: dict[str, Any] = {
        "recording": about.model_dump(),
        "acquisition": {name: value.model_dump() for name, value in acquisition.known().items()},
        "missing": acquisition.missing(),
        "command": suggested_command(recording, acquisition),
    }
    typer.echo(json.dumps(content, indent=2))


def _show(about: RecordingInfo, acquisition: Acquisition, recording: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    from evsize.cli.terminal import console
    from evsize.report import words

    screen = console()
    screen.print(Text(about.path, style="bold"), soft_wrap=True)
    duration = "" if about.duration_s is None else f", {words.figure(about.duration_s)} s"
    screen.print(
        f"{about.format}: {about.frames} frames of {about.width_px} x {about.height_px} px, "
        f"{about.bit_depth} bit{duration}"
    )
    for note in about.notes:
        screen.print(f"Note: {note}")
    table = Table("setting", "value", "from")
    known, missing = acquisition.known(), acquisition.missing()
    for name in options.FLAGS:
        if name in known:
            table.add_row(name, Text(words.setting(known[name])), Text(known[name].source))
        elif name in missing:
            table.add_row(name, Text("missing", style="red"), f"give {options.flags_for([name])}")
        elif not {name, *known} >= {"medium", "viscosity_mpas"}:  # one says the other
            table.add_row(name, "not known", f"optional: {options.FLAGS[name]}")
    screen.print(table)
    if missing:
        screen.print("Replace the words in capitals by your values:")
    else:
        screen.print("Nothing is missing:")
    screen.print(suggested_command(recording, acquisition), soft_wrap=True)

"""``evsize compare``: a result beside what the instrument's own software gave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evsize.cli import options

if TYPE_CHECKING:
    from evsize.report.comparison import Row
    from evsize.results import Report
    from evsize.vendors import VendorResult, Video


def compare(
    result: Annotated[
        Path, typer.Argument(metavar="RESULT", help="A result folder written by evsize.")
    ],
    vendor_file: Annotated[
        Path,
        typer.Argument(
            metavar="VENDORFILE",
            help="NanoSight ExperimentSummary, ParticleData or AllTracks, ZetaView TXT, or a "
            "ViewSizer table.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE.svg", help="The drawing; RESULT/comparison.svg if not."
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    _debug: options.Debug = False,
) -> None:
    """Print and draw a result beside the vendor's.

    The vendor's video of the same name is taken, or the mean of all where none
    has the recording's name.
    """
    from evsize import vendors
    from evsize.report.comparison import compare as side_by_side
    from evsize.report.comparison import draw_comparison, matching_videos
    from evsize.storage import read_result

    ours, theirs = read_result(result), vendors.read(vendor_file)
    videos = matching_videos(ours.summary, theirs)
    rows = side_by_side(ours, videos)
    drawing = output or result / "comparison.svg"
    _write(draw_comparison(ours, videos, theirs.kind), drawing, overwrite or output is None)
    if json:
        _print_json(ours.summary, theirs, videos, rows, drawing)
    else:
        _show(ours.summary, theirs, videos, rows, drawing)


def _write(text: str, path: Path, overwrite: bool) -> None:
    from evsize.errors import OutputError

    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", "another name", "or --overwrite")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}", "a folder to write in", "give another -o"
        ) from error


def _print_json(
    report: Report, theirs: VendorResult, videos: Sequence[Video], rows: Sequence[Row], path: Path
) -> None:
    import json

    content: dict[str, Any] = {
        "recording": report.recording.path,
        "vendor": {
            "path": theirs.path,
            "kind": theirs.kind,
            "videos": [video.name for video in videos],
            "notes": list(theirs.notes),
        },
        "figures": [
            {
                "name": row.name,
                "unit": row.unit,
                "evsize": row.ours.model_dump(),
                "vendor": row.theirs,
                "difference_percent": row.difference_percent,
            }
            for row in rows
        ],
        "drawing": str(path),
    }
    typer.echo(json.dumps(content, indent=2))


def _show(
    report: Report, theirs: VendorResult, videos: Sequence[Video], rows: Sequence[Row], path: Path
) -> None:
    from rich.table import Table
    from rich.text import Text

    from evsize.cli.terminal import console, show_verdict
    from evsize.report import words
    from evsize.report.comparison import settings_rows

    screen = console()
    screen.print(Text(report.recording.path, style="bold"), soft_wrap=True)
    show_verdict(report, screen)
    whose = videos[0].name if len(videos) == 1 else f"mean of {len(videos)} videos"
    screen.print(f"beside {theirs.kind}, {theirs.path}: {whose}", soft_wrap=True)
    table = Table("", "evsize", "95 % interval", "vendor", "range of videos", "difference")
    for row in rows:
        apart = row.difference_percent
        table.add_row(
            row.name,
            _with_unit(words.figure(row.ours.value), row.ours.value, row.unit),
            words.limits(row.ours),
            _with_unit(words.figure(row.theirs), row.theirs, row.unit),
            row.spread,
            "" if apart is None else f"{apart:+.1f} %",
        )
    screen.print(table)
    settings = Table("setting", "evsize", "vendor")
    for names in settings_rows(report, videos):
        settings.add_row(*(Text(name) for name in names))
    if settings.row_count:
        screen.print(settings)
    for note in theirs.notes:
        screen.print(f"Note: {note}")
    screen.print(f"Drawing: {path}", soft_wrap=True)


def _with_unit(text: str, value: float | None, unit: str) -> str:
    return text if value is None else f"{text} {unit}"

"""``evsize report``: saved results in, one page out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evsize.cli import options


def report(
    results: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT",
            help="Result folders written by evsize, or folders of them; SAMPLE=FOLDER names the "
            "sample, and those of one sample are replicates.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.html|FILE.pdf",
            help="The page; as PDF with an installed Chromium, Chrome or Edge.",
        ),
    ],
    title: Annotated[str, typer.Option(metavar="TEXT", help="Heading of a study.")] = "Study",
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    _debug: options.Debug = False,
) -> None:
    """Write one page: of one result, or of several side by side.

    The page needs no other file and no network.
    """
    named = [
        (sample, folder)
        for sample, path in map(split_name, results)
        for folder in result_folders(path)
    ]
    _check(output, overwrite)
    if output.suffix.lower() == ".pdf":
        _print(named, output, title)
        hint = ""
    else:
        _write(named, output, title)
        hint = " (open it in a browser)"
    if not quiet:
        typer.echo(f"Page: {output}{hint}")


def _write(named: list[tuple[str, Path]], output: Path, title: str) -> None:
    from evsize.report import write_page, write_study

    if len(named) == 1:
        write_page(named[0][1], output)
    else:
        write_study(named, output, title)


def _print(named: list[tuple[str, Path]], output: Path, title: str) -> None:
    import tempfile

    from evsize.errors import UsageError

    try:
        from evsize.report.pdf import write_pdf
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "playwright":
            raise
        raise UsageError(
            "a PDF needs the package playwright, which is not installed",
            advice='install it with: pip install "evsize[pdf]"; or give -o FILE.html',
        ) from error
    with tempfile.TemporaryDirectory(prefix="evsize-") as folder:
        page = Path(folder) / "page.html"
        _write(named, page, title)
        write_pdf(page, output)


def split_name(text: str) -> tuple[str, Path]:
    """Take ``SAMPLE=FOLDER`` apart; a folder whose own name has ``=`` stays whole."""
    name, equals, folder = text.partition("=")
    if not equals or Path(text).exists():
        return "", Path(text)
    return name, Path(folder)


def result_folders(path: Path) -> list[Path]:
    """Result folders within a folder that is none itself; else the folder as it is."""
    from evsize.storage import RESULT_FILE

    if (path / RESULT_FILE).is_file():
        return [path]
    inside = sorted(found.parent for found in path.glob(f"*/{RESULT_FILE}"))
    return [folder for folder in inside if not folder.name.startswith(".")] or [path]


def _check(path: Path, overwrite: bool) -> None:
    from evsize.errors import OutputError

    if path.is_dir():
        raise OutputError(f"{path} is a folder", "a file name", "give -o FILE.html")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", "another name", "or --overwrite")
    if not path.resolve().parent.is_dir():
        raise OutputError(
            f"no folder {path.parent}", "a folder to write in", "make it, or give another -o"
        )

"""``evsize view``: a local page to look at a recording and choose settings by eye."""

from __future__ import annotations

from typing import Annotated

import typer

from evsize.cli import options
from evsize.errors import UsageError

EXTRA = ("starlette", "uvicorn", "tomli_w")
"""Packages of the extra."""


def view(
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="RECORDING|RESULT",
            help="A recording, or a result folder written by evsize; it can also be chosen on "
            "the page.",
            show_default=False,
        ),
    ] = None,
    config: options.Config = None,
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="Port of the page; 0 takes a free one."),
    ] = 0,
    browser: Annotated[
        bool, typer.Option(help="Open the page in the browser; else only print its address.")
    ] = True,
    debug: options.Debug = False,
) -> None:
    """Look at a recording, choose the detection threshold by eye, and run.

    The page is shown by your browser and served by this computer to itself;
    nothing is uploaded. Ctrl-C ends it.
    """
    from evsize.settings import parse_settings, read_toml

    try:
        from evsize.view import Session, serve
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA:
            raise
        raise UsageError(
            f"the page needs the package {package}, which is not installed",
            advice='install it with: pip install "evsize[gui]"',
        ) from error
    settings = parse_settings(read_toml(config), str(config)) if config else None
    session = Session(settings)
    if path is not None:
        session.open(path)
    serve(session, port, browser, debug, _tell)


def _tell(address: str) -> None:
    typer.echo(f"Page: {address}\n(for this computer only; Ctrl-C ends it)")

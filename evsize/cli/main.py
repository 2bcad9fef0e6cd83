"""The program: commands, errors as one line, exit codes."""

from __future__ import annotations

import io
import os
import shlex
import sys
import traceback
import warnings
from typing import Annotated

import typer

from evsize import __version__
from evsize.cli.analyze import analyze
from evsize.cli.batch import batch
from evsize.cli.calibrate import calibrate
from evsize.cli.compare import compare
from evsize.cli.inspect import inspect
from evsize.cli.qc import qc
from evsize.cli.report import report
from evsize.cli.samples import samples
from evsize.cli.simulate import simulate
from evsize.cli.size import size
from evsize.cli.view import view
from evsize.errors import describe

INTERRUPTED = 130

app = typer.Typer(
    name="evsize",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(analyze)
app.command()(batch)
app.command()(calibrate)
app.command()(compare)
app.command()(inspect)
app.command()(qc)
app.command()(report)
app.command()(samples)
app.command()(simulate)
app.command()(size)
app.command()(view)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"evsize {__version__}")
        raise typer.Exit


@app.callback()
def evsize(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Size extracellular vesicles from nanoparticle tracking recordings.

    Start with: evsize inspect RECORDING
    """


def main(arguments: list[str] | None = None) -> int:
    """Run evsize; return its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        The command line without the program; that of this process if left out.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    for stream in (sys.stdout, sys.stderr):  # a name that is not text must not stop us
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if not debug and not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        command = typer.main.get_command(app)
        code = command(
            arguments,
            prog_name="evsize",
            standalone_mode=False,
            obj=shlex.join(["evsize", *arguments]),
        )
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away: not our error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        usage = getattr(error, "format_message", None)
        if usage is not None:  # typer's own errors
            return _fail(f"{usage()} See: evsize --help", 2) if usage() else 2
        if debug:
            traceback.print_exc()
        return _fail(*describe(error))
    if code == INTERRUPTED:  # said by an exception or, by newer typer, as an exit code
        return _fail("interrupted; finished results are kept", INTERRUPTED)
    return int(code or 0)


def _fail(text: str, code: int) -> int:
    typer.echo(f"evsize: {' '.join(text.split())}", err=True)
    return code

"""``evsize samples``: the sample recordings, for a first try without one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evsize.cli import options


def samples(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder to write into.", show_default=False),
    ],
    only: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One of them: beads_100nm, ev_mixture or blank."),
    ] = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    _debug: options.Debug = False,
) -> None:
    """Write sample recordings to try evsize with: beads, two sizes, a blank.

    They are simulated, so beside each stands the truth. About 25 MB in all.
    """
    from evsize.cli.terminal import say, watching
    from evsize.simulation.samples import write_samples

    with watching("samples", quiet) as progress:
        paths = write_samples(folder, only=only, overwrite=overwrite, progress=progress)
    if not quiet:
        say(f"written: {', '.join(path.name for path in paths)} in {folder}")
        say(f"analyse one with: evsize analyze {paths[0]} -o results")

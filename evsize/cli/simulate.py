"""``evsize simulate``: a recording whose truth is known."""

from __future__ import annotations

from typing import Annotated

import typer

from evsize.cli import options


def simulate(
    out: options.Output,
    population: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Diameters and mean numbers in view: '100nm:200,250nm:30'; '120nm~0.25:50' is "
            "log-normal with a standard deviation of 0.25 of ln d; '' is a blank.",
        ),
    ] = "100nm:100",
    pixel_size: options.PixelSize = None,
    frame_rate: options.FrameRate = None,
    exposure: options.Exposure = None,
    temperature: options.Temperature = None,
    medium: options.Medium = None,
    viscosity: options.Viscosity = None,
    depth: options.Depth = None,
    dilution: options.Dilution = None,
    width: Annotated[int | None, typer.Option(metavar="PX", help="Columns of a frame.")] = None,
    height: Annotated[int | None, typer.Option(metavar="PX", help="Rows of a frame.")] = None,
    n_frames: Annotated[int, typer.Option(min=1, metavar="N", help="Number of frames.")] = 750,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Same seed and settings, same recording.")
    ] = 0,
    name: Annotated[str, typer.Option(help="Name of the files.")] = "simulated",
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    _debug: options.Debug = False,
) -> None:
    """Make a recording of particles of known sizes, to try evsize or to test a setting.

    What is not given is as in a NanoSight with a 20x objective. Written are
    a TIFF, a TOML file with the acquisition and the truth, and tables of
    where every particle was.
    """
    from evsize.cli.terminal import say, watching
    from evsize.simulation import nanosight
    from evsize.simulation import simulate as make

    values = options.checked_values(
        pixel_size_um=pixel_size,
        frame_rate_hz=frame_rate,
        exposure_ms=exposure,
        temperature_c=temperature,
        medium=medium,
        viscosity_mpas=viscosity,
        depth_um=depth,
        dilution=dilution,
    )
    size = {"width_px": width, "height_px": height}
    changes = values | {key: value for key, value in size.items() if value is not None}
    _check_name(name)
    recording = make(nanosight(population, **changes), n_frames, seed)
    with watching(name, quiet) as progress:
        path = recording.write(out, name, overwrite=overwrite, progress=progress)
    if not quiet:
        say(f"written: {path}; analyse it with: evsize analyze {path} -o results")


def _check_name(name: str) -> None:
    from pathlib import PurePath

    from evsize.errors import UsageError

    if not name or PurePath(name).name != name or "\\" in name:
        raise UsageError(f"--name '{name}'", "a name without a folder", "give the folder with -o")

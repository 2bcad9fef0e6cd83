"""``evsize calibrate``: bead recordings in, an instrument file out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evsize.cli import options
from evsize.cli.checks import Request, acquisition_of, read_settings

if TYPE_CHECKING:
    from evsize.calibration import Calibration


def calibrate(
    context: typer.Context,
    beads: Annotated[
        list[Path],
        typer.Argument(
            metavar="BEADS", help="Recordings of beads of one known size.", show_default=False
        ),
    ],
    diameter: Annotated[
        float,
        typer.Option("--diameter", metavar="NM", min=20, max=2000, help="Their diameter, in nm."),
    ],
    out: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Instrument file to write (TOML)."),
    ],
    concentration: Annotated[
        float | None,
        typer.Option(
            "--concentration",
            metavar="PER_ML",
            help="Beads per mL before dilution; without it shares are corrected, but no "
            "concentration is known.",
        ),
    ] = None,
    config: options.Config = None,
    pixel_size: options.PixelSize = None,
    frame_rate: options.FrameRate = None,
    exposure: options.Exposure = None,
    temperature: options.Temperature = None,
    medium: options.Medium = None,
    viscosity: options.Viscosity = None,
    dilution: options.Dilution = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Calibrate the instrument with beads of known size and number.

    Checks pixel size and temperature by the size found, measures the light
    sheet, and writes an instrument file for --instrument, with a page
    (.html) beside it that says what it rests on.
    """
    from evsize.calibration import calibrate as work
    from evsize.calibration import instrument_text
    from evsize.cli.terminal import say, watching
    from evsize.errors import OutputError, UsageError
    from evsize.recording import open_recording
    from evsize.storage import whole_file

    if concentration is not None and not concentration > 0:
        raise UsageError(f"--concentration {concentration:g}", "beads per mL, more than 0")
    page = out.with_suffix(".html")
    for path in (out, page):
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists already", advice="add --overwrite to replace it")
    if out.suffix.lower() == ".html" or not out.parent.is_dir():
        raise OutputError(f"-o {out}", "a file (.toml) in a folder that is there")
    given = options.checked_values(
        pixel_size_um=pixel_size,
        frame_rate_hz=frame_rate,
        exposure_ms=exposure,
        temperature_c=temperature,
        medium=medium,
        viscosity_mpas=viscosity,
        dilution=dilution,
    )
    settings = read_settings(config, None, None, {})
    command = str(context.obj or "")
    request = Request(out, settings, given, (), overwrite, quiet, debug, command)
    known = [acquisition_of(path, request) for path in beads]
    for acquisition in known:
        acquisition.conditions()  # what lacks is said before the work
    from contextlib import ExitStack

    with ExitStack() as stack, watching(beads[0].name, quiet) as progress:
        films = [stack.enter_context(open_recording(path)) for path in beads]
        named = [
            (path.name, film, acquisition)
            for path, film, acquisition in zip(beads, films, known, strict=True)
        ]
        found = work(named, diameter, concentration, settings, progress)
    text = instrument_text(found, command)
    for path, content in ((out, text), (page, render(out.name, found, text))):
        with whole_file(path) as partial:
            partial.write_text(content, encoding="utf-8")
    if not quiet:
        for line in summary(found):
            say(line)
        say(f"written: {out} and {page}; use it with: evsize analyze ... --instrument {out}")


def summary(found: Calibration) -> list[str]:
    """What was found, a line each."""
    from evsize.report import words

    instrument = found.instrument
    lines = [
        f"{bead.path}: {words.estimate(bead.diameter_nm, 'nm')}, certified "
        f"{words.figure(instrument.beads_nm)} nm, {bead.tracks} tracks"
        for bead in found.beads
    ]
    if instrument.depth_um is not None and instrument.concentration_per_ml is not None:
        low, high = interval_um(found)
        lines.append(f"light sheet: {instrument.depth_um:.3g} um ({low:.3g} to {high:.3g})")
    else:
        lines.append("light sheet: not known, give --concentration for concentrations")
    return lines


def interval_um(found: Calibration) -> tuple[float, float]:
    """95 % interval of the thickness of the light sheet, um."""
    import math

    half = 1.96 * found.instrument.depth_relative_se
    depth = found.instrument.depth_um or 0.0
    return depth * math.exp(-half), depth * math.exp(half)


def render(name: str, found: Calibration, text: str) -> str:
    """Compose the page."""
    from evsize.report.templates import fill, page_style

    low, high = interval_um(found)
    return fill(
        Path(__file__).parent,
        "calibration.html",
        page_style(),
        "",
        "img-src data:",
        name=name,
        instrument=found.instrument,
        beads=found.beads,
        low_um=low,
        high_um=high,
        profile=_profile(found),
        text=text,
    )


def _profile(found: Calibration) -> Any:
    """Draw the light against depth."""
    import numpy as np
    from markupsafe import Markup

    from evsize.report.axes import Axes, nice_ticks

    depth = found.instrument.depth_um or 1.0
    low, high = interval_um(found) if found.instrument.depth_um else (depth, depth)
    reach = 1.2 * max(depth, high)
    z = np.linspace(-reach, reach, 161)
    axes = Axes((-reach, reach), (0.0, 1.05), 230)
    unit = "um" if found.instrument.depth_um else "thicknesses"
    axes.frame(nice_ticks(-reach, reach), f"depth ({unit})", "light")
    curves = [np.exp(-2 * (2 * z / thickness) ** 2) for thickness in (low, depth, high)]
    axes.area(z.tolist(), curves[0].tolist(), curves[2].tolist())
    axes.line(z, curves[1], "main")
    return Markup(axes.svg(f"Gaussian light sheet of {depth:.3g} {unit}"))  # noqa: S704 - ours

"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from evsize.results import Acquisition
    from evsize.settings import AcquisitionSettings

FLAGS: Mapping[str, str] = {
    "pixel_size_um": "--pixel-size",
    "frame_rate_hz": "--frame-rate",
    "exposure_ms": "--exposure",
    "temperature_c": "--temperature",
    "medium": "--medium",
    "viscosity_mpas": "--viscosity",
    "depth_um": "--depth",
    "dilution": "--dilution",
}
"""The option of each acquisition value."""

_PANEL = "How the recording was made (only what the file does not say itself)"


def _option(name: str, metavar: str, text: str) -> Any:
    return typer.Option(
        FLAGS[name], metavar=metavar, help=text, rich_help_panel=_PANEL, show_default=False
    )


PixelSize = Annotated[
    float | None, _option("pixel_size_um", "UM", "Side of a pixel in the sample, in um.")
]
FrameRate = Annotated[float | None, _option("frame_rate_hz", "PER_S", "Frames a second, 1/s.")]
Exposure = Annotated[
    float | None, _option("exposure_ms", "MS", "Time the shutter is open in a frame, in ms.")
]
Temperature = Annotated[
    float | None, _option("temperature_c", "DEGC", "Temperature of the sample, in degC.")
]
Medium = Annotated[
    str | None,
    _option(
        "medium",
        "NAME",
        "Suspending liquid: water, pbs, saline, d2o, culture-medium, or a mixture such as "
        "'sucrose 10%', 'iodixanol 5%', 'd2o 50%'.",
    ),
]
Viscosity = Annotated[
    float | None,
    _option("viscosity_mpas", "MPA_S", "Viscosity at that temperature, in mPa s; any liquid."),
]
Depth = Annotated[
    float | None,
    _option(
        "depth_um",
        "UM",
        "Thickness of the illuminated layer between the points where its light falls to 1/e^2 (1.7 "
        "times its width at half of the light), in um; for concentrations.",
    ),
]
Dilution = Annotated[
    float | None, _option("dilution", "FACTOR", "How many times the sample was diluted.")
]
FrameRange = Annotated[
    str | None,
    typer.Option("--frames", metavar="A:B", help="Only frames A up to, but without, B; from 0."),
]
Region = Annotated[
    str | None,
    typer.Option(
        "--roi",
        metavar="X,Y,W,H",
        help="Only this part of the frames, in px: column and row of its upper left corner, "
        "width, height.",
    ),
]
Completeness = Annotated[
    Literal["auto", "off", "thorough"] | None,
    typer.Option(
        "--completeness",
        help="Lay simulated particles on the frames to see what was missed: half a minute ('auto', "
        "usual), five times that ('thorough') or not at all ('off').",
        show_default=False,
    ),
]
Instrument = Annotated[
    Path | None,
    typer.Option(
        "--instrument", metavar="FILE", help="Instrument file from evsize calibrate (TOML)."
    ),
]
Figures = Annotated[
    str | None,
    typer.Option("--figures", metavar="LIST", help="Also figures for papers: svg,pdf,png."),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", metavar="N", min=1, help="Frames searched at a time, each on a core of its own."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what stands there already.")]
Json = Annotated[bool, typer.Option("--json", help="Print for programs: JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the whole traceback of an error, for a bug report.")
]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Settings file (TOML)."),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write into.")
]


def checked_values(**values: Any) -> dict[str, Any]:
    """Return the acquisition values that were given on the command line.

    Raises
    ------
    UsageError
        If one is out of its range, naming the option.
    """
    from pydantic import ValidationError

    from evsize.errors import UsageError
    from evsize.settings import AcquisitionSettings

    given = {name: value for name, value in values.items() if value is not None}
    try:
        AcquisitionSettings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        meaning = _meaning(AcquisitionSettings, name)
        raise UsageError(
            f"{FLAGS[name]} {first['input']}: {first['msg'].lower()}", meaning, "correct it"
        ) from error
    return given


def _meaning(settings: type[AcquisitionSettings], name: str) -> str:
    return settings.model_fields[name].description or name


def chosen_part(frames: str | None, roi: str | None) -> dict[str, Any]:
    """Return the settings of the part of a recording that was asked for.

    Raises
    ------
    UsageError
        If it is not written as it should be.
    """
    from evsize.errors import UsageError

    if frames is not None and not re.fullmatch(r"\d*:\d*", frames):
        raise UsageError(f"--frames {frames}", "A:B, for example 0:500 or 100:", "correct it")
    chosen: dict[str, Any] = {} if frames is None else {"frames": frames}
    if roi is None:
        return chosen
    try:
        x, y, width, height = (int(number) for number in roi.split(","))
    except ValueError as error:
        raise UsageError(
            f"--roi {roi}", "four whole numbers X,Y,W,H, for example 100,50,640,480", "correct it"
        ) from error
    return chosen | {"roi_px": (x, y, width, height)}


def flags_for(missing: list[str]) -> str:
    """Name the options that give missing values."""
    names = [FLAGS[name] + _unit(name) for name in FLAGS if name in missing]
    return ", ".join(names).replace("--medium", "--medium (or --viscosity, mPa s)")


def _unit(name: str) -> str:
    from evsize.results import UNITS

    return f" ({UNITS[name]})" if UNITS[name] else ""


def placeholders(acquisition: Acquisition) -> list[str]:
    """Return the options, with words in place of values, for all that is still missing."""
    words = {
        "pixel_size_um": "UM",
        "frame_rate_hz": "PER_S",
        "temperature_c": "DEGC",
        "medium": "NAME",
    }
    return [part for name in acquisition.missing() for part in (FLAGS[name], words[name])]

"""``evsize size``: trajectories, or a saved result, in; sizes out. No video is needed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from evsize.cli import options

if TYPE_CHECKING:
    from evsize.results import Acquisition, Completeness, Report, Result, Value
    from evsize.settings import Settings

RECOMPUTED = ("diffusion", "sizing")
"""Stages whose settings a saved result hands on."""


def size(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="TRACKS|RESULT",
            help="A table of trajectories (CSV or Parquet) of trackpy, TrackMate, evsize or with "
            "columns particle, frame, x, y; or the folder of a result, to size it anew.",
            show_default=False,
        ),
    ],
    out: options.Output,
    config: options.Config = None,
    pixel_size: options.PixelSize = None,
    frame_rate: options.FrameRate = None,
    exposure: options.Exposure = None,
    temperature: options.Temperature = None,
    medium: options.Medium = None,
    viscosity: options.Viscosity = None,
    tables: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Formats of the tables: parquet,csv,xlsx."),
    ] = None,
    figures: options.Figures = None,
    overwrite: options.Overwrite = False,
    fail_on: Annotated[
        Literal["warn", "fail"] | None,
        typer.Option(help="End with exit code 3 if the verdict is this bad."),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    _debug: options.Debug = False,
) -> None:
    """Size trajectories of any tracker, or a saved result anew.

    For example with another temperature: evsize size results/beads -o again
    --temperature 24
    """
    from evsize.analysis import Analysis
    from evsize.cli.analyze import exit_code
    from evsize.cli.terminal import show_result
    from evsize.report import Outcome
    from evsize.storage import check_output, report_json

    given = options.checked_values(
        pixel_size_um=pixel_size,
        frame_rate_hz=frame_rate,
        exposure_ms=exposure,
        temperature_c=temperature,
        medium=medium,
        viscosity_mpas=viscosity,
    )
    settings = _settings(config, tables=tables, figures=figures)
    from evsize.storage import result_name

    folder = out / result_name(source)
    check_output(folder, overwrite)
    work = _saved if source.is_dir() else _table
    result = work(source, settings, given, str(context.obj or ""))
    output = settings.output
    Analysis.of(result).save(folder, overwrite, output.tables, output.figures)
    if json:
        typer.echo(report_json(result.summary, indent=None))
    elif not quiet:
        show_result(result.summary, folder)
    raise typer.Exit(exit_code([], [Outcome(str(source), folder, result.summary)], fail_on))


def _settings(config: Path | None, **lists: str | None) -> Settings:
    from evsize.settings import parse_settings, read_toml

    data = read_toml(config) if config else {}
    for name, text in lists.items():
        if text is not None:
            chosen = [part.strip() for part in text.split(",") if part.strip()]
            data["output"] = dict(data.get("output", {})) | {name: chosen}
    return parse_settings(data, str(config) if config else "command line")


def _known(before: Acquisition, settings: Settings, given: dict[str, Any]) -> Acquisition:
    in_file = settings.acquisition.model_dump(exclude_none=True)
    return before.updated(in_file, "settings file").updated(given, "command line")


def _table(path: Path, settings: Settings, given: dict[str, Any], command: str) -> Result:
    from evsize import pipeline
    from evsize.results import Acquisition, RecordingInfo
    from evsize.trajectories import as_tracks, read_table

    known = _known(Acquisition(), settings, given)
    conditions = known.conditions()
    table = read_table(path)
    found = as_tracks(table, conditions)
    info = RecordingInfo(
        path=str(path),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        frames=found.n_frames,
        height_px=_extent(found.tracks.table["y_um"], conditions.pixel_size_um),
        width_px=_extent(found.tracks.table["x_um"], conditions.pixel_size_um),
        bit_depth=0,
        format="table of trajectories",
        notes=list(found.notes),
    )
    return pipeline.run_tracks(
        found.tracks, info, known, settings, rejected=found.rejected, command=command
    )


def _extent(positions_um: Any, pixel_size_um: float) -> int:
    return int(positions_um.max() / pixel_size_um) + 1 if len(positions_um) else 0


def _saved(folder: Path, settings: Settings, given: dict[str, Any], command: str) -> Result:
    from dataclasses import replace

    from evsize import pipeline, storage
    from evsize.results import Tracks

    saved = storage.read_result(folder)
    before = _acquisition(saved.summary)
    known = _known(before, settings, given)
    known = known.model_copy(update={"conflicts": ()})  # another value is what was asked for
    conditions = known.conditions()
    scale = conditions.pixel_size_um / (before.pixel_size_um or conditions.pixel_size_um)
    frames = saved.frames.assign(t_s=saved.frames["frame"] * conditions.frame_interval_s)
    table = saved.tracks.assign(
        t_s=saved.tracks["frame"] * conditions.frame_interval_s,
        x_um=saved.tracks["x_um"] * scale,
        y_um=saved.tracks["y_um"] * scale,
        loc_se_nm=saved.tracks["loc_se_nm"] * scale,
    )
    radius = saved.summary.settings.get("tracking.search_radius_um")
    tracks = Tracks(
        table,
        table[["x_um", "y_um"]].to_numpy() * 0,
        0,
        frames,
        float(radius.value) * scale if radius and radius.value else float("nan"),
        _choices(saved.summary, "tracking"),
        {
            name: value
            for name, value in saved.summary.diagnostics.items()
            if name in TRACKING_DIAGNOSTICS
        },
    )
    note = f"sized anew from the tracks of {folder}"
    info = saved.summary.recording.model_copy(
        update={"remarks": [*saved.summary.recording.remarks, note]}
    )
    settings = _handed_on(saved.summary, settings)
    detected = _choices(saved.summary, "detection")
    result = pipeline.run_tracks(
        tracks,
        info,
        known,
        settings,
        detected=detected,
        completeness=_completeness(saved, before, known, settings),
        command=command,
    )
    return replace(result, preview=saved.preview)


def _completeness(
    saved: Result, before: Acquisition, known: Acquisition, settings: Settings
) -> Completeness:
    """What the saved result knows of the sizes it misses, where that still holds."""
    from evsize.completeness import from_saved
    from evsize.results import Completeness, Estimate

    report = saved.summary
    if saved.completeness is None:
        why = report.completeness_note or "the saved result does not hold how deep it sees"
        return Completeness(reason=why)
    then, now = before.conditions(), known.conditions()
    positions = report.settings["diffusion.min_positions"].value
    if abs(now.exposure_fraction - then.exposure_fraction) > SAME * then.exposure_fraction:
        why = "the exposure"
    elif known.depth_um != before.depth_um or settings.instrument.depth_um is not None:
        why = "the light sheet"
    elif settings.diffusion.min_positions != positions:
        why = "the shortest track"
    else:
        why = ""
    if why:
        return Completeness(
            reason=f"how deep each size is seen was measured otherwise: {why} was changed; analyse "
            "the recording again"
        )
    # a particle keeps its steps in pixels a frame: all else about it is another name for it
    pixels = (now.pixel_size_um / then.pixel_size_um) ** 2
    intervals = now.frame_interval_s / then.frame_interval_s
    factor = now.stokes_einstein_um3_s / then.stokes_einstein_um3_s * intervals / pixels
    about = report.recording
    return from_saved(
        saved.completeness,
        _choices(report, "completeness"),
        {name: report.diagnostics.get(name) for name in COMPLETENESS_DIAGNOSTICS},
        report.detection_limit_nm or Estimate(),
        int(saved.frames["noise"].notna().sum()),
        about.height_px * about.width_px * now.pixel_size_um**2,
        factor,
    )


def _choices(report: Report, stage: str) -> dict[str, Value]:
    return {
        name.removeprefix(f"{stage}."): value
        for name, value in report.settings.items()
        if name.startswith(f"{stage}.")
    }


TRACKING_DIAGNOSTICS = (
    "truncated_step_share",
    "ambiguous_link_share",
    "in_company_share",
    "crowding_radius_um",
    "flow_speed_um_s",
    "max_flow_step_um",
)
"""What the first analysis saw and the tracks alone do not show."""


COMPLETENESS_DIAGNOSTICS = (
    "self_check_bias_percent",
    "self_check_bias_percent_se",
    "completeness_brightness_bias",
    "completeness_width_reliance",
    "completeness_design_effect",
    "brightness_exponent",
    "brightness_scatter",
    "spot_widening_per_um",
)
"""What the pass over the video told."""
SAME = 1e-3
"""Relative difference that is rounding."""


def _acquisition(report: Report) -> Acquisition:
    """Values as they were given, those worked out from them left out."""
    from evsize.physics import MEDIA, MIXTURES
    from evsize.results import Acquisition

    worked_out = {liquid.source for liquid in MEDIA.values()} | {
        mixture.source for mixture in MIXTURES.values()
    }
    given = {
        name: value
        for name, value in report.acquisition.items()
        if value.source not in worked_out and not value.source.startswith("assumed")
    }
    return Acquisition(
        **{name: value.value for name, value in given.items()},
        sources={name: f"saved result ({value.source})" for name, value in given.items()},
    )


def _handed_on(report: Report, settings: Settings) -> Settings:
    """Settings of the saved result where this run is not told otherwise."""
    from evsize.settings import parse_settings

    data = settings.model_dump(mode="json", exclude_unset=True)
    for name, value in report.settings.items():
        stage, _, key = name.partition(".")
        if stage in RECOMPUTED and value.source == "given":
            data.setdefault(stage, {}).setdefault(key, value.value)
    removed = report.settings.get("tracking.remove_flow")
    if removed is not None:
        data.setdefault("tracking", {}).setdefault("remove_flow", removed.value)
    return parse_settings(data, "saved result")

"""``evsize analyze``: recordings in, sizes out."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from evsize.cli import options
from evsize.cli.checks import Job, Request, check, plan, read_settings

if TYPE_CHECKING:
    from evsize.report import Outcome
    from evsize.results import Report, Result


def analyze(
    context: typer.Context,
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORDING",
            help="TIFF, AVI, MP4, MOV, MKV or ND2 files, or folders of images.",
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
    depth: options.Depth = None,
    dilution: options.Dilution = None,
    frames: options.FrameRange = None,
    roi: options.Region = None,
    instrument: options.Instrument = None,
    blank: Annotated[
        Path | None,
        typer.Option(
            metavar="RESULT",
            help="Result folder of a recording without sample, made alike: its particles are "
            "taken off the concentrations.",
        ),
    ] = None,
    completeness: options.Completeness = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="How spots are found: 'fast' or 'trackpy'."),
    ] = None,
    tables: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Formats of the tables, joined by commas: parquet,csv,xlsx. "
            "particles.csv is always written.",
        ),
    ] = None,
    figures: options.Figures = None,
    jobs: options.Jobs = 1,
    overwrite: options.Overwrite = False,
    fail_on: Annotated[
        Literal["warn", "fail"] | None,
        typer.Option(help="End with exit code 3 if a verdict is this bad; results are written."),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Size the particles of one or more recordings.

    Each recording gets a folder in DIR with its result, its tables and a
    report.html to open in a browser; summary.csv has a row a recording.
    """
    given = options.checked_values(
        pixel_size_um=pixel_size,
        frame_rate_hz=frame_rate,
        exposure_ms=exposure,
        temperature_c=temperature,
        medium=medium,
        viscosity_mpas=viscosity,
        depth_um=depth,
        dilution=dilution,
    )
    part = options.chosen_part(frames, roi)
    settings = read_settings(config, engine, tables, part, figures, completeness, instrument)
    request = Request(
        out=out,
        settings=settings,
        given=given,
        tables=settings.output.tables,
        overwrite=overwrite,
        quiet=quiet,
        debug=debug,
        command=str(context.obj or ""),
        jobs=jobs,
        blank=_read_blank(blank),
    )
    raise typer.Exit(work(check(plan(recordings, out), request), request, json, fail_on))


def _read_blank(folder: Path | None) -> Result | None:
    """Read the blank's result, before any work."""
    if folder is None:
        return None
    from evsize.pipeline import as_blank
    from evsize.storage import read_result

    result = read_result(folder)
    as_blank(result)
    return result


def work(jobs: list[Job], request: Request, json: bool, fail_on: str | None) -> int:
    """Analyse what can be; return the exit code."""
    from evsize.report import Outcome, write_overview

    outcomes: list[Outcome] = []
    codes: list[int] = []
    try:
        for job in jobs:
            try:
                report = analyze_one(job, request)
                outcomes.append(Outcome(str(job.path), job.folder, report))
                if json:
                    _print_json(report)
            except Exception as error:
                if len(jobs) == 1:
                    raise
                text, code = _tell(error, job, request.debug)
                outcomes.append(Outcome(str(job.path), job.folder, error=text))
                codes.append(code)
    finally:
        if outcomes:
            write_overview(outcomes, request.out)
    if not (request.quiet or json):
        _show(outcomes, request.out)
    return exit_code(codes, outcomes, fail_on)


def analyze_one(job: Job, request: Request) -> Report:
    """Analyse one recording and write its result."""
    from evsize import pipeline
    from evsize.analysis import Analysis
    from evsize.cli.terminal import watching
    from evsize.recording import open_recording

    if job.error is not None:
        raise job.error
    with (
        open_recording(job.path) as recording,
        watching(job.path.name, request.quiet) as progress,
    ):
        result = pipeline.run(
            recording,
            request.settings,
            acquisition=job.acquisition,
            progress=progress,
            command=request.command,
            jobs=request.jobs,
            blank=request.blank,
        )
    figures = request.settings.output.figures
    Analysis.of(result).save(job.folder, request.overwrite, request.tables, figures)
    return result.summary


def _tell(error: Exception, job: Job, debug: bool) -> tuple[str, int]:
    """Say why a recording failed, and go on with the others."""
    from evsize.cli.terminal import say
    from evsize.errors import describe

    text, code = describe(error)
    if debug:
        traceback.print_exception(error)
    say(f"evsize: {job.path.name}: {text}")
    return text, code


def _print_json(report: Report) -> None:
    from evsize.storage import report_json

    typer.echo(report_json(report, indent=None))


def _show(outcomes: Sequence[Outcome], out: Path) -> None:
    from evsize.cli.terminal import show_overview, show_result

    if len(outcomes) == 1 and outcomes[0].report is not None:
        show_result(outcomes[0].report, outcomes[0].folder)
    else:
        show_overview(outcomes, out)


def exit_code(codes: list[int], outcomes: Sequence[Outcome], fail_on: str | None) -> int:
    """Return the first that applies of 1, 2, 5, 3, 0 where several recordings were given."""
    for code in (1, 2):
        if code in codes:
            return code
    if codes:
        return 5
    bad = {"warn": ("warn", "fail"), "fail": ("fail",)}.get(fail_on or "", ())
    verdicts = [outcome.report.qc.verdict for outcome in outcomes if outcome.report is not None]
    return 3 if any(verdict in bad for verdict in verdicts) else 0

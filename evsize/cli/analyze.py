"""``evsize analyze``: recordings in, sizes out."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from evsize.cli import options
from evsize.errors import EvsizeError, MissingSettingsError, RecordingError, UsageError

if TYPE_CHECKING:
    from evsize.report import Outcome
    from evsize.results import Acquisition, Report
    from evsize.settings import Settings


@dataclass(frozen=True)
class Request:
    """What the user asked for, checked."""

    out: Path
    settings: Settings
    given: dict[str, Any]
    tables: tuple[str, ...]
    overwrite: bool
    quiet: bool
    debug: bool
    command: str


@dataclass(frozen=True)
class Job:
    """One recording and where its result goes."""

    path: Path
    folder: Path
    acquisition: Acquisition | None = None
    error: EvsizeError | None = field(default=None, compare=False)


def analyze(
    context: typer.Context,
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORDING",
            help="TIFF, OME-TIFF, AVI, MP4, MOV or MKV files, or folders of images.",
            show_default=False,
        ),
    ],
    out: options.Output,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Settings file (TOML)."),
    ] = None,
    pixel_size: options.PixelSize = None,
    frame_rate: options.FrameRate = None,
    exposure: options.Exposure = None,
    temperature: options.Temperature = None,
    medium: options.Medium = None,
    viscosity: options.Viscosity = None,
    depth: options.Depth = None,
    dilution: options.Dilution = None,
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
    settings = read_settings(config, engine, tables)
    request = Request(
        out=out,
        settings=settings,
        given=given,
        tables=settings.output.tables,
        overwrite=overwrite,
        quiet=quiet,
        debug=debug,
        command=str(context.obj or ""),
    )
    jobs = check(plan(recordings, out), request)
    raise typer.Exit(work(jobs, request, json, fail_on))


def read_settings(config: Path | None, engine: str | None, tables: str | None) -> Settings:
    """Put the options over the settings file, and check them.

    Raises
    ------
    UsageError
        If the file or a value is wrong.
    """
    from evsize.settings import parse_settings, read_toml

    settings = parse_settings(read_toml(config) if config else {}, str(config))
    data = settings.model_dump(mode="json")
    if engine is not None:
        data["detection"]["engine"] = engine
    if tables is not None:
        data["output"]["tables"] = [name.strip() for name in tables.split(",") if name.strip()]
    return parse_settings(data, "command line")


def plan(recordings: Sequence[Path], out: Path) -> list[Job]:
    """Give every recording its result folder.

    Raises
    ------
    UsageError
        If two would share one.
    """
    jobs = [Job(path, out / result_name(path)) for path in recordings]
    by_name: dict[str, list[Job]] = {}
    for job in jobs:
        by_name.setdefault(job.folder.name.casefold(), []).append(job)
    for same in by_name.values():
        if len(same) > 1:
            raise UsageError(
                f"{' and '.join(str(job.path) for job in same)} would both be written to "
                f"{same[0].folder}",
                "recordings with different names",
                "rename one, or analyse them into different folders with -o",
            )
    return jobs


def result_name(recording: Path) -> str:
    """Name of the result folder: the recording's without its ending."""
    if recording.is_dir():
        return recording.resolve().name or "recording"
    name = recording.stem
    return name[: -len(".ome")] if name.lower().endswith(".ome") else name


def check(jobs: list[Job], request: Request) -> list[Job]:
    """Find all that would stop the work before it starts.

    Raises
    ------
    UsageError
        Naming all that is missing or wrong.
    RecordingError
        If the only recording cannot be read.
    """
    opened, problems = [], []
    for job in jobs:
        try:
            opened.append(replace(job, acquisition=_acquisition(job.path, request)))
        except UsageError as error:
            problems.append(error)
        except RecordingError as error:
            if len(jobs) == 1:
                raise
            opened.append(replace(job, error=error))
    _raise_together(problems)
    _check_conditions([job for job in opened if job.error is None])
    _check_outputs(opened, request.overwrite)
    return opened


def _acquisition(path: Path, request: Request) -> Acquisition:
    from evsize.recording import open_recording
    from evsize.recording.sidecar import combine

    in_file = request.settings.acquisition.model_dump()
    with open_recording(path) as recording:
        return combine(
            recording.acquisition, {"settings file": in_file, "command line": request.given}
        )


def _check_conditions(jobs: list[Job]) -> None:
    known = [(job, job.acquisition) for job in jobs if job.acquisition is not None]
    lacking: dict[str, list[str]] = {}
    for job, acquisition in known:
        for name in acquisition.missing():
            lacking.setdefault(name, []).append(job.path.name)
    if lacking and len(known) > 1:
        found = "; ".join(f"{name} (of {', '.join(files)})" for name, files in lacking.items())
        raise MissingSettingsError(
            f"not known: {found}",
            "pixel size, frame rate, temperature and medium",
            f"give {options.flags_for(list(lacking))}",
        )
    problems = []
    for _, acquisition in known:
        try:
            acquisition.conditions()
        except UsageError as error:
            problems.append(error)
    _raise_together(problems)


def _check_outputs(jobs: list[Job], overwrite: bool) -> None:
    from evsize.storage import check_output

    problems = []
    for job in jobs:
        try:
            check_output(job.folder, overwrite)
        except UsageError as error:
            problems.append(error)
    _raise_together(problems)


def _raise_together(problems: list[UsageError]) -> None:
    """Raise what was found as one error, each thing said once."""
    if not problems:
        return
    found, needed, advice = (
        "; ".join(dict.fromkeys(getattr(problem, part) for problem in problems))
        for part in ("found", "needed", "advice")
    )
    raise type(problems[0])(found, needed, advice)


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
        )
    Analysis.of(result).save(job.folder, request.overwrite, request.tables)
    return result.summary


def _tell(error: Exception, job: Job, debug: bool) -> tuple[str, int]:
    """Say why a recording failed, and go on with the others."""
    from evsize.cli.main import describe
    from evsize.cli.terminal import say

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

"""``evsize qc``: results or recordings in, verdicts out, of each and of what they are together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from evsize.cli import options

if TYPE_CHECKING:
    from evsize.batch.quality import Quality
    from evsize.cli.checks import Job, Request
    from evsize.cli.qc_sources import Source
    from evsize.qc import Profile
    from evsize.report import Outcome
    from evsize.results import Report

_TOGETHER = "What belongs together"


def qc(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT|RECORDING",
            help="Result folders, folders of them, or recordings, which are analysed first; "
            "SAMPLE=PATH names the sample, and those of one sample are replicates.",
            show_default=False,
        ),
    ],
    out: options.Output,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Limits: general, nanosight, zetaview, or a TOML file of your own.",
        ),
    ] = None,
    fail_on: Annotated[
        Literal["warn", "fail"] | None,
        typer.Option(help="End with exit code 3 if a verdict is this bad; results are written."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Table of evsize batch that says sample, replicate, role and preparation of each.",
            rich_help_panel=_TOGETHER,
        ),
    ] = None,
    blank: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Result or recording of a blank; may be repeated.",
            rich_help_panel=_TOGETHER,
        ),
    ] = None,
    beads: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Result or recording of a bead standard; may be repeated.",
            rich_help_panel=_TOGETHER,
        ),
    ] = None,
    bead_size: Annotated[
        float | None,
        typer.Option(
            metavar="NM",
            min=1,
            help="Nominal diameter of the beads, in nm.",
            rich_help_panel=_TOGETHER,
        ),
    ] = None,
    config: options.Config = None,
    pixel_size: options.PixelSize = None,
    frame_rate: options.FrameRate = None,
    exposure: options.Exposure = None,
    temperature: options.Temperature = None,
    medium: options.Medium = None,
    viscosity: options.Viscosity = None,
    depth: options.Depth = None,
    dilution: options.Dilution = None,
    jobs: options.Jobs = 1,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Judge results, alone and together: may these numbers be used?

    Writes qc.json, qc.csv (a row a finding), junit.xml for CI systems, and
    files for MultiQC. A saved result is judged without its video; it is
    not changed.
    """
    from evsize.batch.quality import QUALITY_FILE
    from evsize.cli.checks import Request, read_settings
    from evsize.cli.qc_sources import find_sources, labelled
    from evsize.qc import load_profile
    from evsize.settings import QcSettings

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
    settings = read_settings(config, None, None, {})
    if profile is not None:
        settings = settings.model_copy(update={"qc": QcSettings(profile=profile)})
    limits = load_profile(settings.qc.profile)
    _check_output(out / QUALITY_FILE, overwrite)
    found = find_sources(sources, blank or (), beads or (), bead_size)
    if manifest is not None:
        found = labelled(found, manifest)
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
    )
    raise typer.Exit(_work(found, limits, request, json=json, fail_on=fail_on))


def _check_output(path: Path, overwrite: bool) -> None:
    from evsize.errors import OutputError
    from evsize.storage import check_output

    check_output(path, overwrite=True) if not path.exists() else None
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} exists already", advice="add --overwrite to replace it, or choose another -o"
        )


def _work(
    sources: list[Source], profile: Profile, request: Request, *, json: bool, fail_on: str | None
) -> int:
    from evsize.batch.junit import write_junit
    from evsize.batch.quality import quality_json, write_quality
    from evsize.report import write_overview

    judging = _Judging(profile, request)
    judging.take(sources)
    quality = judging.gathering.judge()
    request.out.mkdir(parents=True, exist_ok=True)
    write_overview(judging.outcomes, request.out)
    write_junit(quality, request.out, fail_on)
    write_quality(quality, request.out)  # last: where it stands, all is there
    if json:
        typer.echo(quality_json(quality, indent=None))
    elif not request.quiet:
        from evsize.cli.qc_display import show_quality

        show_quality(quality, request.out)
    return exit_code(judging.codes, quality, fail_on)


class _Judging:
    """Sources that are judged one after another; what is kept of each is little."""

    def __init__(self, profile: Profile, request: Request) -> None:
        from evsize.batch.quality import Gathering

        self.profile, self.request = profile, request
        self.gathering = Gathering(profile)
        self.outcomes: list[Outcome] = []
        self.codes: list[int] = []

    def take(self, sources: list[Source]) -> None:
        """Judge all; where one of several cannot be read the others are judged all the same."""
        from evsize.cli.terminal import say
        from evsize.errors import describe

        jobs = self._planned(sources)
        for one in sources:
            try:
                self._judge(one, jobs.get(one.path))
            except Exception as error:
                if len(sources) == 1:
                    raise
                text, code = describe(error)
                say(f"evsize: {one.name}: {text}")
                self.codes.append(code)
                self._add(one, one.path, None, text)

    def _planned(self, sources: list[Source]) -> dict[Path, Job]:
        """What is to be analysed first, by its path."""
        from evsize.cli.checks import check, plan
        from evsize.storage import RESULT_FILE

        films = [one.path for one in sources if not (one.path / RESULT_FILE).is_file()]
        jobs = check(plan(films, self.request.out), self.request) if films else []
        return {job.path: job for job in jobs}

    def _judge(self, one: Source, job: Job | None) -> None:
        """Judge a result; what is none yet is analysed first."""
        from evsize.assembly.evidence import judge
        from evsize.cli.analyze import analyze_one
        from evsize.storage import read_result

        folder = one.path
        if job is not None:
            analyze_one(job, self.request)
            folder = job.folder
        report = judge(read_result(folder), self.profile, one.role).summary
        self._add(one, folder, report)

    def _add(self, one: Source, folder: Path, report: Report | None, error: str = "") -> None:
        from evsize.report import Outcome

        recording = report.recording.path if report else str(one.path)
        self.outcomes.append(Outcome(recording, folder, report, error, one.labels, one.name))
        self.gathering.add(
            one.name,
            recording,
            report,
            labels=one.labels,
            preparation=one.preparation,
            error=error,
        )


def exit_code(codes: list[int], quality: Quality, fail_on: str | None) -> int:
    """Return the first that applies of 1, 2, 5, 3, 0."""
    for code in (1, 2):
        if code in codes:
            return code
    if codes:
        return 5
    bad = {"warn": ("warn", "fail"), "fail": ("fail",)}.get(fail_on or "", ())
    return 3 if quality.verdict in bad else 0

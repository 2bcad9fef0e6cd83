"""``evsize batch``: a table or a folder of recordings in, results and tables of samples out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evsize.cli import options
from evsize.cli.checks import read_settings
from evsize.errors import UsageError

if TYPE_CHECKING:
    from evsize.batch.entry import Entry
    from evsize.batch.run import Plan, Shard
    from evsize.batch.task import Ending

_SPREAD = "Where the work is done"


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def batch(
    context: typer.Context,
    manifest: Annotated[
        Path | None,
        typer.Argument(
            metavar="MANIFEST|DIR",
            help="Table of recordings (CSV or TSV), or a folder whose recordings are all taken.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder to write into."),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write DIR/manifest.csv, a row a recording, to fill in; no more."
        ),
    ] = None,
    config: options.Config = None,
    root: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder that the paths of the table start from; none may lie outside of it.",
        ),
    ] = None,
    pixel_size: options.PixelSize = None,
    frame_rate: options.FrameRate = None,
    exposure: options.Exposure = None,
    temperature: options.Temperature = None,
    medium: options.Medium = None,
    viscosity: options.Viscosity = None,
    depth: options.Depth = None,
    dilution: options.Dilution = None,
    instrument: options.Instrument = None,
    completeness: options.Completeness = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Recordings analysed at a time; one a core if left out.",
            rich_help_panel=_SPREAD,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Dask scheduler whose workers do the work: tcp://HOST:PORT or its JSON file.",
            rich_help_panel=_SPREAD,
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Do the I-th of N parts and write no tables: for the jobs of a SLURM array.",
            rich_help_panel=_SPREAD,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(help="Keep what is done from the same recordings with the same settings."),
    ] = True,
    figures: options.Figures = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --init: replace the table.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    _debug: options.Debug = False,
) -> None:
    """Size many recordings, and pool them by sample.

    Each recording gets a result folder in the output folder. Stopped at any
    moment, the same command goes on where it was. summary.csv has a row a
    recording, samples.csv a row a sample, comparison.csv the effects between
    conditions.
    """
    if init is not None:
        _write_template(init, overwrite, quiet)
        return
    if manifest is None or out is None:
        raise UsageError(
            "no recordings, or no -o", "evsize batch MANIFEST|DIR -o DIR", "or --init DIR"
        )
    if jobs is not None and scheduler is not None:
        raise UsageError("--jobs and --scheduler", "one of them", "workers have their own cores")
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
    from evsize.batch.run import Plan

    plan = Plan(
        out=out,
        settings=read_settings(
            config, None, None, {}, figures, completeness=completeness, instrument=instrument
        ),
        given=given,
        jobs=jobs or _cores(),
        scheduler=scheduler or "",
        resume=resume,
        shard=_shard(shard),
        command=str(context.obj or ""),
    )
    raise typer.Exit(_work(manifest, root, plan, quiet=quiet, json=json))


def _write_template(folder: Path, overwrite: bool, quiet: bool) -> None:
    from evsize.batch.scan import write_template
    from evsize.cli.terminal import say

    path, count = write_template(folder, overwrite)
    if not quiet:
        say(f"written: {path} (recordings: {count}); fill it in, then: evsize batch {path} -o DIR")


def _shard(text: str | None) -> Shard:
    from evsize.batch.run import Shard

    if text is None:
        return Shard()
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    shard = Shard(int(found[1]), int(found[2])) if found else None
    if shard is None or not 1 <= shard.number <= shard.of:
        raise UsageError(f"--shard {text}", "I/N with I from 1 to N, for example 3/10")
    return shard


def _work(manifest: Path, root: Path | None, plan: Plan, *, quiet: bool, json: bool) -> int:
    from evsize.batch import check, run, write_tables
    from evsize.cli import batch_display as display
    from evsize.qc import load_profile

    entries = _entries(manifest, root, plan.out)
    profile = load_profile(plan.settings.qc.profile)
    check(entries, plan, manifest)
    with display.watching(len(entries[plan.shard.number - 1 :: plan.shard.of]), quiet) as tell:
        endings = run(entries, plan, tell)
    quality = write_tables(entries, endings, plan.out, profile) if plan.shard.of == 1 else None
    if json:
        _print_json(endings, plan.out)
    elif not quiet:
        display.show(endings, plan, quality)
    return exit_code(endings)


def _entries(manifest: Path, root: Path | None, out: Path) -> list[Entry]:
    from evsize.batch.manifest import read_manifest
    from evsize.batch.scan import scan_checked

    return scan_checked(manifest, out) if manifest.is_dir() else read_manifest(manifest, root)


def _print_json(endings: Mapping[str, Ending], out: Path) -> None:
    import json

    for ending in endings.values():
        facts: dict[str, Any] = {
            "name": ending.name,
            "status": ending.status,
            "verdict": ending.verdict or None,
            "error": ending.error or None,
            "result": None if ending.status == "failed" else str(out / ending.name),
        }
        typer.echo(json.dumps(facts))


def exit_code(endings: Mapping[str, Ending]) -> int:
    """Return 0, 1 for an error of ours, 5 for failed recordings; its own code for a single one."""
    codes = [ending.code for ending in endings.values() if ending.status == "failed"]
    if not codes or 1 in codes:
        return 1 if codes else 0
    return codes[0] if len(endings) == 1 else 5

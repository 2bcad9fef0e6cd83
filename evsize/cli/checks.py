"""What is checked before a long work starts: settings, recordings, outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evsize.cli import options
from evsize.errors import EvsizeError, MissingSettingsError, RecordingError, UsageError

if TYPE_CHECKING:
    from evsize.results import Acquisition, Result
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
    jobs: int = 1
    blank: Result | None = None


@dataclass(frozen=True)
class Job:
    """One recording and where its result goes."""

    path: Path
    folder: Path
    acquisition: Acquisition | None = None
    error: EvsizeError | None = field(default=None, compare=False)


def read_settings(
    config: Path | None,
    engine: str | None,
    tables: str | None,
    part: Mapping[str, Any],
    figures: str | None = None,
    completeness: str | None = None,
    instrument: Path | None = None,
) -> Settings:
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
    data["recording"] |= part
    if instrument is not None:
        data["instrument"] = read_instrument(instrument)
    if completeness is not None:
        data["completeness"]["mode"] = completeness
    for name, chosen in (("tables", tables), ("figures", figures)):
        if chosen is not None:
            data["output"][name] = [text.strip() for text in chosen.split(",") if text.strip()]
    return parse_settings(data, "command line")


def read_instrument(path: Path) -> dict[str, Any]:
    """Read an instrument file.

    Raises
    ------
    UsageError
        If it is not one.
    """
    from evsize.settings import parse_settings, read_toml

    content = read_toml(path)
    if set(content) != {"instrument"}:
        raise UsageError(
            f"{path} holds {', '.join(sorted(content)) or 'nothing'}",
            "an instrument file, whose only table is [instrument]",
            "make one with: evsize calibrate",
        )
    checked = parse_settings(content, str(path)).instrument
    return checked.model_dump(mode="json", exclude_unset=True)


def plan(recordings: Sequence[Path], out: Path) -> list[Job]:
    """Give every recording its result folder.

    Raises
    ------
    UsageError
        If two would share one.
    """
    from evsize.storage import result_name

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
            opened.append(replace(job, acquisition=acquisition_of(job.path, request)))
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


def acquisition_of(path: Path, request: Request) -> Acquisition:
    """How a recording was made, by itself and by what was given."""
    from evsize.recording import open_recording
    from evsize.recording.sidecar import combine

    in_file = request.settings.acquisition.model_dump()
    with open_recording(path) as recording:
        return combine(
            recording.acquisition,
            {
                "instrument file": request.settings.instrument.acquisition(),
                "settings file": in_file,
                "command line": request.given,
            },
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

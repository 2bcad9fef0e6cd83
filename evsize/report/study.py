"""Several saved results -> one page that puts them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from evsize.report import words
from evsize.report.labels import label_of
from evsize.report.overview import Outcome, summary_row
from evsize.report.page import data_uri
from evsize.report.study_charts import Member, Sample, draw_medians, draw_overlay
from evsize.report.templates import render_template
from evsize.results import Value
from evsize.storage import plain_cell, read_result


def write_study(folders: Sequence[tuple[str, Path]], path: Path, title: str = "Study") -> Path:
    """Write a page that compares saved results, from their files alone.

    Parameters
    ----------
    folders : sequence of (str, Path)
        Name of the sample and result folder; results with the same name are replicates. Left
        empty, it is what a batch noted in the ``summary.csv`` beside the folder, or else the
        folder's.
    path : Path
        The page.
    title : str
        Its heading.

    Raises
    ------
    ResultError
        If a folder holds no result.
    """
    members = [_member(name, folder) for name, folder in folders]
    path.write_text(render_study(members, title), encoding="utf-8")
    return path


def _member(name: str, folder: Path) -> Member:
    known = label_of(folder)
    sample = name or known.sample or folder.name
    return Member(sample, folder, read_result(folder), known.replicate)


def render_study(members: Sequence[Member], title: str) -> str:
    """Return the page of a study."""
    by_name: dict[str, list[Member]] = {}
    for member in members:
        by_name.setdefault(member.sample, []).append(member)
    samples = [
        Sample(number, name, tuple(sorted(same, key=_place)))
        for number, (name, same) in enumerate(by_name.items(), 1)
    ]
    ordered = [member for sample in samples for member in sample.members]
    rows = [
        {"sample": plain_cell(member.sample), "replicate": plain_cell(member.replicate)}
        | summary_row(
            Outcome(member.result.summary.recording.path, member.folder, member.result.summary)
        )
        for member in ordered
    ]
    table = pd.DataFrame(rows).drop(columns="error").to_csv(index=False, lineterminator="\n")
    return render_template(
        "study.html",
        name=title,
        samples=samples,
        n_recordings=len(members),
        replicated=any(member.replicate for member in members),
        counted=any(member.result.summary.concentration_per_ml for member in members),
        distributions=Markup(draw_overlay(samples)),  # noqa: S704  (texts are escaped)
        medians=Markup(draw_medians(samples)),  # noqa: S704
        differing=differing_settings(ordered),
        study_csv=data_uri(table.encode(), "text/csv"),
    )


def _place(member: Member) -> tuple[int, str]:
    """Order of replicates: 2 before 10."""
    return len(member.replicate), member.replicate


def differing_settings(members: Sequence[Member]) -> list[tuple[str, list[str]]]:
    """Settings that were given and are not the same in all results, with each one's value."""
    spelled = []
    for member in members:
        report = member.result.summary
        given = {
            name: value
            for name, value in report.settings.items()
            if value.source.startswith("given")
        }
        known: dict[str, Value] = {**report.acquisition, **given}
        spelled.append(
            {name: words.setting(value) for name, value in known.items()}
            | {"evsize": report.provenance.evsize, "quality profile": report.qc.profile}
        )
    names = dict.fromkeys(name for values in spelled for name in values)
    rows = [(name, [values.get(name, "not given") for values in spelled]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]

"""Several saved results -> one page that puts them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from evsize.report import words
from evsize.report.overview import Outcome, summary_row
from evsize.report.page import data_uri
from evsize.report.study_charts import Member, Sample, draw_medians, draw_overlay
from evsize.report.templates import render_template
from evsize.results import Value
from evsize.storage import read_result


def write_study(folders: Sequence[tuple[str, Path]], path: Path, title: str = "Study") -> Path:
    """Write a page that compares saved results, from their files alone.

    Parameters
    ----------
    folders : sequence of (str, Path)
        Name of the sample (empty: the folder's) and result folder; results with the same name
        are replicates.
    path : Path
        The page.
    title : str
        Its heading.

    Raises
    ------
    ResultError
        If a folder holds no result.
    """
    members = [Member(name or folder.name, folder, read_result(folder)) for name, folder in folders]
    path.write_text(render_study(members, title), encoding="utf-8")
    return path


def render_study(members: Sequence[Member], title: str) -> str:
    """Return the page of a study."""
    by_name: dict[str, list[Member]] = {}
    for member in members:
        by_name.setdefault(member.sample, []).append(member)
    samples = [
        Sample(number, name, tuple(same)) for number, (name, same) in enumerate(by_name.items(), 1)
    ]
    rows = [
        {"sample": member.sample}
        | summary_row(
            Outcome(member.result.summary.recording.path, member.folder, member.result.summary)
        )
        for member in members
    ]
    table = pd.DataFrame(rows).drop(columns="error").to_csv(index=False, lineterminator="\n")
    return render_template(
        "study.html",
        name=title,
        samples=samples,
        n_recordings=len(members),
        counted=any(member.result.summary.concentration_per_ml for member in members),
        distributions=Markup(draw_overlay(samples)),  # noqa: S704  (texts are escaped)
        medians=Markup(draw_medians(samples)),  # noqa: S704
        differing=differing_settings(members),
        study_csv=data_uri(table.encode(), "text/csv"),
    )


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

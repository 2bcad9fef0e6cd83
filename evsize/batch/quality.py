"""The quality of recordings and of what they are together: judged, and written to files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import ConfigDict, Field

from evsize.qc import (
    BatchEvidence,
    Member,
    Preparation,
    Profile,
    assess_group,
    member,
    samples_of,
)
from evsize.results import Finding, Model, Report, Verdict
from evsize.storage import json_text, plain_cell, whole_file, write_csv

QUALITY_FILE, FINDINGS_FILE = "qc.json", "qc.csv"
ORDER: tuple[Verdict, ...] = ("pass", "warn", "fail")


class JudgedRecording(Model):
    """One recording; without a verdict where it could not be read or sized."""

    name: str
    recording: str
    sample: str = ""
    role: str = "sample"
    condition: str = ""
    verdict: Verdict | None = None
    findings: list[Finding] = Field(default_factory=list)
    error: str = ""


class JudgedSample(Model):
    """The recordings of a sample under one condition."""

    name: str
    condition: str
    recordings: list[str]
    verdict: Verdict
    findings: list[Finding]


class JudgedBatch(Model):
    """All recordings together."""

    verdict: Verdict
    findings: list[Finding]


class Quality(Model):
    """The content of ``qc.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_name: Literal["evsize-qc/1"] = Field("evsize-qc/1", alias="schema")
    profile: str
    verdict: Verdict = Field(description="the worst of all; a recording without one fails")
    recordings: list[JudgedRecording]
    samples: list[JudgedSample]
    batch: JudgedBatch


class Gathering:
    """Judged recordings, and what is kept of each to judge them together.

    Parameters
    ----------
    profile : Profile
        The limits.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.recordings: list[JudgedRecording] = []
        self.members: list[Member] = []

    def add(
        self,
        name: str,
        recording: str,
        report: Report | None,
        *,
        labels: Mapping[str, str],
        preparation: Preparation,
        error: str = "",
    ) -> None:
        """Take a recording with its judged report, or the error that stopped it.

        `labels` are those of a manifest: sample, replicate, role, condition.
        """
        self.recordings.append(
            JudgedRecording(
                name=name,
                recording=recording,
                sample=labels["sample"],
                role=labels["role"],
                condition=labels["condition"],
                verdict=report.qc.verdict if report else None,
                findings=report.qc.findings if report else [],
                error=error,
            )
        )
        if report is not None:
            self.members.append(member(name, report, preparation=preparation, **labels))

    def judge(self) -> Quality:
        """Judge samples and the batch, and put all verdicts together."""
        samples = []
        for evidence in samples_of(self.members):
            found = assess_group(evidence, self.profile)
            samples.append(
                JudgedSample(
                    name=evidence.name,
                    condition=evidence.condition,
                    recordings=[one.name for one in evidence.members],
                    verdict=found.verdict,
                    findings=found.findings,
                )
            )
        whole = assess_group(BatchEvidence(tuple(self.members)), self.profile)
        verdicts = [one.verdict or "fail" for one in self.recordings]
        verdicts += [one.verdict for one in samples]
        return Quality(
            profile=self.profile.name,
            verdict=max([*verdicts, whole.verdict], key=ORDER.index),
            recordings=self.recordings,
            samples=samples,
            batch=JudgedBatch(verdict=whole.verdict, findings=whole.findings),
        )


def quality_json(quality: Quality, indent: int | None = 2) -> str:
    """Return the text of ``qc.json``."""
    return json_text(quality.model_dump(by_alias=True), indent)


def write_quality(quality: Quality, out: Path) -> None:
    """Write ``qc.json`` and ``qc.csv``, a row a finding."""
    with whole_file(out / QUALITY_FILE) as partial:
        partial.write_text(quality_json(quality) + "\n", encoding="utf-8")
    columns = ["of", "name", *Finding.model_fields]
    table = pd.DataFrame(list(_rows(quality)), columns=columns)
    with whole_file(out / FINDINGS_FILE) as partial:
        write_csv(table, partial)


def _rows(quality: Quality) -> Iterator[list[object]]:
    for one in quality.recordings:
        own = [finding for finding in one.findings if finding.scope == "recording"]
        yield from _own_rows("recording", one.name, own)
    for sample in quality.samples:
        name = " ".join(part for part in (sample.name, sample.condition) if part)
        yield from _own_rows("sample", name, sample.findings)
    yield from _own_rows("batch", "", quality.batch.findings)


def _own_rows(of: str, name: str, findings: Sequence[Finding]) -> Iterator[list[object]]:
    for finding in findings:
        values = finding.model_dump().values()
        yield [of, plain_cell(name), *(plain_cell(v) if isinstance(v, str) else v for v in values)]

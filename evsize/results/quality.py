"""Findings of the quality rules, and the verdict."""

from __future__ import annotations

from typing import Literal

from evsize.results.values import Model

Status = Literal["pass", "warn", "fail", "not_applicable", "no_data", "waived"]
Verdict = Literal["pass", "warn", "fail"]
Scope = Literal["recording", "sample", "batch"]


class Finding(Model):
    """What one quality rule found.

    Attributes
    ----------
    scope : str
        Of what it is asked; outside of it the rule is not applicable.
    source : str
        Where the limit comes from.
    """

    rule: str
    scope: Scope = "recording"
    status: Status
    measured: float | str | None = None
    limit: str = ""
    unit: str = ""
    message: str = ""
    advice: str = ""
    source: str = ""


class Qc(Model):
    """The verdict and the findings behind it."""

    verdict: Verdict
    profile: str
    findings: list[Finding]

"""A result in, findings and a verdict out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

from evsize.errors import UsageError
from evsize.qc.damage import FILE_RULES
from evsize.qc.evidence import Evidence
from evsize.qc.rules import REQUIRED, RULES
from evsize.results import Finding, Qc, RecordingInfo, Verdict
from evsize.settings import QcSettings

__all__ = ["Evidence", "assess", "judge_file", "load_profile", "verdict"]


def load_profile(name: str) -> Mapping[str, Any]:
    """Read the limits of a built-in profile.

    Raises
    ------
    UsageError
        If there is no such profile.
    """
    folder = files("evsize.qc") / "profiles"
    known = sorted(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name[-5:] == ".toml"
    )
    if name not in known:
        raise UsageError(f"unknown quality profile '{name}'", f"one of {', '.join(known)}")
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


def assess(evidence: Evidence, settings: QcSettings | None = None) -> Qc:
    """Apply every rule; a rule that crashes or lacks required data never lets the result pass.

    Parameters
    ----------
    evidence : Evidence
        The figures of one recording.
    settings : QcSettings, optional
        Which profile of limits to use.
    """
    settings = settings or QcSettings()
    profile = load_profile(settings.profile)
    findings = [_apply(name, evidence, profile.get(name, {})) for name in RULES]
    return Qc(verdict=verdict(findings), profile=settings.profile, findings=findings)


def judge_file(
    about: RecordingInfo,
    conflicts: tuple[str, ...] = (),
    duplicate_frames: tuple[int, ...] | None = None,
    settings: QcSettings | None = None,
) -> list[Finding]:
    """Apply the rules that need nothing but an opened recording.

    Parameters
    ----------
    about : RecordingInfo
        The file as it was read.
    conflicts : tuple of str
        What sources of acquisition values contradict each other in.
    duplicate_frames : tuple of int, optional
        Frames identical to the one before, where that was looked for.
    settings : QcSettings, optional
        Which profile of limits to use.
    """
    profile = load_profile((settings or QcSettings()).profile)
    nothing = Evidence(None, 0, None, None, None, None, None, None, {})
    evidence = replace(
        nothing, recording=about, conflicts=conflicts, duplicate_frames=duplicate_frames
    )
    names = [rule.__name__ for rule in FILE_RULES]
    names += ["duplicate_frames"] if duplicate_frames is not None else []
    return [_apply(name, evidence, profile.get(name, {})) for name in names]


def _apply(name: str, evidence: Evidence, limits: Mapping[str, Any]) -> Finding:
    try:
        return RULES[name](evidence, limits)
    except Exception as error:  # whatever goes wrong in a rule, the verdict fails
        return Finding(
            rule=name,
            status="fail",
            message=f"The rule itself failed ({type(error).__name__}: {error}).",
            advice="Please report this.",
        )


def verdict(findings: Iterable[Finding]) -> Verdict:
    """The worst finding counts; a required rule without data fails, any other warns.

    A required rule that was not applied at all fails as well.
    """
    worst: Verdict = "pass"
    findings = list(findings)
    if not {finding.rule for finding in findings} >= REQUIRED:
        return "fail"
    for finding in findings:
        failed = finding.status == "fail" or (
            finding.status == "no_data" and finding.rule in REQUIRED
        )
        if failed:
            return "fail"
        if finding.status in ("warn", "no_data"):
            worst = "warn"
    return worst

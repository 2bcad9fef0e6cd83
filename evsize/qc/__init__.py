"""A result in, findings and a verdict out."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from evsize.qc.evidence import Calibration, Evidence
from evsize.qc.groups import (
    BatchEvidence,
    Member,
    Preparation,
    SampleEvidence,
    member,
    samples_of,
)
from evsize.qc.judging import Judgement
from evsize.qc.profile import Profile, built_in, load_profile
from evsize.qc.registry import FILE_RULES, RULES, Rule, required
from evsize.results import Finding, Qc, RecordingInfo, Scope, Verdict
from evsize.settings import QcSettings

__all__ = [
    "BatchEvidence",
    "Calibration",
    "Evidence",
    "Member",
    "Preparation",
    "Profile",
    "SampleEvidence",
    "assess",
    "assess_group",
    "built_in",
    "judge_file",
    "load_profile",
    "member",
    "samples_of",
    "verdict",
]

ELSEWHERE = {
    "sample": "Asked of the recordings of a sample together, by evsize qc and evsize batch.",
    "batch": "Asked of all recordings of a batch together, by evsize qc and evsize batch.",
}

BLANK = "A blank should show no particles; blank_share holds them against the sample's."


def assess(evidence: Evidence, settings: QcSettings | Profile | None = None) -> Qc:
    """Apply every rule; a rule that crashes or lacks required data never lets the result pass.

    Parameters
    ----------
    evidence : Evidence
        The figures of one recording.
    settings : QcSettings or Profile, optional
        Which limits to use.

    Raises
    ------
    UsageError
        If there is no such profile.
    """
    profile = _profile(settings)
    findings = [
        _apply(rule, evidence, profile)
        if rule.scope == "recording"
        else Finding(
            rule=name, scope=rule.scope, status="not_applicable", message=ELSEWHERE[rule.scope]
        )
        for name, rule in profile.rules.items()
    ]
    needed = {name for name, rule in profile.added.items() if rule.required}
    return Qc(
        verdict=verdict(findings, required("recording") | needed),
        profile=profile.name,
        findings=findings,
    )


def assess_group(
    evidence: SampleEvidence | BatchEvidence, settings: QcSettings | Profile | None = None
) -> Qc:
    """Apply the rules about several recordings; the same care as with one.

    Parameters
    ----------
    evidence : SampleEvidence or BatchEvidence
        The recordings of a sample, or of a batch.
    settings : QcSettings or Profile, optional
        Which limits to use.
    """
    profile = _profile(settings)
    scope: Scope = "sample" if isinstance(evidence, SampleEvidence) else "batch"
    findings = [_apply(rule, evidence, profile) for rule in RULES.values() if rule.scope == scope]
    found = verdict(findings, required(scope))
    return Qc(verdict=found, profile=profile.name, findings=findings)


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
    evidence = Evidence(recording=about, conflicts=conflicts, duplicate_frames=duplicate_frames)
    names = [*FILE_RULES, *(["duplicate_frames"] if duplicate_frames is not None else [])]
    profile = _profile(settings)
    return [_apply(RULES[name], evidence, profile) for name in names]


def _profile(settings: QcSettings | Profile | None) -> Profile:
    if isinstance(settings, Profile):
        return settings
    return load_profile((settings or QcSettings()).profile)


def _apply(rule: Rule, evidence: Any, profile: Profile) -> Finding:
    """Apply one rule; a waiver takes the weight off what was found, and says so."""
    limits = profile.limits.get(rule.name, {})
    about: dict[str, Any] = {"rule": rule.name, "scope": rule.scope}
    if rule.particles and evidence.role == "blank":
        return Finding(**about, status="not_applicable", message=BLANK)
    try:
        found = rule.judge(evidence, limits)
    except Exception as error:  # whatever goes wrong in a rule, the verdict fails
        message = f"The rule itself failed ({type(error).__name__}: {error})."
        return Finding(**about, status="fail", message=message, advice="Please report this.")
    bad = found.status in ("warn", "fail", "no_data")
    reason = profile.waived.get(rule.name)
    message = found.message
    if bad and reason is not None:
        message = f"{message} Waived (it would be {found.status.replace('_', ' ')}): {reason}"
    return Finding(
        **about,
        status="waived" if bad and reason is not None else found.status,
        measured=found.measured,
        limit=found.limit,
        unit=found.unit,
        message=message,
        advice=_advice(rule, found),
        source=limits.get("source", ""),
    )


def _advice(rule: Rule, found: Judgement) -> str:
    """What to do; where there is no data, only what the rule said of that."""
    if found.status in ("warn", "fail"):
        return found.advice or rule.advice
    return found.advice if found.status == "no_data" else ""


def verdict(findings: Iterable[Finding], needed: Set[str] | None = None) -> Verdict:
    """The worst finding counts; a required rule without data fails, any other warns.

    A required rule that was not applied at all fails as well.

    Parameters
    ----------
    findings : iterable of Finding
        What was found.
    needed : set of str, optional
        The required rules; by default those about a recording.
    """
    needed = required("recording") if needed is None else needed
    findings = list(findings)
    if not {finding.rule for finding in findings} >= needed:
        return "fail"
    worst: Verdict = "pass"
    for finding in findings:
        if finding.status == "fail" or (finding.status == "no_data" and finding.rule in needed):
            return "fail"
        if finding.status in ("warn", "no_data"):
            worst = "warn"
    return worst

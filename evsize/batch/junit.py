"""Findings as JUnit XML, which CI systems show as tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from evsize.batch.quality import Quality
from evsize.results import Finding
from evsize.storage import printable, whole_file

JUNIT_FILE = "junit.xml"
SKIPPED = ("not_applicable", "waived")


def write_junit(quality: Quality, out: Path, fail_on: str | None = None) -> None:
    """Write ``junit.xml``: a suite a recording, a sample and the batch, a case a rule.

    Parameters
    ----------
    quality : Quality
        What was found.
    out : Path
        Folder to write into.
    fail_on : {"warn", "fail"}, optional
        From which status on a case counts as failed; by default "fail".
    """
    root = ET.Element("testsuites", name=f"evsize qc, profile {_text(quality.profile)}")
    for one in quality.recordings:
        own = [finding for finding in one.findings if finding.scope == "recording"]
        suite = _suite(root, one.name, own, fail_on, failed=one.verdict == "fail")
        if one.error:
            case = ET.SubElement(suite, "testcase", name="analysis", classname=_text(one.name))
            ET.SubElement(case, "error", message=_text(one.error))
            suite.set("tests", "1")
            suite.set("errors", "1")
    for sample in quality.samples:
        name = " ".join(part for part in ("sample", sample.name, sample.condition) if part)
        _suite(root, name, sample.findings, fail_on, failed=sample.verdict == "fail")
    batch = quality.batch
    _suite(root, "batch", batch.findings, fail_on, failed=batch.verdict == "fail")
    ET.indent(root)
    with whole_file(out / JUNIT_FILE) as partial:
        ET.ElementTree(root).write(partial, encoding="utf-8", xml_declaration=True)


def _suite(
    root: ET.Element, name: str, findings: Sequence[Finding], fail_on: str | None, *, failed: bool
) -> ET.Element:
    """Add a suite; a missing figure fails where it made the verdict fail."""
    bad = {"fail"} | ({"warn", "no_data"} if fail_on == "warn" else set())
    if failed and not any(finding.status == "fail" for finding in findings):
        bad.add("no_data")
    suite = ET.SubElement(root, "testsuite", name=_text(name), tests=f"{len(findings)}")
    counts = {"failures": 0, "skipped": 0, "errors": 0}
    for finding in findings:
        case = ET.SubElement(suite, "testcase", name=finding.rule, classname=_text(name))
        text = _text(f"{finding.message} {finding.advice}".strip())
        if finding.status in bad:
            counts["failures"] += 1
            failure = ET.SubElement(case, "failure", message=text, type=finding.status)
            failure.text = _text(
                f"measured {finding.measured} {finding.unit}, limit {finding.limit}"
            )
        elif finding.status in SKIPPED:
            counts["skipped"] += 1
            ET.SubElement(case, "skipped", message=text)
        elif finding.status != "pass":
            ET.SubElement(case, "system-out").text = _text(f"{finding.status}: {text}")
    for key, count in counts.items():
        suite.set(key, f"{count}")
    return suite


def _text(text: str) -> str:
    """Text without the control characters that XML cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in printable(text))

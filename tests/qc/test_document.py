"""The page of the rules is what the registry and the profiles say."""

from __future__ import annotations

import pytest

from evsize.qc import document
from evsize.qc.registry import RULES, Rule


def test_the_page_is_in_step() -> None:
    """Mended by: python -m evsize.qc.document"""
    text = document.PAGE.read_text(encoding="utf-8")
    assert document.with_tables(text) == text


def test_the_page_has_every_rule_with_its_advice() -> None:
    text = document.PAGE.read_text(encoding="utf-8")
    for name, rule in RULES.items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{name}`")]
        assert rule.question in line
        assert rule.advice in line


def test_the_gate_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    def new_rule(_evidence: object, _limits: object) -> None:
        """Is this new?

        Look.
        """

    text = document.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(document, "RULES", {**RULES, "new_rule": Rule(new_rule)})  # type: ignore[arg-type]
    assert document.with_tables(text) != text
    with pytest.raises(ValueError, match="end of batch"):
        document.with_tables(text.replace("<!-- batch -->", ""))

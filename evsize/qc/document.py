"""Write the tables of ``docs/qc_rules.md`` anew: ``python -m evsize.qc.document``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evsize.qc.profile import BASE, built_in, load_profile
from evsize.qc.registry import RULES

PAGE = Path(__file__).parents[2] / "docs" / "qc_rules.md"
SCOPES = ("recording", "sample", "batch")


def with_tables(text: str) -> str:
    """Return the page with each table between its two marks made anew.

    Raises
    ------
    ValueError
        If a table has no place in it.
    """
    tables = {scope: _rules(scope) for scope in SCOPES} | {"profiles": _differences()}
    for name, rows in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{PAGE.name} needs {begin} and {end}, once")
        first, last = text.index(begin), text.index(end)
        text = text[:first] + "\n".join([begin, *rows, text[last:]])
    return text


def _rules(scope: str) -> Iterator[str]:
    limits = load_profile(BASE).limits
    yield "| rule | asks | limits in `general` | what to do | source of the limit |"
    yield "| --- | --- | --- | --- | --- |"
    for rule in RULES.values():
        if rule.scope != scope:
            continue
        own = limits.get(rule.name, {})
        unset = "reported; a profile may set `low`, `high`" if rule.may_have else "none"
        required = " *" if rule.required else ""
        source = own.get("source", "the question itself")
        yield _row(
            f"`{rule.name}`{required}", rule.question, spell(own) or unset, rule.advice, source
        )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def spell(limits: Mapping[str, Any]) -> str:
    """Write limits by their names."""
    return ", ".join(f"`{key}` {value:g}" for key, value in limits.items() if key != "source")


def _differences() -> Iterator[str]:
    base = load_profile(BASE).limits
    yield "| profile | rule | limits | source |"
    yield "| --- | --- | --- | --- |"
    for name in built_in():
        for rule, limits in load_profile(name).limits.items():
            if limits != base[rule]:
                yield _row(f"`{name}`", f"`{rule}`", spell(limits), limits["source"])


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

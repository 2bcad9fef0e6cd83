"""Tables as Markdown, put into the pages of ``docs/validation`` between two marks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """The table as Markdown, four figures a number."""
    lines = [list(table.columns), ["---"] * len(table.columns)]
    lines += [["" if _missing(v) else short(v) for v in row] for row in table.to_numpy(object)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def short(value: Any) -> str:
    """A value in few characters."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write(page: Path, name: str, text: str) -> None:
    """Replace the part of a page between the marks of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before = page.read_text()
    pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
    if not pattern.search(before):
        raise SystemExit(f"{page.name} has no place for '{name}': it needs {begin} and {end}")
    page.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", before))


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN

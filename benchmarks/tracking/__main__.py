"""``python -m benchmarks.tracking [--write] [spots] [linking] [pooled] [flow] [blank]``.

Each table has its file here, whose docstring says what it shows; all by default. ``--write`` also
puts it into ``docs/validation/tracking.md``. Seeds from 1000 on are for these tables only: what
was tuned was tuned on smaller ones.
"""

from __future__ import annotations

import importlib
import re
import sys

import cv2

from benchmarks.cache import ROOT, markdown

TABLES = ("spots", "linking", "pooled", "flow", "blank")
PAGE = ROOT / "docs" / "validation" / "tracking.md"


def write(name: str, text: str) -> None:
    """Replace a table of the page, between its two marks."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    page = PAGE.read_text()
    pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{PAGE.name} has no place for '{name}': it needs {begin} and {end}")
    PAGE.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", page))


def main(arguments: list[str]) -> None:
    """Run the tables named."""
    names = [name for name in arguments if name != "--write"] or list(TABLES)
    unknown = sorted(set(names) - set(TABLES))
    if unknown:
        raise SystemExit(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    cv2.setNumThreads(1)
    for name in names:
        text = markdown(importlib.import_module(f"benchmarks.tracking.{name}").table())
        print(f"\n{name}\n\n{text}\n", flush=True)
        if "--write" in arguments:
            write(name, text)


if __name__ == "__main__":
    main(sys.argv[1:])

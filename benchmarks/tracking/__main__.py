"""``python -m benchmarks.tracking [--write] [spots] [linking] [pooled] [flow] [moving] [blank]``.

Each table has its file here, whose docstring says what it shows; all by default. ``--write`` also
puts it into ``docs/validation/tracking.md``. Seeds from 1000 on are for these tables only: what
was tuned was tuned on smaller ones.
"""

from __future__ import annotations

import importlib
import sys

import cv2

from benchmarks.cache import ROOT
from benchmarks.pages import markdown, write

TABLES = ("spots", "linking", "pooled", "flow", "moving", "blank")
PAGE = ROOT / "docs" / "validation" / "tracking.md"


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
            write(PAGE, name, text)


if __name__ == "__main__":
    main(sys.argv[1:])

"""``python -m benchmarks.accuracy [--quick] [--write] [--saspt PYTHON] [--jobs N] [PART ...]``.

From trajectories: ``spread`` of single tracks, second ``peaks``, ``distance`` to the truth,
``coverage`` of the intervals. From whole simulated films: ``single`` sizes, ``sharp`` spots
narrower than a pixel, ``mixed`` populations, ``flow``; numbers per volume: ``classes``,
``concentration``, and ``anywhere``, forty instruments and samples drawn at random. All by
default. Works through all seeds, keeps each result and goes on where it was stopped; prints the
tables, with ``--write`` puts them into ``docs/validation/accuracy.md`` and ``counting.md``; exits
with 1 where a "must" is missed. Seeds below 1000 were used while the code was written, those here
were not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.accuracy import (
    anywhere,
    counting,
    counting_plot,
    coverage,
    distance,
    peaks,
    recordings,
    spread,
)
from benchmarks.cache import ROOT, rows
from benchmarks.pages import markdown, write

PAGE = ROOT / "docs" / "validation" / "accuracy.md"
PICTURE = ROOT / "docs" / "images" / "counting.svg"
COUNTING_PAGE = PAGE.with_name("counting.md")
FIRST_SEED = 10_000
COVERAGE_MUST = (0.92, 0.975)
WIDTH_MUST = 1.3
TRACKS = ("evsize/diffusion", "evsize/sizing", "benchmarks/accuracy/sheet.py")
"""Code on which figures from trajectories depend, beside the part's own file."""


class Options(NamedTuple):
    """What was asked for."""

    quick: bool
    saspt: str | None
    jobs: int

    def rows(
        self, part: str, compute: Callable[..., Any], cells: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """A row a cell of a part whose rows need no picture."""
        sources = (*TRACKS, f"benchmarks/accuracy/{part}.py")
        found = rows(f"accuracy-{part}", cells, compute, sources, self.jobs)
        return [{str(key): value for key, value in row.items()} for row in found.to_dict("records")]


Part = Callable[[Options], tuple[pd.DataFrame, list[str]]]


def of_spread(options: Options) -> tuple[pd.DataFrame, list[str]]:
    """Spread of single-track D over the bound, the noise known."""
    cells = [{"regime": regime, "seed": FIRST_SEED} for regime in ("nanosight", "zetaview")]
    found = options.rows("spread", _spread, cells)
    table = pd.DataFrame([{"regime": row["regime"]} | one for row in found for one in row["rows"]])
    bad = table[table["ratio"] > 1.15]
    return table, [f"spread of D, {row.regime}: {row.ratio:.2f} x" for row in bad.itertuples()]


def _spread(regime: str, seed: int) -> dict[str, Any]:
    return {"rows": spread.one(regime, seed)}


def of_peaks(options: Options) -> tuple[pd.DataFrame, list[str]]:
    """Second peaks: two sizes at least 0.8, one population at most 0.05."""
    n = 20 if options.quick else 100
    cells = [{"kind": kind, "seed": seed} for kind in peaks.KINDS for seed in _seeds(n)]
    found = options.rows("peaks", peaks.one, cells)
    table, missed = [], []
    for kind, width in peaks.KINDS.items():
        share = peaks.share_of_two([row for row in found if row["kind"] == kind])
        table.append({"population": kind, "share with two peaks": share, "seeds": n})
        if share > 0.05 if width else share < 0.8:
            missed.append(f"second peak, {kind}: in {share:.0%} of seeds")
    return pd.DataFrame(table), missed


def of_distance(options: Options) -> tuple[pd.DataFrame, list[str]]:
    """1-Wasserstein distance to the truth, nm: at most half of saspt's."""
    studies = ("vesicles, nanosight", "vesicles, zetaview", "two sizes, zetaview")
    n = 3 if options.quick else 10
    cells = [{"name": name, "seed": seed} for name in studies for seed in _seeds(n)]
    part = partial(distance.one, saspt=options.saspt)
    found = pd.DataFrame(options.rows("distance", part, cells))
    table = found.drop(columns="seed").groupby("name", sort=False).mean().reset_index()
    missed = [
        f"distance, {row['name']}: {row['evsize'] / row['saspt']:.2f} of saspt's"
        for row in table.to_dict("records")
        if row["evsize"] > 0.5 * row.get("saspt", np.inf)
    ]
    return table.assign(seeds=n), missed


def of_coverage(options: Options) -> tuple[pd.DataFrame, list[str]]:
    """95 % intervals: coverage 0.92 to 0.975, width at most 1.3 of the spread."""
    n = 20 if options.quick else 400
    cells = [{"name": name, "seed": seed} for name in coverage.STUDIES for seed in _seeds(n)]
    found = options.rows("coverage", coverage.one, cells)
    table = [
        row
        for name in coverage.STUDIES
        for row in coverage.table(name, [row for row in found if row["name"] == name])
    ]
    low, high = COVERAGE_MUST
    missed = [
        f"coverage of {row['figure']}, {row['study']}: {row['coverage']:.1%}"
        for row in table
        if not low <= row["coverage"] <= high
    ]
    missed += [
        f"width of {row['figure']}, {row['study']}: {row['width']:.2f}"
        for row in table
        if row["width"] > WIDTH_MUST
    ]
    return pd.DataFrame(table), missed


def of_films(kind: str, options: Options) -> tuple[pd.DataFrame, list[str]]:
    """Whole simulated films."""
    return recordings.table(kind, options.quick, options.jobs)


def of_counting(kind: str, options: Options) -> tuple[pd.DataFrame, list[str]]:
    """Numbers per volume."""
    return counting.table(kind, options.quick, options.jobs)


def of_anywhere(options: Options) -> tuple[pd.DataFrame, list[str]]:
    """Forty instruments and samples drawn at random: intervals hold in at least 36."""
    return anywhere.table(options.quick, options.jobs)


def _seeds(n: int) -> range:
    return range(FIRST_SEED, FIRST_SEED + n)


COUNTING = ("classes", "concentration")
PARTS: Mapping[str, Part] = {
    "spread": of_spread,
    "peaks": of_peaks,
    "distance": of_distance,
    "coverage": of_coverage,
    "single": partial(of_films, "single"),
    "sharp": partial(of_films, "sharp"),
    "mixed": partial(of_films, "mixed"),
    "flow": partial(of_films, "flow"),
    "classes": partial(of_counting, "classes"),
    "concentration": partial(of_counting, "concentration"),
    "anywhere": of_anywhere,
}


def main() -> int:
    """Run the parts asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="few seeds: minutes, not hours")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--saspt", metavar="PYTHON", help="interpreter that has saspt")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    if unknown := sorted(set(args.part) - set(PARTS)):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    options = Options(args.quick, args.saspt, args.jobs)
    missed: list[str] = []
    for name in args.part or PARTS:
        table, bad = PARTS[name](options)
        print(f"\n{name}\n\n{markdown(table)}\n", flush=True)
        missed += bad
        if args.write:
            write(COUNTING_PAGE if name in COUNTING else PAGE, name, markdown(table))
        if args.write and name == "classes":
            counting_plot.draw(counting.films(name, args.quick, args.jobs), PICTURE)
    print("\nmissed: " + ("; ".join(missed) if missed else "nothing"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m benchmarks.accuracy tracks [--quick] [--saspt PYTHON] [--jobs N]``.

Works through all seeds, keeps each result under ``--cache`` and goes on where it was stopped.
Prints the tables; exits with 1 where a "must" is missed. Seeds below 1000 were used while the code
was written, those used here were not.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy import coverage, distance, peaks, spread
from benchmarks.accuracy.cache import rows

FIRST_SEED = 10_000
COVERAGE_MUST = (0.92, 0.975)
WIDTH_MUST = 1.3


def main() -> int:
    """Run the parts asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("part", choices=["tracks"], nargs="?", default="tracks")
    parser.add_argument("--quick", action="store_true", help="few seeds: minutes, not hours")
    parser.add_argument("--saspt", metavar="PYTHON", help="interpreter that has saspt")
    parser.add_argument("--cache", type=Path, default=Path("build/accuracy"))
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    missed = tracks(args.cache, args.quick, args.saspt, args.jobs)
    print("\nmissed: " + ("; ".join(missed) if missed else "nothing"))
    return 1 if missed else 0


def tracks(cache: Path, quick: bool, saspt: str | None, jobs: int) -> list[str]:
    """Everything that needs no picture."""
    missed: list[str] = []
    _spread(cache, missed)
    _peaks(cache, 20 if quick else 100, jobs, missed)
    _distance(cache, 3 if quick else 10, saspt, jobs, missed)
    _coverage(cache, 20 if quick else 400, jobs, missed)
    return missed


def _seeds(n: int) -> range:
    return range(FIRST_SEED, FIRST_SEED + n)


def _show(title: str, table: list[dict[str, object]]) -> None:
    print(
        f"\n{title}\n{pd.DataFrame(table).to_string(index=False, float_format='%.3g')}", flush=True
    )


def _spread(cache: Path, missed: list[str]) -> None:
    for regime in ("nanosight", "zetaview"):
        work = partial(_spread_row, regime)
        table = rows(cache, f"spread {regime}", work, [FIRST_SEED])[0]["rows"]
        _show(f"Spread of single-track D over the bound, {regime} (must: 1.15)", table)
        worst = max(row["ratio"] for row in table)
        if worst > 1.15:
            missed.append(f"spread of D, {regime}: {worst:.2f} of the bound")


def _spread_row(regime: str, seed: int) -> dict[str, object]:
    return {"rows": spread.one(regime, seed)}


def _peaks(cache: Path, n: int, jobs: int, missed: list[str]) -> None:
    table: list[dict[str, object]] = []
    for kind, width in peaks.KINDS.items():
        found = rows(cache, f"peaks {kind}", partial(peaks.one, kind), _seeds(n), jobs)
        share = peaks.share_of_two(found)
        table.append({"population": kind, "share with two peaks": share, "seeds": n})
        if share > 0.05 if width else share < 0.8:
            missed.append(f"second peak, {kind}: in {share:.0%} of seeds")
    _show("Second peaks (must: two sizes >= 0.8, one population <= 0.05)", table)


def _distance(cache: Path, n: int, saspt: str | None, jobs: int, missed: list[str]) -> None:
    table: list[dict[str, object]] = []
    for name in ("vesicles, nanosight", "vesicles, zetaview", "two sizes, zetaview"):
        work = partial(_distance_row, name, saspt)
        beside = "with saspt" if saspt else "alone"
        found = rows(cache, f"distance {beside} {name}", work, _seeds(n), jobs)
        mean = {way: float(np.mean([row[way] for row in found])) for way in found[0]}
        table.append({"study": name} | mean | {"seeds": n})
        if saspt and mean["evsize"] > 0.5 * mean["saspt"]:
            missed.append(f"distance, {name}: {mean['evsize'] / mean['saspt']:.2f} of saspt's")
    _show("1-Wasserstein distance to the truth, nm (must: half of saspt's)", table)


def _distance_row(name: str, saspt: str | None, seed: int) -> dict[str, object]:
    return dict(distance.one(name, seed, saspt))


def _coverage(cache: Path, n: int, jobs: int, missed: list[str]) -> None:
    for name in coverage.STUDIES:
        found = rows(cache, f"coverage {name}", partial(coverage.one, name), _seeds(n), jobs)
        table = coverage.table(name, found)
        _show(f"95 % intervals, {name} (must: 0.92 to 0.975, width 1.3)", table)
        for row in table:
            low, high = COVERAGE_MUST
            if not low <= row["coverage"] <= high:
                missed.append(f"coverage of {row['figure']}, {name}: {row['coverage']:.1%}")
            if row["width"] > WIDTH_MUST:
                missed.append(f"width of {row['figure']}, {name}: {row['width']:.2f}")


if __name__ == "__main__":
    sys.exit(main())

"""``python -m benchmarks.quality [--write] [good] [bad]``: do the rules see what they should?

``good``: 40 recordings with nothing wrong, over both instruments, sizes from 80 to 150 nm and
mixtures, 12 to 140 particles a frame, exposures of 10 to 70 % of the frame and a flow of up to 2 px
a frame. None may fail, at most two may warn. The ten bright enough to show 70 nm are searched for
missed particles as well; in the others the user has left that out. Eight, the fewest and the most
particles a frame among them, are as long as the rules want; of the others a quarter is filmed, and
`tracks_used` and `duration` ask for a quarter (what is left to chance varies twice as much).

``bad``: a good recording altered in one way a row. Flagged must be the rule in question and those
that it implies, which the row names; nothing else.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import evsize
from benchmarks import cache, quality_bad
from benchmarks.detection import REGIMES
from benchmarks.pages import markdown, write
from benchmarks.quality_bad import DEEP, WRONG
from benchmarks.quality_implied import IMPLIED
from evsize.settings import CompletenessSettings, Settings, SizingSettings
from evsize.simulation import Scene, in_memory, photons_for_snr

PAGE = cache.ROOT / "docs" / "validation" / "quality.md"
SOURCES = ("evsize", "benchmarks/quality.py", "benchmarks/detection.py")
SOURCES_BAD = ("evsize", "benchmarks/quality_bad.py")
EXPOSURES = (0.1, 0.3, 0.5, 0.7)
FLOWS_PX = {"nanosight": (0.0, 1.0, 2.0), "zetaview": (0.0, 0.5, 1.0)}
# population, size (nm) that has the SNR, SNR, width, height (px), frames
GOOD: Mapping[str, tuple[tuple[str, float, float, int, int, int], ...]] = {
    "nanosight": (
        ("100nm:95", 100, 20, 640, 480, 760),
        ("100nm:24", 100, 25, 260, 190, 3000),
        ("80nm:75", 80, 20, 480, 360, 900),
        ("120nm:50", 120, 20, 400, 300, 1500),
        ("150nm:60", 150, 20, 420, 320, 1600),
        ("110nm~0.2:45", 100, 60, 540, 420, 1000),
        ("100nm:40, 160nm:10", 100, 60, 540, 420, 900),
        ("100nm:220", 100, 20, 800, 600, 760),
    ),
    "zetaview": (
        ("100nm:75", 100, 20, 320, 240, 1600),
        ("100nm:22", 100, 25, 150, 110, 7500),
        ("80nm:60", 80, 20, 300, 220, 1900),
        ("120nm:110", 120, 20, 420, 320, 1300),
        ("150nm:70", 150, 20, 320, 240, 2400),
        ("110nm~0.2:60", 100, 60, 320, 240, 1800),
        ("100nm:60, 160nm:12", 100, 60, 320, 240, 1800),
        ("100nm:185", 100, 20, 600, 450, 960),
    ),
}
QUARTER = """
[tracks_used]
warn_below = 200
fail_below = 50

[duration]
warn_below = 7
fail_below = 2
"""
WHOLE = (0, 1, 6, 7)
"""Kinds of which the first film is as long as the rules want."""
REPEATS = (3, 3, 3, 3, 2, 2, 3, 1)
FIRST_SEED = 2500
BAD_SEED = 2700


def good() -> pd.DataFrame:
    """Recordings with nothing wrong."""
    return cache.rows("quality-good", good_cells(), good_row, SOURCES)


def good_cells() -> list[dict[str, Any]]:
    """Arguments of `good_row`."""
    cells = []
    for regime, kinds in GOOD.items():
        for which, (kind, repeats) in enumerate(zip(kinds, REPEATS, strict=True)):
            for repeat in range(repeats):
                n = len(cells)
                names = ("population", "at_nm", "snr", "width", "height", "frames")
                cells.append(
                    {
                        "regime": regime,
                        **dict(zip(names, kind, strict=True)),
                        "part": 1.0 if repeat == 0 and which in WHOLE else 0.25,
                        "exposure": EXPOSURES[n % 4],
                        "flow_px": FLOWS_PX[regime][n % 3],
                        "seed": FIRST_SEED + n,
                    }
                )
    return cells


def good_row(
    regime: str,
    population: str,
    at_nm: float,
    snr: float,
    width: int,
    height: int,
    frames: int,
    part: float,
    exposure: float,
    flow_px: float,
    seed: int,
) -> cache.Row:
    """Analyse a recording, or a part of it; what speaks against it."""
    scene = make_scene(regime, population, at_nm, snr, width, height, exposure, flow_px)
    counted = snr > 40  # the others are too faint to see 70 nm, and would rightly be told so
    film = in_memory(scene, round(frames * part), seed)[0]
    with tempfile.TemporaryDirectory(prefix="evsize-quality-") as folder:
        path = Path(folder, "quarter.toml")
        path.write_text(QUARTER)
        profile = "general" if part == 1 else str(path)
        result = analyze(film, scene, counted=counted, qc={"profile": profile})
    tracks = result.summary.tracks
    return {
        "per_frame": round(tracks.particles_per_frame, 1),
        "tracks": tracks.n_used,
        "counted": "yes" if counted else "",
        "verdict": result.qc.verdict,
        "against": spell(result),
    }


def make_scene(
    regime: str,
    population: str,
    at_nm: float,
    snr: float,
    width: int,
    height: int,
    exposure: float,
    flow_px: float = 0.0,
) -> Scene:
    """Scene whose particles of ``at_nm`` have an SNR at rest in focus."""
    base = REGIMES[regime]()
    deep = {"camera": DEEP} if "," in population or "~" in population else {}
    scene = REGIMES[regime](
        population,
        width_px=width,
        height_px=height,
        exposure_ms=1e3 * exposure / base.frame_rate_hz,
        flow_um_s=(flow_px * base.pixel_size_um * base.frame_rate_hz, 0.0),
        **deep,
    )
    return scene.changed(photons_at_100nm=photons_for_snr(scene, at_nm, snr))


def analyze(
    frames: Any, scene: Scene, *, counted: bool, given: Mapping[str, Any] | None = None, **more: Any
) -> evsize.Analysis:
    """Analyse frames as they were made; `given` and settings in `more` change that."""
    names = ("pixel_size_um", "frame_rate_hz", "exposure_ms", "temperature_c", "medium", "depth_um")
    known = {name: getattr(scene, name) for name in names} | dict(given or {})
    settings = Settings(
        **{
            "sizing": SizingSettings(n_bootstrap=20),  # no rule looks at intervals
            "completeness": CompletenessSettings(mode="auto" if counted else "off"),
            **more,
        }
    )
    known = {name: value for name, value in known.items() if value is not None}
    return evsize.analyze(evsize.open_recording(frames, **known), settings)


def against(result: evsize.Analysis) -> dict[str, str]:
    """Rules that speak against a result, with their status."""
    told = ("warn", "fail", "no_data")
    return {each.rule: each.status for each in result.qc.findings if each.status in told}


def spell(result: evsize.Analysis) -> str:
    """Write what speaks against a result: each rule, its status, what it measured and the limit."""
    return "; ".join(
        f"{each.rule} {each.status} {each.measured if each.measured is not None else ''} "
        f"[{each.limit}]"
        for each in result.qc.findings
        if each.rule in against(result)
    )


def bad() -> pd.DataFrame:
    """A good recording altered in one way a row."""
    cells = [
        {"number": n, "rule": wrong.rule, "seed": BAD_SEED + n} for n, wrong in enumerate(WRONG)
    ]
    table = cache.rows("quality-bad", cells, quality_bad.row, SOURCES_BAD)
    for n, row in table.iterrows():
        implied = IMPLIED.get(row["rule"], {})
        unexpected = [name for name in row["others"] if name not in implied]
        right = row["status"] != "not seen" and not unexpected
        table.loc[n, "implied"] = ", ".join(name for name in row["others"] if name in implied)
        table.loc[n, "unexpected"] = ", ".join(unexpected)
        table.loc[n, "as it should"] = "yes" if right else "NO"
    return table.drop(columns=["number", "seed", "others"])


TABLES = {"good": good, "bad": bad}


def main(arguments: list[str]) -> None:
    """Run the tables named."""
    for name in [name for name in arguments if name != "--write"] or list(TABLES):
        text = markdown(TABLES[name]())
        print(f"\n{name}\n\n{text}\n", flush=True)
        if "--write" in arguments:
            write(PAGE, name, text)


if __name__ == "__main__":
    main(sys.argv[1:])

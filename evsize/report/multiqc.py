"""Results for MultiQC: general statistics with verdicts, a map of findings, size curves.

MultiQC takes a section from each file whose name ends in ``_mqc.json``; nothing of MultiQC is
needed to write them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from evsize.report import words
from evsize.results import Report
from evsize.storage import printable, whole_file

STATISTICS_FILE = "evsize_mqc.json"
FINDINGS_FILE = "evsize_findings_mqc.json"
SIZES_FILE = "evsize_sizes_mqc.json"
PARENT = {
    "parent_id": "evsize",
    "parent_name": "evsize",
    "parent_description": "Sizes of extracellular vesicles from nanoparticle tracking",
}
LEVELS = {"pass": 0, "waived": 1, "warn": 2, "no_data": 2, "fail": 3}
COLOURS = {"pass": "#2e7d32", "waived": "#7fb3d5", "warn": "#f0ad4e", "fail": "#c62828"}
EXOSOME_NM = (40, 160)
SMALLEST_SHARE = 1e-3
"""Of the highest point of a curve: below it a curve is not drawn."""


class Sections:
    """What MultiQC is to show, gathered one result at a time."""

    def __init__(self) -> None:
        self.statistics: dict[str, dict[str, float | str]] = {}
        self.findings: dict[str, dict[str, int | None]] = {}
        self.sizes: dict[str, list[list[float]]] = {}

    def add(self, name: str, report: Report, folder: Path) -> None:
        """Take a result; its curve is read from its folder."""
        name = self._own_name(name)
        self.statistics[name] = _statistics(report)
        self.findings[name] = {
            finding.rule: LEVELS.get(finding.status)
            for finding in report.qc.findings
            if finding.scope == "recording"
        }
        curve = _curve(folder)
        if curve:
            self.sizes[name] = curve

    def _own_name(self, name: str) -> str:
        """A name that stays apart: MultiQC cuts names at what looks like an ending to it."""
        plain = printable(name).replace(".", "_")
        own, n = plain, 2
        while own in self.statistics:
            own, n = f"{plain} ({n})", n + 1
        return own

    def write(self, out: Path) -> None:
        """Write a file a section; a section with nothing in it has none."""
        files = {
            STATISTICS_FILE: _general_statistics(self.statistics),
            FINDINGS_FILE: _heatmap(self.findings) if self.findings else None,
            SIZES_FILE: _lines(self.sizes) if self.sizes else None,
        }
        for file, content in files.items():
            if content is None:
                (out / file).unlink(missing_ok=True)
                continue
            with whole_file(out / file) as partial:
                text = json.dumps(content, indent=1, allow_nan=False)
                partial.write_text(text + "\n", encoding="utf-8")


def _statistics(report: Report) -> dict[str, float | str]:
    shares = {item.name: item.fraction.value for item in report.classes}
    concentration = report.concentration_per_ml
    known = {
        "verdict": report.qc.verdict,
        "d50_nm": report.distribution.d50_nm.value,
        "mode_nm": report.distribution.mode_nm.value,
        "exosome_percent": _percent(shares.get("exosome-size")),
        "concentration_per_ml": concentration.value if concentration else None,
        "tracks_used": report.tracks.n_used,
    }
    return {name: value for name, value in known.items() if value is not None}


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _general_statistics(statistics: Mapping[str, Any]) -> dict[str, Any]:
    size = {"suffix": " nm", "format": "{:,.1f}", "scale": "Blues", "min": 0}
    verdicts = ("pass", "warn", "fail")
    badge = {
        "title": "Verdict",
        "description": "May the numbers be used? Quality verdict of evsize",
        "scale": False,
        "cond_formatting_rules": {name: [{"s_eq": name}] for name in verdicts},
        "cond_formatting_colours": [{name: COLOURS[name]} for name in verdicts],
    }
    exosomes = {
        "title": "40-160 nm",
        "description": "Share of particles of exosome size",
        "suffix": " %",
        "format": "{:,.1f}",
        "scale": "Purples",
        "min": 0,
        "max": 100,
    }
    concentration = {
        "title": "Per mL",
        "description": "Particles in a mL of the undiluted sample",
        "format": "{:.2e}",
        "scale": "Oranges",
    }
    tracks = {
        "title": "Tracks",
        "description": "Tracks that carry a size",
        "format": "{:,.0f}",
        "scale": "Greens",
        "min": 0,
    }
    columns: dict[str, dict[str, Any]] = {
        "verdict": badge,
        "d50_nm": {"title": "Median", "description": "Median diameter", **size},
        "mode_nm": {"title": "Mode", "description": "Most frequent diameter", **size},
        "exosome_percent": exosomes,
        "concentration_per_ml": concentration,
        "tracks_used": tracks,
    }
    return {
        "id": "evsize_statistics",
        "plot_type": "generalstats",
        "pconfig": [{name: {"namespace": "evsize", **values}} for name, values in columns.items()],
        "data": statistics,
    }


def _heatmap(findings: Mapping[str, Mapping[str, int | None]]) -> dict[str, Any]:
    """Map of rules and recordings; rules that apply nowhere are left out."""
    rules = list(dict.fromkeys(rule for found in findings.values() for rule in found))
    told = [rule for rule in rules if any(f.get(rule) is not None for f in findings.values())]
    edges = (("pass", 0.0), ("waived", 1 / 3), ("warn", 2 / 3), ("fail", 1.0))
    return {
        "id": "evsize_findings",
        **PARENT,
        "section_name": "Quality findings",
        "description": "Each quality rule on each recording: 0 pass, 1 waived, 2 warn or no data, "
        "3 fail; empty where a rule does not apply.",
        "plot_type": "heatmap",
        "xcats": [words.plain(rule) for rule in told],
        "ycats": list(findings),
        "pconfig": {
            "id": "evsize_findings_plot",
            "title": "evsize: quality findings",
            "xlab": "rule",
            "ylab": "recording",
            "zlab": "finding",
            "min": 0,
            "max": 3,
            "square": False,
            "xcats_samples": False,
            "cluster_rows": False,
            "cluster_cols": False,
            "display_values": False,
            "colstops": [[at, COLOURS[name]] for name, at in edges],
        },
        "data": [[found.get(rule) for rule in told] for found in findings.values()],
    }


def _lines(sizes: Mapping[str, list[list[float]]]) -> dict[str, Any]:
    low, high = EXOSOME_NM
    band = {"from": low, "to": high, "color": "#e3ecf7"}
    return {
        "id": "evsize_sizes",
        **PARENT,
        "section_name": "Size distributions",
        "description": "Corrected for the error of tracking. Shaded: exosome sizes, "
        f"{low} to {high} nm; size alone does not show where a particle came from.",
        "plot_type": "linegraph",
        "pconfig": {
            "id": "evsize_sizes_plot",
            "title": "evsize: size distributions",
            "xlab": "diameter (nm)",
            "ylab": "share of the particles for each factor e of diameter",
            "xlog": True,
            "ymin": 0,
            "x_bands": [band],
        },
        "data": sizes,
    }


def _curve(folder: Path) -> list[list[float]]:
    """Points (diameter, nm; share for each factor e) of a result's distribution, rounded."""
    try:
        table = pd.read_csv(folder / "distribution.csv")
        width = (table["bin_high_nm"] / table["bin_low_nm"]).map(math.log)
        density = table["fraction"] / width
    except (OSError, KeyError, ValueError):  # a broken table is told where it is read whole
        return []
    drawn = density >= SMALLEST_SHARE * density.max()
    near = drawn | drawn.shift(1, fill_value=False) | drawn.shift(-1, fill_value=False)
    near &= density.notna()  # sizes too small to be seen have no share
    points = zip(table["diameter_nm"][near], density[near], strict=True)
    return [[float(f"{x:.4g}"), float(f"{y:.4g}")] for x, y in points]

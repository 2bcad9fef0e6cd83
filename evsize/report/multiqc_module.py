"""The module that MultiQC finds where evsize is installed beside it (extra ``multiqc``).

It reads the ``result.json`` of every result and draws how many rules passed, warned and failed; the
other sections come from the files that evsize writes (`evsize.report.multiqc`).
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from multiqc import config
from multiqc.base_module import BaseMultiqcModule, ModuleNoSamplesFound
from multiqc.plots import bargraph

from evsize.report import words
from evsize.report.multiqc import COLOURS

PATTERN = {"fn": "result.json", "contents": '"schema": "evsize/1"', "num_lines": 5}
STATUSES = {
    "pass": COLOURS["pass"],
    "waived": COLOURS["waived"],
    "warn": COLOURS["warn"],
    "no_data": "#f7dfb6",
    "fail": COLOURS["fail"],
}


def register() -> None:
    """Tell MultiQC which files are ours; called by it when it starts."""
    config.update_dict(config.sp, {"evsize": PATTERN})


class MultiqcModule(BaseMultiqcModule):  # type: ignore[misc]  # MultiQC is not typed here
    """Findings of each result as a bar."""

    def __init__(self) -> None:
        super().__init__(
            name="evsize: quality",
            anchor="evsize_quality",
            info="Quality rules of nanoparticle tracking, asked of each recording.",
        )
        counts: dict[str, dict[str, int]] = {}
        for file in self.find_log_files("evsize"):
            try:
                report = json.loads(file["f"])
                found = count_statuses(report)
                version = str(report["provenance"]["evsize"])
            except (ValueError, KeyError, TypeError):  # not ours after all, or cut
                continue
            name = _own_name(self.clean_s_name(Path(file["root"]).name, file), counts)
            counts[name] = found
            self.add_data_source(file, name)
            self.add_software_version(version, name)
        counts = self.ignore_samples(counts)
        if not counts:
            raise ModuleNoSamplesFound
        self.write_data_file(counts, "multiqc_evsize_quality")
        categories = {
            status: {"name": words.plain(status), "color": colour}
            for status, colour in STATUSES.items()
        }
        settings = {
            "id": "evsize_quality_plot",
            "title": "evsize: quality rules",
            "ylab": "rules",
            "cpswitch": False,
        }
        self.add_section(
            name="Quality rules",
            anchor="evsize_quality_rules",
            description="How many rules each recording passed; rules that do not apply are left "
            "out. One fail fails the recording.",
            plot=bargraph.plot(counts, categories, settings),
        )


def count_statuses(report: dict[str, Any]) -> dict[str, int]:
    """Count the findings of a ``result.json`` by status, those that do not apply left out."""
    counted = Counter(finding["status"] for finding in report["qc"]["findings"])
    return {status: counted[status] for status in STATUSES}


def _own_name(name: str, taken: dict[str, Any]) -> str:
    own, n = name, 2
    while own in taken:
        own, n = f"{name} ({n})", n + 1
    return own

"""The module for MultiQC, in an environment that has it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evsize import storage
from tests.contract import example

pytest.importorskip("multiqc")


@pytest.mark.slow
def test_multiqc_shows_our_sections(tmp_path: Path) -> None:
    from evsize.report import Outcome, write_overview

    outcomes = []
    for name in ("a", "b"):
        with storage.whole_folder(tmp_path / "results" / name) as partial:
            storage.write_result(example.result(), partial)
        outcomes.append(Outcome("a.tif", tmp_path / "results" / name, example.summary()))
    write_overview(outcomes, tmp_path / "results")
    arguments = ["multiqc", str(tmp_path / "results"), "-o", str(tmp_path / "out"), "--strict"]
    done = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "out/multiqc_data/multiqc_data.json").read_text())
    counts = data["report_saved_raw_data"]["multiqc_evsize_quality"]
    assert counts["a"] == {"pass": 1, "waived": 0, "warn": 1, "no_data": 1, "fail": 0}
    page = (tmp_path / "out/multiqc_report.html").read_text()
    for heading in ("Quality findings", "Size distributions", "Quality rules"):
        assert heading in page

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from evsize.analysis import Analysis
from evsize.cli.main import main
from evsize.report.comparison import rebinned
from evsize.results import Estimate
from evsize.vendors.tables import binned_table
from tests.contract import example
from tests.vendors import makers

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return Analysis.of(example.result()).save(tmp_path / "result")


@pytest.fixture
def summary(tmp_path: Path) -> Path:
    path = tmp_path / "ExperimentSummary.csv"
    path.write_text(makers.experiment_summary("3.4"))
    return path


def test_both_are_printed_and_drawn(result: Path, summary: Path, capsys: Capture) -> None:
    assert main(["compare", str(result), str(summary)]) == 0
    text = capsys.readouterr().out
    assert "NanoSight NTA 3.4 ExperimentSummary" in text
    assert "mean of 2 videos" in text
    assert "110 nm" in text  # of 100 and 120
    assert "100 to 120" in text
    assert "22.348 to 22.5 degC" in text
    drawing = (result / "comparison.svg").read_text(encoding="utf-8")
    root = ET.fromstring(drawing)
    assert len([e for e in root.iter() if e.tag.endswith("polyline")]) == 2
    assert main(["compare", str(result), str(summary)]) == 0  # drawn anew from the same


def test_figures_for_machines(result: Path, summary: Path, tmp_path: Path, capsys: Capture) -> None:
    drawing = tmp_path / "a.svg"
    assert main(["compare", str(result), str(summary), "--json", "-o", str(drawing)]) == 0
    content = json.loads(capsys.readouterr().out)
    figures = {row["name"]: row for row in content["figures"]}
    assert figures["mean"]["vendor"] == 110
    ours = figures["mean"]["evsize"]["value"]
    assert figures["mean"]["difference_percent"] == pytest.approx(100 * (ours / 110 - 1))
    assert figures["concentration"]["vendor"] == pytest.approx((2.5e7 + 6e7) / 2)
    assert drawing.exists()
    assert main(["compare", str(result), str(summary), "-o", str(drawing)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_the_video_of_the_same_name_is_taken(
    summary: Path, tmp_path: Path, capsys: Capture
) -> None:
    about = example.summary().recording.model_copy(update={"path": "/films/film_01.avi"})
    folder = Analysis.of(example.result(recording=about)).save(tmp_path / "named")
    assert main(["compare", str(folder), str(summary), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["vendor"]["videos"] == ["film_01"]


def test_what_cannot_be_compared_is_one_line(result: Path, tmp_path: Path, capsys: Capture) -> None:
    other = tmp_path / "a.txt"
    other.write_text("nothing\n")
    for arguments in ([str(result), str(other)], [str(tmp_path), str(other)]):
        assert main(["compare", *arguments]) == 4
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_shares_stay_the_same_in_other_bins() -> None:
    edges = np.arange(50.0, 151)
    table: pd.DataFrame = binned_table(
        edges[:-1], edges[:-1] + 0.5, edges[1:], np.ones(100), np.ones(100)
    )
    others = np.array([10, 50, 75, 80.5, 150, 400])
    np.testing.assert_allclose(rebinned(table, others), [0, 0.25, 0.055, 0.695, 0], atol=1e-12)
    assert Estimate().value is None

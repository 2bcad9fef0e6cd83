from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evsize import storage
from evsize.report import Outcome, write_overview
from tests.contract import example


def test_a_row_a_recording(tmp_path: Path) -> None:
    report = example.summary()
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    (earlier / "result.json").write_text(storage.report_json(report))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "result.json").write_text("{")
    write_overview(
        [
            Outcome("=a.tif", tmp_path / "=a", report),
            Outcome("b.tif", tmp_path / "b", error="b.tif is empty"),
        ],
        tmp_path,
    )
    table = pd.read_csv(tmp_path / "summary.csv")
    assert list(table["recording"]) == ["'=a.tif", "b.tif", "broken", "samples/ev mixture.tif"]
    first = table.iloc[0]
    assert first["verdict"] == "warn"
    assert first["tracks_used"] == 642
    assert first["d50_nm"] == report.distribution.d50_nm.value
    assert first["d50_nm_low"] < first["d50_nm"] < first["d50_nm_high"]
    assert first["exosome_size_fraction"] == 0.81
    assert np.isnan(first["sub_range_fraction"])
    assert first["misev_small_fraction"] == 0.79
    assert first["concentration_per_ml"] == 3.1e8
    assert first["result"] == "'=a"
    assert table.loc[1, "error"] == "b.tif is empty"
    assert "not a valid result" in table.loc[2, "error"]
    assert table.columns[-1] == "error"

    content = json.loads((tmp_path / "evsize_mqc.json").read_text())
    assert content["plot_type"] == "generalstats"
    assert set(content["data"]) == {"=a", "earlier"}
    columns = {name for column in content["pconfig"] for name in column}
    assert set(content["data"]["earlier"]) == columns


def test_sections_for_multiqc(tmp_path: Path) -> None:
    for name in ("a.1", "a.2", "A"):
        with storage.whole_folder(tmp_path / name) as partial:
            storage.write_result(example.result(), partial)
    write_overview([Outcome("x.tif", tmp_path / "A", example.summary(), name="a_1")], tmp_path)
    names = ["a_1", "a_1 (2)", "a_2"]
    findings = json.loads((tmp_path / "evsize_findings_mqc.json").read_text())
    assert findings["ycats"] == names
    levels = {"pass": 0, "warn": 2, "no_data": 2}
    asked = [each for each in example.FINDINGS if each.status != "not_applicable"]
    assert findings["xcats"] == [each.rule for each in asked]
    assert findings["data"] == [[levels[each.status] for each in asked]] * 3
    sizes = json.loads((tmp_path / "evsize_sizes_mqc.json").read_text())
    assert list(sizes["data"]) == names
    curve = np.array(sizes["data"]["a_2"])
    assert np.trapezoid(curve[:, 1], np.log(curve[:, 0])) == pytest.approx(1, abs=0.01)
    assert curve[curve[:, 1].argmax(), 0] == pytest.approx(98, rel=0.02)
    assert sizes["pconfig"]["x_bands"][0]["from"] == 40


def test_only_failures_still_make_a_summary(tmp_path: Path) -> None:
    write_overview([Outcome("b.tif", tmp_path / "b", error="empty")], tmp_path)
    assert pd.read_csv(tmp_path / "summary.csv").loc[0, "error"] == "empty"
    content = json.loads((tmp_path / "evsize_mqc.json").read_text())
    assert content["data"] == {}
    assert not (tmp_path / "evsize_sizes_mqc.json").exists()

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

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


def test_only_failures_still_make_a_summary(tmp_path: Path) -> None:
    write_overview([Outcome("b.tif", tmp_path / "b", error="empty")], tmp_path)
    assert pd.read_csv(tmp_path / "summary.csv").loc[0, "error"] == "empty"

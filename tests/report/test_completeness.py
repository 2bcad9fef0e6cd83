"""What the pages show of a recording whose smallest particles could not be seen."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import evsize
from evsize import storage
from evsize.report import words, write_page, write_study
from evsize.report.completeness_charts import draw_completeness, draw_depth, draw_self_check
from evsize.report.multiqc import Sections
from evsize.report.page import render
from evsize.results import Result
from evsize.tables import COMPLETENESS
from tests.contract import example
from tests.report.reading import Reader

LIMIT_NM = 62.0
NAN, HELD = re.compile(r"(?i)(?<![a-z])nan(?![a-z])"), re.compile(r'data:[^"]*')


def completeness() -> pd.DataFrame:
    size = np.geomspace(50, 400, 12)
    found = size * (1 + 0.04 * np.sin(np.arange(12)))
    return COMPLETENESS.build(
        diameter_nm=size,
        depth_um=4 * np.log(size / 45),
        depth_se_um=np.full(12, 0.3),
        recovered_diameter_nm=np.where(size < LIMIT_NM, np.nan, found),
        recovered_se_nm=0.02 * size,
    )


def result() -> Result:
    """The example; shares below the detection limit are not known."""
    whole = example.result()
    table = whole.distribution_table.copy()
    unseen = table["diameter_nm"] < LIMIT_NM
    table.loc[unseen, ["fraction", "fraction_low", "fraction_high"]] = np.nan
    return dataclasses.replace(whole, distribution_table=table, completeness=completeness())


def test_the_curve_starts_at_the_detection_limit() -> None:
    page = render(result())
    drawn = json.loads(Reader(page).curve)
    assert min(float(nm) for _, nm, *_ in drawn) >= LIMIT_NM
    assert all(math.isfinite(float(share)) for _, _, *shares in drawn for share in shares)
    assert 'class="unseen"' in page
    assert not NAN.search(HELD.sub("", page))


def test_what_was_missed_is_drawn(tmp_path: Path) -> None:
    storage.write_result(result(), tmp_path)
    reader = Reader(write_page(tmp_path).read_text(encoding="utf-8"))
    assert "What was missed" in reader.words
    assert "Self-check: simulated particles" in reader.words
    assert "completeness.csv" in reader.downloads
    assert f"Smallest diameter seen reliably: {words.figure(LIMIT_NM)} nm" in reader.words
    assert "Only the shape of the depth" not in reader.words  # the example has a concentration
    summary = example.summary(concentration_per_ml=None)
    scaleless = Reader(render(dataclasses.replace(result(), summary=summary)))
    assert "Only the shape of the depth" in scaleless.words
    assert "What was missed" not in Reader(render(example.result())).words


def test_the_charts_have_the_numbers_of_the_table() -> None:
    table = completeness()
    last = table.iloc[-1]
    said = f"to {words.figure(last['depth_um'])} um at {words.figure(last['diameter_nm'])} nm"
    assert said in draw_depth(table)
    bias = 100 * (table["recovered_diameter_nm"] / table["diameter_nm"] - 1)
    chart = draw_self_check(table)
    assert f"from {words.figure(bias.min(), 2)} to {words.figure(bias.max(), 2)} percent" in chart
    assert chart.count("<circle") == bias.notna().sum()


@pytest.mark.parametrize("rows", [0, 1])
def test_too_little_is_no_chart(rows: int) -> None:
    assert [chart for chart, _ in draw_completeness(completeness().head(rows))] == ["", ""]
    assert draw_completeness(None) == []


def test_other_pages_and_figures_take_unknown_shares(tmp_path: Path) -> None:
    made = result()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        storage.write_result(made, tmp_path / name)
    page = write_study([("a", tmp_path / "a"), ("b", tmp_path / "b")], tmp_path / "study.html")
    assert not NAN.search(HELD.sub("", page.read_text(encoding="utf-8")))
    sections = Sections()
    sections.add("a", made.summary, tmp_path / "a")
    sections.write(tmp_path)  # its JSON has no NaN
    lowest = min(x for x, _ in sections.sizes["a"])
    assert lowest >= LIMIT_NM * 0.99
    curve = evsize.Analysis.of(made).plot_distribution().lines[0].get_data()
    assert np.isnan(curve[1][curve[0] < LIMIT_NM]).all()


def test_nothing_above_the_limit_is_a_page_too() -> None:
    made = result()
    table = made.distribution_table.copy()
    table[["fraction", "fraction_low", "fraction_high"]] = np.nan
    assert "<svg" in render(dataclasses.replace(made, distribution_table=table))

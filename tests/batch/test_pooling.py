"""Recordings -> replicates -> samples -> conditions."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evsize.batch.comparison import compare
from evsize.batch.entry import Entry
from evsize.batch.pooling import CONCENTRATION, PER_SEEN, PER_VOLUME, Measured, from_scale, pool
from evsize.batch.tables import write_tables
from evsize.batch.task import Ending
from evsize.qc import load_profile
from evsize.results import Estimate
from evsize.storage import whole_folder, write_result
from tests.contract import example

BINS = pd.DataFrame({"diameter_nm": [1.0, 2], "bin_low_nm": [0.5, 1.5], "bin_high_nm": [1.5, 2.5]})


def measured(
    sample: str, d50: float, replicate: str = "", condition: str = "", verdict: str = "pass", **more
) -> Measured:
    count = measured.count = getattr(measured, "count", 0) + 1
    name = f"r{count}"
    row = Entry(name, Path(name), name, sample, replicate, more.get("role", "sample"), condition)
    share = more.get("share", 0.5)
    figures = {
        "d50_nm": Estimate(value=d50, low=d50 * 0.9, high=d50 / 0.9),
        "misev_small_fraction": Estimate(value=share, low=share - 0.1, high=share + 0.1),
    }
    if "per_ml" in more:
        figures[CONCENTRATION] = Estimate(value=more["per_ml"])
    shares = np.array([[share, share - 0.1, share + 0.1], [1 - share, 0.9 - share, 1.1 - share]])
    weighting, film = more.get("weighting", PER_VOLUME), more.get("film", name)
    return Measured(row, verdict, figures, BINS, shares, weighting, film)


def test_replicates_are_the_units() -> None:
    (sample,) = pool([measured("s", 100), measured("s", 110), measured("s", 121)])
    found = sample.pooled("d50_nm")
    assert from_scale("d50_nm", found.value) == pytest.approx(110)
    half = 4.302653 * math.log(1.1) / math.sqrt(3)
    assert found.high - found.value == pytest.approx(half, rel=1e-6)
    assert found.within_sd == pytest.approx(-math.log(0.9) / 1.959964, rel=1e-6)


def test_recordings_of_a_replicate_count_once() -> None:
    many = [measured("s", 100, "1") for _ in range(9)] + [measured("s", 121, "2")]
    (sample,) = pool(many)
    assert (len(sample.recordings), len(sample.replicates)) == (10, 2)
    assert from_scale("d50_nm", sample.pooled("d50_nm").value) == pytest.approx(110)
    errors = [one.figures["d50_nm"][1] for one in sample.replicates]
    assert errors[0] == pytest.approx(errors[1] / 3)


def test_what_failed_its_quality_is_left_out_and_named() -> None:
    (sample,) = pool([measured("s", 100), measured("s", 900, verdict="fail")])
    assert from_scale("d50_nm", sample.pooled("d50_nm").value) == pytest.approx(100)
    assert [one.entry.name for one in sample.left_out] == [f"r{measured.count}"]
    (nothing,) = pool([measured("s", 900, verdict="fail")])
    assert math.isnan(nothing.pooled("d50_nm").value)
    assert nothing.distribution() is None


def test_copies_of_a_film_count_once_and_are_named() -> None:
    films = [measured("s", 100, film="one"), measured("s", 100, film="one"), measured("s", 120)]
    (sample,) = pool(films)
    copy, original = films[1].entry.name, films[0].entry.name
    assert len(sample.replicates) == 2
    assert [one.entry.name for one in sample.left_out] == [copy]
    assert sample.note == f"{copy} is the same film as {original}: counted once"
    # where the film is not known nobody can say
    assert not pool([measured("s", 100, film=""), measured("s", 100, film="")])[0].note


def test_weightings_are_not_mixed() -> None:
    films = [measured("s", 100, weighting=PER_SEEN), measured("s", 90), measured("s", 110)]
    (sample,) = pool(films)
    assert sample.weightings == {PER_VOLUME}
    assert [one.entry.name for one in sample.left_out] == [films[0].entry.name]
    assert f"{films[0].entry.name} is weighted per particle seen" in sample.note
    (alike,) = pool([measured("s", 100, weighting=PER_SEEN) for _ in range(2)])
    assert (len(alike.replicates), alike.note) == (2, "")


def test_samples_weighted_otherwise_are_not_compared() -> None:
    films = [measured("s", d50, condition="before") for d50 in (100, 101)]
    films += [measured("s", d50, condition="after", weighting=PER_SEEN) for d50 in (120, 121)]
    (row,) = compare(pool(films), ["d50_nm"])
    assert row["effect"] is None
    assert "per particle seen" in row["note"]


def test_replicates_that_agree_by_chance_prove_nothing() -> None:
    films = [measured("s", 100, condition="before") for _ in range(2)]
    films += [measured("s", 120, condition="after") for _ in range(2)]
    (row,) = compare(pool(films), ["d50_nm"])
    half = -math.log(0.9) / 1.959964 * 1.959964  # two of 5.4 % in each of two groups
    assert row["effect_high"] == pytest.approx(1.2 * math.exp(half), rel=1e-6)
    assert row["effect_low"] == pytest.approx(1.2 * math.exp(-half), rel=1e-6)


def test_samples_stay_apart_by_condition_and_role() -> None:
    everything = [
        measured("s", 100, condition="a"),
        measured("s", 100, condition="b"),
        measured("s", 100, condition="a", role="blank"),
    ]
    assert len(pool(everything)) == 3


def test_the_mean_distribution_agrees_with_the_mean_share() -> None:
    (sample,) = pool([measured("s", 100, share=share) for share in (0.2, 0.4, 0.9)])
    table = sample.distribution()
    assert table["fraction"].sum() == pytest.approx(1)
    assert table["fraction"][0] == pytest.approx(sample.pooled("misev_small_fraction").value)
    assert (table["fraction_low"] >= 0).all()
    assert (table["fraction_high"] <= 1).all()


def test_conditions_by_samples() -> None:
    before = [measured(f"b{n}", d50, condition="before") for n, d50 in enumerate((90, 100, 110))]
    after = [measured(f"a{n}", d50, condition="after") for n, d50 in enumerate((180, 200, 220))]
    (row,) = compare(pool([*before, *after]), ["d50_nm"])
    assert (row["reference"], row["condition"], row["unit"]) == ("before", "after", "samples")
    assert row["effect"] == pytest.approx(2)
    assert row["effect_low"] < 2 < row["effect_high"]
    assert row["effect_low"] * row["effect_high"] == pytest.approx(4)  # symmetric in the logarithm
    assert (row["n_reference"], row["n_condition"], row["kind"]) == (3, 3, "ratio")


def test_the_same_samples_before_and_after_are_pairs() -> None:
    sizes = (50, 100, 300)
    films = [measured(f"s{n}", d50, condition="before") for n, d50 in enumerate(sizes)]
    factors = (1.19, 1.2, 1.21)
    films += [
        measured(f"s{n}", d50 * f, condition="after", share=0.7)
        for n, (d50, f) in enumerate(zip(sizes, factors, strict=True))
    ]
    size, share = compare(pool(films), ["d50_nm", "misev_small_fraction"])
    assert size["unit"] == "pairs"
    assert size["effect"] == pytest.approx(1.2, abs=1e-3)
    # the samples' own spread, a factor of 6, does not count; their errors of 5.4 % each do
    least = 1.96 * -math.log(0.9) / 1.96 * math.sqrt(2 / 3)
    assert size["effect_high"] == pytest.approx(1.2 * math.exp(least), rel=0.01)
    assert share["kind"] == "difference"
    assert share["effect"] == pytest.approx(0.2)


def test_one_sample_each_is_compared_by_its_replicates() -> None:
    films = [measured("s", d50, condition="before") for d50 in (100, 101)]
    films += [measured("s", d50, condition="after", per_ml=1e8) for d50 in (120, 121)]
    size, number = compare(pool(films), ["d50_nm", CONCENTRATION])
    assert (size["unit"], size["n_reference"]) == ("replicates", 2)
    assert size["effect_low"] is not None
    assert number["effect"] is None
    assert (number["n_reference"], number["n_condition"]) == (0, 2)


def test_one_value_each_has_no_interval_and_says_so() -> None:
    films = [measured("s", 100, condition="a"), measured("t", 120, condition="b")]
    (row,) = compare(pool(films), ["d50_nm"])
    assert row["effect"] == pytest.approx(1.2)
    assert row["effect_low"] is None
    assert "no interval" in row["note"]


def test_blanks_and_samples_without_condition_are_not_compared() -> None:
    films = [measured("s", 100, condition="a"), measured("t", 100, condition="b", role="blank")]
    assert compare(pool([*films, measured("u", 100)]), ["d50_nm"]) == []


def test_the_tables_of_a_batch(tmp_path: Path) -> None:
    rows = [
        Entry(
            f"{n}.tif", tmp_path / f"{n}.tif", f"r{n}", "=cmd()", "", "sample", condition, row=n + 2
        )
        for n, condition in enumerate("aabb")
    ]
    endings = {row.name: Ending(row.name, "done", "warn") for row in rows}
    for row in rows[:3]:
        made = example.result()
        film = made.summary.recording.model_copy(update={"sha256": row.name.ljust(64, "0")})
        with whole_folder(tmp_path / row.name) as partial:
            write_result(
                replace(made, summary=made.summary.model_copy(update={"recording": film})), partial
            )
    endings["r3"] = Ending("r3", "failed", error="=broken", code=4)
    write_tables(rows, endings, tmp_path, load_profile("general"))
    summary = pd.read_csv(tmp_path / "summary.csv")
    assert list(summary["recording"]) == [row.recording for row in rows]
    assert list(summary["sample"]) == ["'=cmd()"] * 4
    assert summary["error"][3] == "'=broken"
    samples = pd.read_csv(tmp_path / "samples.csv")
    assert list(samples["sample"]) == ["'=cmd()"] * 2
    assert list(samples["replicates"]) == [2, 1]
    assert list(samples["interval"]) == ["between replicates", "within the only replicate"]
    assert samples["d50_nm"][0] == pytest.approx(example.summary().distribution.d50_nm.value)
    effects = pd.read_csv(tmp_path / "comparison.csv").set_index("figure")
    assert effects["effect"]["d50_nm"] == pytest.approx(1)
    bins = pd.read_csv(tmp_path / "samples_distribution.csv")
    assert bins.groupby("condition")["fraction"].sum().to_numpy() == pytest.approx(1, abs=1e-3)
    first = {path.name: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file()}
    write_tables(rows, endings, tmp_path, load_profile("general"))
    assert {name: (tmp_path / name).read_bytes() for name in first} == first
    assert not list(tmp_path.glob(".*"))
    found = pd.read_csv(tmp_path / "qc.csv")
    assert set(found["of"]) == {"recording", "sample", "batch"}
    of_samples = found[(found["of"] == "sample") & (found["rule"] == "replicates")]
    assert list(of_samples["name"]) == ["'=cmd() a", "'=cmd() b"]
    assert list(of_samples["measured"].astype(float)) == [2, 1]

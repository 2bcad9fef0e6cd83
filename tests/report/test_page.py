from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from evsize import storage
from evsize.report import words, write_page
from evsize.report.page import render
from evsize.results import RecordingInfo, Result, Value, VolumeSummary
from tests.contract import example
from tests.report.reading import Reader

HOSTILE = "<script>alert(1)</script>\"'&.tif"


def test_the_page_has_the_numbers_of_the_result(tmp_path: Path) -> None:
    """Every figure of result.json stands in its own cell, as people write it."""
    result = example.result()
    storage.write_result(result, tmp_path)
    page = write_page(tmp_path)
    assert page.name == "report.html"
    assert page.stat().st_size < 3_000_000
    reader = Reader(page.read_text(encoding="utf-8"))
    saved = storage.read_report(tmp_path)
    for key, name in words.SUMMARY_NAMES.items():
        unit = "nm" if key.endswith("_nm") else ""
        found = [
            words.estimate(getattr(part, key), unit) for part in (saved.distribution, saved.raw)
        ]
        assert reader.rows[name] == found
    for item in saved.classes:
        row = reader.rows[item.name]
        assert row[:2] == [words.size_range(item), words.share(item.fraction)]
        assert row[-2:] == [words.estimate(item.concentration_per_ml), item.note]
    for name, share in (
        ("small EV (MISEV2023)", saved.misev.small_fraction),
        ("large EV (MISEV2023)", saved.misev.large_fraction),
    ):
        assert reader.rows[name][1] == words.share(share)
    for peak in saved.distribution.peaks:
        size = words.estimate(words.peak_size(peak), "nm")
        assert reader.rows[size] == [words.share(words.peak_share(peak))]
    for name, value in (saved.acquisition | saved.settings).items():
        assert reader.rows[name] == [words.setting(value), value.source]
    for finding in saved.qc.findings:
        row = reader.rows[words.plain(finding.rule)]
        assert row[0].endswith(words.plain(finding.status))
        assert row[1:3] == [words.measured(finding.measured, finding.unit), finding.limit]
    assert "record longer, or pool three recordings" in reader.words
    assert "741 (53 %)" in reader.words
    assert words.estimate(saved.concentration_per_ml, "per mL") in reader.words
    assert reader.words.index("Size distribution") > reader.words.index("usable, but read")


def test_the_curve_has_the_numbers_of_the_table() -> None:
    result = example.result()
    drawn = json.loads(Reader(render(result)).curve)
    table = result.distribution_table.set_index(
        result.distribution_table["diameter_nm"].map(words.figure)
    )
    for _, nm, *shares in drawn:
        columns = ["fraction", "fraction_low", "fraction_high"]
        assert [float(share) for share in shares] == pytest.approx(
            100 * table.loc[nm, columns].to_numpy(dtype=float), abs=0.0051
        )


def test_volume_weighted_figures_are_shown_where_there_are_any() -> None:
    summary = example.summary()
    volume = VolumeSummary(d50_nm=example.estimate(203.0))
    both = summary.distribution.model_copy(update={"volume_weighted": volume})
    changed = summary.model_copy(update={"distribution": both})
    reader = Reader(render(dataclasses.replace(example.result(), summary=changed)))
    assert reader.rows["D50 (median)"][1] == words.estimate(volume.d50_nm, "nm")
    assert "derived from the number-weighted distribution" in reader.words


def test_the_page_fetches_nothing_and_runs_our_script_alone(tmp_path: Path) -> None:
    storage.write_result(example.result(), tmp_path)
    page = write_page(tmp_path).read_text(encoding="utf-8")
    reader = Reader(page)
    assert all(link.startswith(("data:", "#")) for link in reader.links)
    assert not re.search(r"url\(|@import|https?://", page)
    assert reader.tags.count("script") == 1
    digest = base64.b64encode(hashlib.sha256(reader.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in reader.policy
    assert "default-src 'none'" in reader.policy


def test_the_files_held_are_those_of_the_folder(tmp_path: Path) -> None:
    storage.write_result(example.result(), tmp_path)
    held = Reader(write_page(tmp_path).read_text(encoding="utf-8")).downloads
    assert set(held) == {"result.json", "distribution.csv", "particles.csv"}
    for name, address in held.items():
        content = base64.b64decode(address.partition(",")[2])
        assert content == (tmp_path / name).read_bytes()


def test_a_table_too_large_is_linked(tmp_path: Path) -> None:
    storage.write_result(
        dataclasses.replace(example.result(), particles=example.particles(9000)), tmp_path
    )
    page = write_page(tmp_path)
    assert page.stat().st_size < 3_000_000
    assert 'href="particles.csv"' in page.read_text(encoding="utf-8")


def test_names_from_outside_are_text() -> None:
    about = RecordingInfo(
        path=f"a/{HOSTILE}", frames=9, height_px=8, width_px=8, bit_depth=8, notes=[HOSTILE]
    )
    classes = [
        item.model_copy(update={"name": f"<b>{i}"}) for i, item in enumerate(example.classes())
    ]
    summary = example.summary(recording=about, classes=classes)
    tracks = summary.tracks.model_copy(update={"rejected": {"<i>": 3}})
    page = render(
        dataclasses.replace(example.result(), summary=summary.model_copy(update={"tracks": tracks}))
    )
    reader = Reader(page)
    assert reader.tags.count("script") == 1
    assert "alert(1)" not in reader.script
    assert not {"b>1", "i"} & set(reader.tags)
    assert reader.text.count(HOSTILE) >= 2
    assert "<b>1" in reader.text


def test_the_methods_text_claims_nothing_that_was_not_measured() -> None:
    summary = example.summary(concentration_per_ml=None, detection_limit_nm=None)
    reader = Reader(render(dataclasses.replace(example.result(), summary=summary)))
    assert (
        "The detection limit was not determined. No concentration was determined." in reader.words
    )
    assert "Quality verdict, profile 'general': warn (tracks-used: warn" in reader.words
    assert "Given trajectories over 900 frames" in reader.words  # the example has no detection
    found = summary.settings | {"detection.threshold_snr": Value(value=4.125)}
    seen = example.result(settings=found)
    assert "Spots above a signal-to-noise ratio of 4.125 were found" in Reader(render(seen)).words
    blank = Reader(render(example.blank())).words
    assert "No particle was sized." in blank
    assert "The median diameter was" not in blank


def test_a_page_is_written_within_two_seconds(tmp_path: Path) -> None:
    """Time of this process alone, so that a busy machine does not fail it."""
    many = dataclasses.replace(
        example.result(), particles=example.particles(5000), tracks=example.tracks(150_000)
    )
    storage.write_result(many, tmp_path)
    write_page(tmp_path)
    start = time.process_time()
    write_page(tmp_path)
    assert time.process_time() - start < 2.0


def test_a_blank_has_a_page_too() -> None:
    text = Reader(render(example.blank())).words
    assert "fail do not rely on these numbers" in text
    assert "Nothing was sized" in text
    assert "nan" not in text.lower().split()


def test_a_large_preview_does_not_swell_the_page() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1024, 1280, 3), dtype=np.uint8)
    page = render(dataclasses.replace(example.result(), preview=noise))
    assert len(page) < 1_000_000


@pytest.mark.parametrize("rows", [1, 2, 20_000])
def test_any_length_of_recording(rows: int) -> None:
    frames = example.frames()
    long = frames.loc[np.arange(rows) % len(frames)].reset_index(drop=True)
    long["t_s"] = np.arange(rows) / 25
    result: Result = dataclasses.replace(example.result(), frames=long)
    assert len(render(result)) < 1_000_000

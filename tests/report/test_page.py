from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from evsize import storage
from evsize.report import words, write_page
from evsize.report.page import render
from evsize.results import RecordingInfo, Result
from tests.contract import example

HOSTILE = "<script>alert(1)</script>\"'&.tif"


class Reader(HTMLParser):
    """Collects the text of a page, its tags and what it links to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags, self.links = "", [], []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_has_the_numbers_of_the_result(tmp_path: Path) -> None:
    result = example.result()
    storage.write_result(result, tmp_path)
    page = write_page(tmp_path)
    assert page.name == "report.html"
    assert page.stat().st_size < 1_000_000
    text = " ".join(Reader(page.read_text(encoding="utf-8")).text.split())
    summary = result.summary
    for key in words.SUMMARY_NAMES:
        assert words.estimate(getattr(summary.distribution, key)).split()[0] in text
    for item in summary.classes:
        assert words.share(item.fraction) in text
    for name, value in summary.acquisition.items():
        assert f"{name}" in text
        assert value.source in text
    assert "record longer, or pool three recordings" in text
    assert "741 (53 %)" in text
    assert text.index("Size distribution") > text.index("usable, but read the remarks")


def test_the_page_fetches_nothing(tmp_path: Path) -> None:
    page = render(example.result())
    reader = Reader(page)
    assert "script" not in reader.tags
    assert all(link and link.startswith("data:") for link in reader.links)
    assert not re.search(r"url\(|@import|https?://", page)


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
    assert not {"script", "b>1", "i"} & set(reader.tags)
    assert reader.text.count(HOSTILE) >= 2
    assert "<b>1" in reader.text


def test_a_blank_has_a_page_too() -> None:
    text = " ".join(Reader(render(example.blank())).text.split())
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

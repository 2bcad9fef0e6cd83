from __future__ import annotations

import shutil
import sys
import unicodedata
from pathlib import Path

import pypdf
import pytest

from evsize import storage
from evsize.cli.main import main
from evsize.report import words
from tests.contract import example

pytest.importorskip("playwright", reason="the extra 'pdf' is not installed")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "a"
    folder.mkdir()
    about = example.summary().recording.model_copy(update={"path": "a/<b>film & more.tif"})
    storage.write_result(example.result(recording=about), folder)
    return folder


@needs_browser
def test_the_pdf_has_the_numbers_of_the_result(saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.PDF"
    assert main(["report", str(saved), "-o", str(target), "--quiet"]) == 0
    book = pypdf.PdfReader(target)
    assert 2 <= len(book.pages) <= 12
    letters = unicodedata.normalize("NFKC", " ".join(page.extract_text() for page in book.pages))
    text = " ".join(letters.split())  # ligatures and line ends taken apart
    report = storage.read_report(saved)
    for key in words.SUMMARY_NAMES:
        assert words.estimate(getattr(report.distribution, key)).split()[0] in text
    for finding in report.qc.findings:
        assert finding.message in text
    assert "All settings of the analysis" in text
    assert "estimated from spots" in text  # what is folded up on the screen
    assert f"<b>film & more.tif - evsize 1 of {len(book.pages)}" in text
    assert {*tmp_path.iterdir()} == {saved, target}


@needs_browser
def test_a_study_as_pdf(saved: Path, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "study.pdf"
    arguments = ["report", f"x={saved}", f"y={saved}", "-o", str(target), "--title", "Two"]
    assert main(arguments) == 0
    assert str(target) in capsys.readouterr().out
    assert "2 recordings of 2 samples" in pypdf.PdfReader(target).pages[0].extract_text()
    assert main(arguments) == 2  # stands there
    assert "exists already" in capsys.readouterr().err


def test_without_the_extra(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delitem(sys.modules, "evsize.report.pdf", raising=False)
    monkeypatch.setitem(sys.modules, "playwright", None)
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert main(["report", str(saved), "-o", str(tmp_path / "a.pdf")]) == 2
    said = capsys.readouterr().err
    assert 'pip install "evsize[pdf]"' in said
    assert said.count("\n") == 1
    assert not (tmp_path / "a.pdf").exists()


def test_without_a_browser(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("evsize.report.pdf.PROGRAMS", ())
    monkeypatch.setattr("evsize.report.pdf.CHANNELS", ("chrome-canary", "msedge-dev"))
    assert main(["report", str(saved), "-o", str(tmp_path / "a.pdf")]) == 2
    said = capsys.readouterr().err
    assert "no browser to print with" in said
    assert said.count("\n") == 1

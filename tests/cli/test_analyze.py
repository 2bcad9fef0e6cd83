"""The contract of ``evsize analyze``: files, exit codes, one line for every error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from evsize.cli.main import main
from tests.cli.conftest import GIVEN, Pipeline

Film = Callable[..., str]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def analyze(*arguments: object, given: list[str] = GIVEN) -> int:
    return main(["analyze", *map(str, arguments), *given])


def one_line(capture: Capture) -> str:
    """The only line on stderr, once progress lines are left out."""
    text = capture.readouterr().err
    lines = [line for line in text.splitlines() if line.startswith("evsize: ")]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


def test_one_recording(pipeline: Pipeline, film: Film, out: Path, capsys: Capture) -> None:
    assert analyze(film(), "-o", out) == 0
    assert {path.name for path in (out / "a").iterdir()} == {
        "result.json",
        "particles.parquet",
        "particles.csv",
        "tracks.parquet",
        "frames.parquet",
        "distribution.csv",
        "preview.png",
        "strip.png",
        "report.html",
    }
    assert (out / "summary.csv").is_file()
    assert (out / "evsize_mqc.json").is_file()
    captured = capsys.readouterr()
    for words in (
        "Verdict: WARN",
        "few tracks carry a size",
        "-> record longer",
        "102 nm",
        "99.3 to 105",
        "exosome-size, 40-160 nm",
        "81.0 %",
        "small EV, < 200 nm",
        "642 of 1405 used; not used: 741 too short, 22 stationary",
        "Weighting: per particle seen",
        str(out / "a"),
    ):
        assert words in captured.out
    assert captured.err.splitlines() == ["a.tif: finding particles", "a.tif: sizing"]
    assert pipeline.calls[0]["command"].startswith("evsize analyze ")


def test_acquisition_precedence(pipeline: Pipeline, film: Film, tmp_path: Path, out: Path) -> None:
    path = film()
    Path(path).with_suffix(".toml").write_text("[acquisition]\ndepth_um = 3\nexposure_ms = 1\n")
    config = tmp_path / "evsize.toml"
    config.write_text("[acquisition]\ntemperature_c = 4\nexposure_ms = 10\n[sizing]\nseed = 7\n")
    assert analyze(path, "-o", out, "-c", config, "--engine", "trackpy") == 0
    acquisition = pipeline.calls[0]["acquisition"]
    assert (acquisition.temperature_c, acquisition.exposure_ms, acquisition.depth_um) == (22, 10, 3)
    assert acquisition.sources["temperature_c"] == "command line"
    assert acquisition.sources["exposure_ms"] == "settings file"
    assert acquisition.sources["depth_um"] == "sidecar a.toml"
    assert pipeline.calls[0]["settings"].sizing.seed == 7


def test_tables_on_request(pipeline: Pipeline, film: Film, out: Path) -> None:
    assert analyze(film(), "-o", out, "--tables", "csv, xlsx") == 0
    assert (out / "a" / "tracks.csv").is_file()
    assert (out / "a" / "distribution.xlsx").is_file()


def test_machines_read_json(pipeline: Pipeline, film: Film, out: Path, capsys: Capture) -> None:
    assert analyze(film(), film("b.tif"), "-o", out, "--json", "--quiet") == 0
    captured = capsys.readouterr()
    reports = [json.loads(line) for line in captured.out.splitlines()]
    assert [Path(report["recording"]["path"]).name for report in reports] == ["a.tif", "b.tif"]
    assert captured.err == ""


def test_quiet(pipeline: Pipeline, film: Film, out: Path, capsys: Capture) -> None:
    assert analyze(film(), "-o", out, "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


@pytest.mark.parametrize(
    ("verdict", "gate", "code"),
    [
        ("pass", "warn", 0),
        ("warn", "warn", 3),
        ("warn", "fail", 0),
        ("fail", "warn", 3),
        ("fail", "fail", 3),
        ("fail", None, 0),
    ],
)
def test_the_gate(
    pipeline: Pipeline, film: Film, out: Path, verdict: str, gate: str | None, code: int
) -> None:
    option = ["--fail-on", gate] if gate else []
    assert analyze(film(f"{verdict}.tif"), "-o", out, *option) == code
    assert (out / verdict / "result.json").is_file()


def test_missing_values_are_all_named(film: Film, out: Path, capsys: Capture) -> None:
    assert analyze(film(), "-o", out, given=["--frame-rate", "25"]) == 2
    line = one_line(capsys)
    for option in ("--pixel-size", "--temperature", "--medium", "--viscosity"):
        assert option in line
    assert "--frame-rate" not in line
    assert not out.exists()


def test_missing_values_of_several(
    pipeline: Pipeline, film: Film, out: Path, capsys: Capture
) -> None:
    Path(film("b.tif")).with_suffix(".toml").write_text("[acquisition]\npixel_size_um = 0.2\n")
    given = ["--frame-rate", "25", "--temperature", "22"]
    assert analyze(film("a.tif"), film("b.tif"), "-o", out, given=given) == 2
    line = one_line(capsys)
    assert "pixel_size_um (of a.tif)" in line
    assert "medium (of a.tif, b.tif)" in line
    assert "--pixel-size (um), --medium (or --viscosity, mPa s)" in line
    assert not pipeline.calls


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pixel-size", "-1"], "--pixel-size -1"),
        (["--temperature", "warm"], "--temperature"),
        (["--medium", "beer"], "unknown medium 'beer'"),
        (["--exposure", "50"], "longer than the frame"),
        (["--engine", "magic"], "detection.engine"),
        (["--tables", "pdf"], "output.tables"),
        (["--fail-on", "pass"], "--fail-on"),
        (["--nonsense"], "--nonsense"),
        (["-c", "/nowhere/evsize.toml"], "cannot read"),
    ],
)
def test_wrong_usage(
    pipeline: Pipeline, film: Film, out: Path, capsys: Capture, arguments: list[str], words: str
) -> None:
    assert analyze(film(), "-o", out, given=[*GIVEN, *arguments]) == 2
    assert words in one_line(capsys)
    assert not out.exists()
    assert not pipeline.calls


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[sizing]\nbins = 3\n", "sizing.bins"),
        ("[acquisition]\ntemperature_c = 'warm'\n", "acquisition.temperature_c"),
        ("nonsense", "not valid TOML"),
    ],
)
def test_wrong_settings_file(
    film: Film, out: Path, tmp_path: Path, capsys: Capture, toml: str, words: str
) -> None:
    config = tmp_path / "evsize.toml"
    config.write_text(toml)
    assert analyze(film(), "-o", out, "-c", config) == 2
    line = one_line(capsys)
    assert words in line
    assert "evsize.toml" in line


def test_an_existing_result_is_kept(
    pipeline: Pipeline, film: Film, out: Path, capsys: Capture
) -> None:
    assert analyze(film(), "-o", out) == 0
    capsys.readouterr()
    assert analyze(film("b.tif"), film(), "-o", out) == 2
    line = one_line(capsys)
    assert str(out / "a") in line
    assert "--overwrite" in line
    assert len(pipeline.calls) == 1
    assert not (out / "b").exists()
    assert analyze(film("b.tif"), film(), "-o", out, "--overwrite") == 0


def test_an_output_that_cannot_be_written(
    pipeline: Pipeline, film: Film, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "file").write_text("")
    assert analyze(film(), "-o", tmp_path / "file") == 2
    assert "cannot write to" in one_line(capsys)
    assert not pipeline.calls


def test_results_that_would_share_a_folder(film: Film, out: Path, capsys: Capture) -> None:
    assert analyze(film("a.tif"), film("A.ome.tif"), "-o", out) == 2
    assert "would both be written" in one_line(capsys)


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("unsizable", 4, "unsizable cannot be sized; needed: particles"),
        ("bug", 1, "internal error, ZeroDivisionError: division by zero; run again with --debug"),
        ("full", 2, "the disk is full"),
        ("stopped", 130, "interrupted"),
    ],
)
def test_what_can_happen_on_the_way(
    pipeline: Pipeline, film: Film, out: Path, capsys: Capture, name: str, code: int, words: str
) -> None:
    assert analyze(film(f"{name}.tif"), "-o", out) == code
    assert words in one_line(capsys)
    assert not (out / name).exists()


def test_the_traceback_is_for_debugging(
    pipeline: Pipeline, film: Film, out: Path, capsys: Capture
) -> None:
    assert analyze(film("bug.tif"), "-o", out, "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", [None, b"", b"hello", b"II*\x00" + bytes(20)], ids=["none", "empty", "text", "cut"]
)
def test_no_recording(out: Path, tmp_path: Path, capsys: Capture, content: bytes | None) -> None:
    path = tmp_path / "a.tif"
    if content is not None:
        path.write_bytes(content)
    assert analyze(path, "-o", out) == 4
    one_line(capsys)
    assert not out.exists()


def test_several_of_which_some_fail(
    pipeline: Pipeline, film: Film, out: Path, tmp_path: Path, capsys: Capture
) -> None:
    empty = tmp_path / "empty.tif"
    empty.write_bytes(b"")
    films = [film("unsizable.tif"), film("fail.tif"), empty]
    assert analyze(*films, "-o", out, "--fail-on", "fail") == 5
    captured = capsys.readouterr()
    assert "evsize: unsizable.tif: unsizable cannot be sized" in captured.err
    assert "evsize: empty.tif: " in captured.err
    assert "unsizable cannot be sized" in " ".join(captured.out.split())
    table = pd.read_csv(out / "summary.csv")
    assert list(table["verdict"].fillna("")) == ["", "fail", ""]
    assert "cannot be sized" in table.loc[0, "error"]
    assert (out / "fail" / "report.html").is_file()


def test_a_bug_among_several(pipeline: Pipeline, film: Film, out: Path) -> None:
    assert analyze(film("bug.tif"), film("pass.tif"), film("unsizable.tif"), "-o", out) == 1
    assert (out / "pass" / "result.json").is_file()


def test_interrupted_among_several(
    pipeline: Pipeline, film: Film, out: Path, capsys: Capture
) -> None:
    assert analyze(film("pass.tif"), film("stopped.tif"), film("a.tif"), "-o", out) == 130
    one_line(capsys)
    names = {path.name for path in out.iterdir() if not path.name.endswith("_mqc.json")}
    assert names == {"pass", "summary.csv"}


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_that_is_not_text(pipeline: Pipeline, film: Film, out: Path) -> None:
    path = Path(film()).rename(Path(film()).with_name(os.fsdecode(b"b\xff.tif")))
    assert analyze(path, "-o", out, "--json") == 0
    assert analyze(path, "-o", out / "more", film(), "--overwrite") == 0
    assert "b\\udcff.tif" in (out / "summary.csv").read_text(encoding="utf-8")


def test_names_are_never_markup(pipeline: Pipeline, film: Film, out: Path, capsys: Capture) -> None:
    assert analyze(film("[bold]x[/nope].tif".replace("/", "")), film("b.tif"), "-o", out) == 0
    captured = capsys.readouterr()
    assert "[bold]x[nope].tif" in captured.err

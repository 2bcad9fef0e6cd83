"""`evsize qc`: what it takes, what it writes, how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from evsize import storage
from evsize.cli.main import main
from evsize.results import Estimate
from tests.cli.conftest import GIVEN, Pipeline
from tests.contract import example

Capture = pytest.CaptureFixture[str]
ENOUGH = "[waive]\n" + "\n".join(
    f'{rule} = "An example."'
    for rule in (
        "tracks_used",
        "tracks_share",
        "as_recorded",
        "search_radius",
        "step_correlation",
        "even_steps",
        "flow",
        "localisation_noise",
        "detection_limit",
        "self_check",
        "polarity",
        "steady_background",
        "steady_focus",
        "sub_pixel_bias",
        "outside_range",
    )
)


def saved(folder: Path, **changes: object) -> str:
    with storage.whole_folder(folder) as partial:
        storage.write_result(example.result(**changes), partial)
    return str(folder)


@pytest.fixture
def lenient(tmp_path: Path) -> list[str]:
    (tmp_path / "lab.toml").write_text(ENOUGH)
    return ["--profile", str(tmp_path / "lab.toml")]


def run(*arguments: object) -> int:
    return main(["qc", *(str(argument) for argument in arguments)])


def one_line(capsys: Capture) -> str:
    told = capsys.readouterr().err
    assert told.startswith("evsize: ")
    assert told.count("\n") == 1
    return told


def test_a_result_is_judged_without_its_video_and_not_changed(
    tmp_path: Path, capsys: Capture, lenient: list[str]
) -> None:
    folder = saved(tmp_path / "a")
    before = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    assert run(folder, "-o", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "qc.json").read_text())["verdict"] == "warn"
    assert run(folder, "-o", tmp_path / "lab", *lenient, "--fail-on", "warn") == 0
    quality = json.loads((tmp_path / "lab" / "qc.json").read_text())
    assert quality["verdict"] == "pass"
    assert quality["profile"].endswith("lab.toml")
    assert "An example." in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in Path(folder).iterdir()} == before


def test_what_is_written(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    assert run(saved(tmp_path / "<a>"), "-o", out) == 0
    assert {path.name for path in out.iterdir()} >= {
        "qc.json",
        "qc.csv",
        "junit.xml",
        "summary.csv",
        "evsize_mqc.json",
    }
    quality = json.loads((out / "qc.json").read_text())
    assert quality["schema"] == "evsize-qc/1"
    (recording,) = quality["recordings"]
    found = {each["rule"]: each for each in recording["findings"]}
    assert found["duration"] == {
        "rule": "duration",
        "scope": "recording",
        "status": "pass",
        "measured": 36.0,
        "limit": ">= 30, fail under 5",
        "unit": "s",
        "message": "The recording lasts 36 s.",
        "advice": "",
        "source": "60 s videos are usual (Vestad et al. 2017)",
    }
    table = pd.read_csv(out / "qc.csv")
    assert set(table["of"]) == {"recording", "batch"}
    assert set(table["scope"]) == {"recording", "batch"}
    shown = capsys.readouterr().out
    assert "tracks used (warn): 642 tracks carry a size." in shown
    assert "-> Film longer" in shown


def test_junit(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "result.json").write_text("{")
    arguments = [saved(tmp_path / "a"), tmp_path / "b", "-o", tmp_path / "out", "--overwrite"]
    for more, bad in (([], set()), (["--fail-on", "warn"], {"tracks_used", "tracks_share"})):
        assert run(*arguments, *more) == 5
        root = ET.parse(tmp_path / "out" / "junit.xml").getroot()
        suites = {suite.get("name"): suite for suite in root}
        assert list(suites) == ["a", "b", "batch"]
        failed = {case.get("name") for case in suites["a"] if case.find("failure") is not None}
        assert bool(failed) is bool(bad)
        assert "tracks_used" in failed or not bad
        assert int(suites["a"].get("failures", -1)) == len(failed)
        assert int(suites["a"].get("tests", -1)) == len(suites["a"])
        skipped = [case for case in suites["a"] if case.find("skipped") is not None]
        assert int(suites["a"].get("skipped", -1)) == len(skipped)
        assert suites["b"].get("errors") == "1"
        assert "not a valid result" in suites["b"][0][0].get("message", "")


@pytest.mark.parametrize(
    ("fail_on", "code"), [([], 0), (["--fail-on", "fail"], 0), (["--fail-on", "warn"], 3)]
)
def test_the_gate(tmp_path: Path, fail_on: list[str], code: int) -> None:
    assert run(saved(tmp_path / "a"), "-o", tmp_path / "out", "-q", *fail_on) == code
    assert (tmp_path / "out" / "qc.json").is_file()


def test_the_gate_sees_groups(tmp_path: Path, lenient: list[str]) -> None:
    other = example.acquisition().updated({"exposure_ms": 5.0}, "command line").known()
    results = [saved(tmp_path / "a"), saved(tmp_path / "b", acquisition=other)]
    assert run(*results, "-o", tmp_path / "out", "-q", *lenient, "--fail-on", "fail") == 3
    quality = json.loads((tmp_path / "out" / "qc.json").read_text())
    assert {one["verdict"] for one in quality["recordings"]} == {"pass"}
    assert quality["batch"]["verdict"] == "fail"
    told = next(each for each in quality["batch"]["findings"] if each["rule"] == "equal_settings")
    assert told["message"] == "exposure_ms is 30 in a and 5 in b."


def test_samples_blank_and_beads(tmp_path: Path, capsys: Capture, lenient: list[str]) -> None:
    empty = example.summary().tracks.model_copy(update={"particles_per_frame": 1.0})
    results = [f"s={saved(tmp_path / name)}" for name in "abc"]
    results += ["--blank", saved(tmp_path / "blank", tracks=empty)]
    results += ["--beads", saved(tmp_path / "beads"), "--bead-size", "100"]
    assert run(*results, "-o", tmp_path / "out", *lenient) == 0
    quality = json.loads((tmp_path / "out" / "qc.json").read_text())
    (sample,) = quality["samples"]
    assert sample["recordings"] == ["a", "b", "c"]
    found = {each["rule"]: each for each in sample["findings"]}
    assert found["replicates"]["measured"] == 3
    assert found["blank_share"]["measured"] == pytest.approx(100 / 38)
    assert quality["verdict"] == "pass"
    beads = next(each for each in quality["batch"]["findings"] if each["rule"] == "bead_standard")
    assert beads["measured"] == pytest.approx(2.4)
    assert "Sample s: PASS" in capsys.readouterr().out


def test_a_manifest_says_what_belongs_together(tmp_path: Path, lenient: list[str]) -> None:
    saved(tmp_path / "raw")
    saved(tmp_path / "pure", concentration_per_ml=Estimate(value=3.1e9))
    table = tmp_path / "manifest.csv"
    table.write_text(
        "recording,sample,made_from,volume_ml,protein_ug\n"
        "gone/raw.tif,raw,,10,\n"
        "gone/pure.tif,pure,raw,0.5,20\n"
    )
    arguments = [tmp_path / "raw", tmp_path / "pure", "--manifest", table, *lenient]
    assert run(*arguments, "-o", tmp_path / "out") == 0
    quality = json.loads((tmp_path / "out" / "qc.json").read_text())
    pure = next(each for each in quality["samples"] if each["name"] == "pure")
    found = {each["rule"]: each for each in pure["findings"]}
    assert found["recovery"]["measured"] == pytest.approx(50)
    assert found["particles_per_protein"]["measured"] == pytest.approx(3.1e9 * 0.5 / 20)


def test_recordings_are_analysed_first(
    tmp_path: Path, film: object, pipeline: Pipeline, lenient: list[str]
) -> None:
    path = film("pass.tif")  # type: ignore[operator]
    assert run(path, "-o", tmp_path / "out", *GIVEN, *lenient) == 0
    assert pipeline.calls[0]["settings"].qc.profile.endswith("lab.toml")
    assert (tmp_path / "out" / "pass" / "result.json").is_file()
    assert (tmp_path / "out" / "qc.json").is_file()


def test_one_of_several_cannot_be_sized(
    tmp_path: Path, film: object, pipeline: Pipeline, capsys: Capture
) -> None:
    films = [film(name) for name in ("unsizable.tif", "pass.tif")]  # type: ignore[operator]
    assert run(*films, "-o", tmp_path / "out", *GIVEN, "--json") == 5
    quality = json.loads(capsys.readouterr().out)
    assert [one["verdict"] for one in quality["recordings"]] == [None, "warn"]
    assert quality["verdict"] == "fail"
    assert "cannot be sized" in quality["recordings"][0]["error"]


def test_results_of_the_same_name_keep_apart(tmp_path: Path, lenient: list[str]) -> None:
    results = [saved(tmp_path / day / "a") for day in ("monday", "tuesday")]
    assert run(*results, "-o", tmp_path / "out", *lenient, "-q") == 0
    quality = json.loads((tmp_path / "out" / "qc.json").read_text())
    assert [one["name"] for one in quality["recordings"]] == ["monday/a", "tuesday/a"]
    rows = json.loads((tmp_path / "out" / "evsize_mqc.json").read_text())["data"]
    assert len(rows) == 2


def test_a_folder_of_results(tmp_path: Path, lenient: list[str]) -> None:
    for name in "ab":
        saved(tmp_path / "results" / name)
    assert run(tmp_path / "results", "-o", tmp_path / "out", *lenient, "-q") == 0
    quality = json.loads((tmp_path / "out" / "qc.json").read_text())
    assert [one["name"] for one in quality["recordings"]] == ["a", "b"]


def test_wrong_usage_is_one_line_and_writes_nothing(tmp_path: Path, capsys: Capture) -> None:
    folder, out = saved(tmp_path / "a"), tmp_path / "out"
    table = tmp_path / "manifest.csv"
    table.write_text("recording\nb.tif\n")
    for arguments, code, told in (
        ([folder, "--profile", "strict"], 2, "unknown quality profile 'strict'"),
        ([folder, "--profile", "no.toml"], 2, "cannot read no.toml"),
        ([folder, folder], 2, "is named twice"),
        ([folder, "--beads", folder], 2, "--beads without --bead-size"),
        ([folder, "--manifest", table], 2, "no row for 'a'"),
        ([tmp_path / "nowhere"], 4, "nowhere"),
        ([folder, "--fail-on", "never"], 2, "--fail-on"),
    ):
        assert run(*arguments, "-o", out) == code, told
        assert told in one_line(capsys)
        assert not out.exists() or not list(out.iterdir())


def test_what_stands_there_is_kept(tmp_path: Path, capsys: Capture) -> None:
    folder, out = saved(tmp_path / "a"), tmp_path / "out"
    assert run(folder, "-o", out, "-q") == 0
    before = (out / "qc.json").read_bytes()
    assert run(folder, "-o", out, "-q") == 2
    assert "exists already" in one_line(capsys)
    assert run(folder, "-o", out, "-q", "--overwrite") == 0
    assert (out / "qc.json").read_bytes() == before


def test_a_broken_result_alone_is_exit_code_4(tmp_path: Path, capsys: Capture) -> None:
    folder = saved(tmp_path / "a")
    shutil.copy(tmp_path / "a" / "frames.parquet", tmp_path / "kept")
    (tmp_path / "a" / "tracks.parquet").write_bytes(b"")
    assert run(folder, "-o", tmp_path / "out") == 4
    assert "tracks.parquet" in one_line(capsys)
    assert not (tmp_path / "out" / "qc.json").exists()

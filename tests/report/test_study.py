from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evsize import storage
from evsize.cli.main import main
from evsize.cli.report import split_name
from evsize.report import words
from evsize.results import Result
from tests.contract import example
from tests.report.reading import Reader

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Three saved results: two of one sample, and a blank."""
    made = {}
    for name, result in (
        ("a1", shifted(90.0)),
        ("a2", shifted(110.0)),
        ("blank", example.blank()),
    ):
        made[name] = tmp_path / name
        made[name].mkdir()
        storage.write_result(result, made[name])
    return made


def shifted(median_nm: float) -> Result:
    distribution = example.summary().distribution.model_copy(
        update={"d50_nm": example.estimate(median_nm)}
    )
    return example.result(distribution=distribution)


def study(folders: dict[str, Path], *names: str) -> Reader:
    page = folders["a1"].parent / "study.html"
    arguments = ["report", *names, "-o", str(page), "--overwrite", "--quiet"]
    assert main(arguments) == 0
    return Reader(page.read_text(encoding="utf-8"))


def test_replicates_of_a_sample(folders: dict[str, Path]) -> None:
    names = [f"cells={folders['a1']}", f"cells={folders['a2']}", str(folders["blank"])]
    reader = study(folders, *names)
    assert reader.tags.count("circle") == 2  # medians; nothing was sized in the blank
    spread = 100 * np.std([90, 110], ddof=1) / 100
    assert reader.rows["1 cells"] == ["2", "100 nm", f"{words.figure(spread, 2)} %"]
    assert "3 recordings of 2 samples" in reader.words
    assert "fail do not rely on these numbers" in reader.words


def test_its_numbers_are_those_of_the_results(folders: dict[str, Path]) -> None:
    reader = study(folders, *map(str, folders.values()))
    table = base64.b64decode(reader.downloads["study.csv"].partition(",")[2])
    rows = pd.read_csv(io.BytesIO(table)).set_index("sample")
    for name, folder in folders.items():
        report = storage.read_report(folder)
        median = report.distribution.d50_nm
        assert rows.loc[name, "verdict"] == report.qc.verdict
        expected = np.nan if median.value is None else median.value
        assert rows.loc[name, "d50_nm"] == pytest.approx(expected, nan_ok=True)
        assert words.estimate(median) in reader.words
    assert "script-src" in reader.policy
    assert all(link.startswith(("data:", "#")) for link in reader.links)


def test_a_batch_names_its_samples(folders: dict[str, Path]) -> None:
    """Two recordings of one filling are one replicate; their mean counts."""
    root = folders["a1"].parent
    storage.write_result(shifted(120.0), folders["blank"])
    table = "recording,sample,replicate,role,condition,result\n"
    table += "x,=cells,10,sample,,a1\ny,=cells,2,sample,,a2\nz,=cells,10,sample,,blank\n"
    (root / "summary.csv").write_text(table.replace("=cells", "'=cells"))
    reader = study(folders, *map(str, folders.values()))
    assert "3 recordings of 1 sample" in reader.words
    spread = 100 * np.std([105, 110], ddof=1) / 107.5  # 90 and 120 are one
    assert reader.rows["1 =cells"] == ["2", "108 nm", f"{words.figure(spread, 2)} %"]
    held = base64.b64decode(reader.downloads["study.csv"].partition(",")[2])
    assert pd.read_csv(io.BytesIO(held))["replicate"].tolist() == [2, 10, 10]


def test_conditions_and_roles_are_part_of_the_name(folders: dict[str, Path]) -> None:
    root = folders["a1"].parent
    rows = "recording,sample,replicate,role,condition,result\n"
    rows += "x,cells,,sample,starved,a1\ny,cells,,sample,fed,a2\nz,medium,,blank,,blank\n"
    (root / "summary.csv").write_text(rows)
    reader = study(folders, str(root))
    for name in ("cells, starved", "cells, fed", "medium, blank"):
        assert name in reader.words
    assert "3 recordings of 3 samples" in reader.words


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"a,b\n1,2,3\n", b"result\n'=a1\n"])
def test_a_summary_of_another_kind_names_nothing(folders: dict[str, Path], content: bytes) -> None:
    (folders["a1"].parent / "summary.csv").write_bytes(content)
    reader = study(folders, str(folders["a1"]), str(folders["a2"]))
    assert "2 recordings of 2 samples" in reader.words


def test_settings_that_differ_are_named(folders: dict[str, Path]) -> None:
    assert "All were recorded and analysed with the same settings." in (
        study(folders, str(folders["a1"]), str(folders["a2"])).words
    )
    warm = example.acquisition().updated({"temperature_c": 37.0}, "command line").known()
    storage.write_result(example.result(acquisition=warm), folders["a2"])
    reader = study(folders, str(folders["a1"]), str(folders["a2"]))
    assert reader.rows["temperature_c"] == ["22 degC", "37 degC"]
    assert "pixel_size_um" not in reader.rows


def test_names_are_text(folders: dict[str, Path]) -> None:
    reader = study(folders, f"{HOSTILE}={folders['a1']}", str(folders["a2"]))
    assert reader.tags.count("script") == 1
    assert HOSTILE in reader.text


def test_one_result_gives_its_page(folders: dict[str, Path]) -> None:
    reader = study(folders, str(folders["a1"]))
    assert reader.rows["D50 (median)"][0] == "90.0 nm (87.3 to 92.7)"


def test_a_folder_of_results_stands_for_them(folders: dict[str, Path]) -> None:
    reader = study(folders, str(folders["a1"].parent))
    assert "3 recordings of 3 samples" in reader.words
    reader = study(folders, f"cells={folders['a1'].parent}")
    assert "3 recordings of 1 sample" in reader.words


def test_what_cannot_be_written_or_read(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = folders["a1"].parent
    page = root / "study.html"
    page.write_text("mine")
    assert main(["report", str(folders["a1"]), "-o", str(page)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert page.read_text() == "mine"
    assert main(["report", str(folders["a1"]), "-o", str(root / "no" / "a.html")]) == 2
    assert main(["report", str(folders["a1"]), "-o", str(root)]) == 2
    (root / "empty").mkdir()
    assert main(["report", str(root / "empty"), "-o", str(root / "b.html")]) == 4
    assert "no result.json" in capsys.readouterr().err


def test_a_folder_with_an_equals_sign(tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()
    assert split_name(str(tmp_path / "a=b")) == ("", tmp_path / "a=b")
    assert split_name("cells=out/a") == ("cells", Path("out/a"))

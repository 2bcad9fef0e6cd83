"""``evsize size``: tables of trajectories, and saved results sized anew."""

from __future__ import annotations

import json

import pytest
import tifffile

from evsize.cli.main import main
from evsize.completeness import plan
from evsize.simulation import in_memory, nanosight
from tests.test_trajectories import trackpy_table

GIVEN = ["--pixel-size", "0.166", "--frame-rate", "25", "--exposure", "20"]
WATER = ["--temperature", "22", "--medium", "water"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("size")
    trackpy_table(120, 12).to_csv(folder / "tracks.csv", index=False)
    code = main(
        ["size", str(folder / "tracks.csv"), "-o", str(folder / "out"), *GIVEN, *WATER, "-q"]
    )
    assert code == 0
    return folder


def report(folder):
    return json.loads((folder / "result.json").read_text())


def test_a_table_gives_a_whole_result(saved):
    folder = saved / "out" / "tracks"
    names = {path.name for path in folder.iterdir()}
    assert {"result.json", "particles.csv", "tracks.parquet", "distribution.csv"} <= names
    assert "report.html" in names
    found = report(folder)
    assert found["tracks"]["n"] == 120
    assert found["recording"]["format"] == "table of trajectories"
    # 120 tracks of 11 steps and two axes: ln d to 1/sqrt(1320) = 2.8 %; D = 4 is 107.5 nm
    assert found["distribution"]["d50_nm"]["value"] == pytest.approx(107.5, rel=4 * 0.028)
    assert found["distribution"]["volume_weighted"]["derived_from"].startswith("the number")


def test_a_result_at_another_temperature(saved):
    code = main(
        [
            "size",
            str(saved / "out" / "tracks"),
            "-o",
            str(saved / "warm"),
            "--temperature",
            "24",
            "-q",
        ]
    )
    assert code == 0
    cold, warm = report(saved / "out" / "tracks"), report(saved / "warm" / "tracks")
    ratio = warm["distribution"]["d50_nm"]["value"] / cold["distribution"]["d50_nm"]["value"]
    # T/eta of water: 297.15/295.15 x 0.9544/0.9107 (IAPWS)
    assert ratio == pytest.approx(1.0551, rel=2e-3)
    assert warm["acquisition"]["temperature_c"] == {
        "value": 24.0,
        "unit": "degC",
        "source": "command line",
    }
    assert warm["acquisition"]["medium"]["source"].startswith("saved result")
    assert warm["tracks"]["n_used"] == cold["tracks"]["n_used"]
    assert "sized anew" in warm["recording"]["remarks"][-1]
    status = {each["rule"]: each["status"] for each in warm["qc"]["findings"]}
    assert status["detection_limit"] == "not_applicable"  # there is no video to look at


def test_the_same_values_give_the_same_sizes(saved):
    assert main(["size", str(saved / "out" / "tracks"), "-o", str(saved / "again"), "-q"]) == 0
    once, again = report(saved / "out" / "tracks"), report(saved / "again" / "tracks")
    assert again["distribution"] == once["distribution"]
    assert again["classes"] == once["classes"]


def test_a_result_that_stands_is_kept(saved, capsys):
    arguments = ["size", str(saved / "tracks.csv"), "-o", str(saved / "out"), *GIVEN, *WATER]
    before = (saved / "out" / "tracks" / "result.json").read_bytes()
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
    assert (saved / "out" / "tracks" / "result.json").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ([], 2, "--temperature"),
        (["--temperature", "22", "--medium", "beer"], 2, "unknown medium"),
    ],
)
def test_missing_and_wrong_values(saved, tmp_path, capsys, more, code, said):
    assert main(["size", str(saved / "tracks.csv"), "-o", str(tmp_path), *GIVEN, *more]) == code
    assert said in capsys.readouterr().err


def test_no_tracks_no_result(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    where = ["-o", str(tmp_path / "out"), *GIVEN, *WATER]
    assert main(["size", str(tmp_path / "a.csv"), *where]) == 4
    assert "no column for track" in capsys.readouterr().err
    assert main(["size", str(tmp_path / "nowhere.csv"), *where]) == 4
    assert main(["size", str(tmp_path), *where]) == 4
    assert "result.json" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*"))


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counted")
    scene = nanosight("110nm~0.2:30", height_px=192, width_px=192)
    tifffile.imwrite(folder / "film.tif", in_memory(scene, 120, 3)[0], photometric="minisblack")
    arguments = ["analyze", str(folder / "film.tif"), "-o", str(folder / "out"), "--depth", "10"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "FRAMES_SEARCHED", 500)
        assert main([*arguments, *GIVEN, *WATER, "-q"]) == 0
    return folder


def test_a_counted_result_stays_counted(counted):
    assert main(["size", str(counted / "out" / "film"), "-o", str(counted / "again"), "-q"]) == 0
    warmer = ["-o", str(counted / "warm"), "--temperature", "30", "-q"]
    assert main(["size", str(counted / "out" / "film"), *warmer]) == 0
    once, again, warm = (report(counted / name / "film") for name in ("out", "again", "warm"))
    found, anew, other = (r["concentration_per_ml"]["value"] for r in (once, again, warm))
    # the saved table holds 16 sizes of the depth, read between on a straight line
    assert anew == pytest.approx(found, rel=0.03)
    # every particle has another name at another temperature: there are as many
    assert other == pytest.approx(anew, rel=0.03)
    assert again["distribution"]["per_volume"]
    limits = [r["detection_limit_nm"]["value"] for r in (again, warm)]
    medians = [r["distribution"]["d50_nm"]["value"] for r in (again, warm)]
    assert limits[1] / limits[0] == pytest.approx(medians[1] / medians[0], rel=0.02)


def test_counting_that_no_longer_holds_says_why(counted):
    changed = ["-o", str(counted / "short"), "--exposure", "10", "-q"]
    assert main(["size", str(counted / "out" / "film"), *changed]) == 0
    found = report(counted / "short" / "film")
    assert found["concentration_per_ml"] is None
    assert "the exposure was changed" in found["concentration_note"]
    assert "per particle seen" in found["distribution"]["weighting"]

"""Beads in, an instrument file out."""

from __future__ import annotations

import math
import tomllib

import numpy as np
import pytest
import tifffile

from evsize.calibration import Bead, Calibration, calibrate, check_size, instrument_text
from evsize.cli.main import main
from evsize.completeness import plan
from evsize.errors import RecordingError, UsageError
from evsize.physics import Conditions
from evsize.recording import open_recording
from evsize.results import Estimate
from evsize.settings import InstrumentSettings, Settings, SizingSettings, parse_settings
from evsize.simulation import in_memory, nanosight

WATER = Conditions(0.166, 0.04, 0.5, 22.0, 0.95)
QUICK = Settings(sizing=SizingSettings(n_bootstrap=20, n_sizes=100))
GIVEN = ["--pixel-size", "0.166", "--frame-rate", "25", "--exposure", "20"]
GIVEN += ["--temperature", "22", "--medium", "water"]


def test_beads_far_from_their_diameter_speak_of_a_wrong_pixel():
    found = Estimate(value=144.0, low=140.0, high=148.0)
    with pytest.raises(UsageError) as raised:
        check_size("beads.tif", found, 100.0, WATER)
    # D goes with the square of the pixel: 0.166 sqrt(1.44)
    assert "0.199 um" in str(raised.value)
    assert "144 nm" in str(raised.value)


@pytest.mark.parametrize(
    "found",
    [
        Estimate(value=110.0, low=108.0, high=112.0),
        Estimate(value=120.0, low=95.0, high=150.0),
        Estimate(value=95.0),
        Estimate(),
    ],
)
def test_beads_near_their_diameter_or_of_unsure_size_pass(found):
    check_size("beads.tif", found, 100.0, WATER)


def test_the_file_is_read_back_as_it_was():
    instrument = InstrumentSettings(
        depth_um=10.2,
        depth_relative_se=0.05,
        widening_per_um=0.15,
        pixel_size_um=0.166,
        exposure_ms=20.0,
        noise=1.1,
        background=8.0,
        spot_sd_um=0.3,
        focus_sd_um=0.28,
        date="2026-01-31",
        beads_nm=100.0,
        concentration_per_ml=1e9,
    )
    bead = Bead("a.tif", Estimate(value=99, low=97, high=101), 500, 10.2, 0.05, 0.15, 1, 8, 1, 0.28)
    text = instrument_text(Calibration(instrument, (bead,)), "evsize calibrate 'a\nb'")
    read = parse_settings(tomllib.loads(text), "file").instrument
    assert read == instrument
    low, high = 10.2 * math.exp(-0.098), 10.2 * math.exp(0.098)
    assert f"{low:.2f} to {high:.2f}" in text


@pytest.fixture(scope="module")
def scene():
    return nanosight("100nm:40", height_px=256, width_px=256, number_fluctuates=False)


@pytest.fixture(scope="module")
def beads(scene):
    return in_memory(scene, 200, 5)[0]


def bead_film(beads, **changes):
    known = {
        "pixel_size_um": 0.166,
        "frame_rate_hz": 25.0,
        "exposure_ms": 20.0,
        "temperature_c": 22.0,
        "medium": "water",
    }
    film = open_recording(beads, **(known | changes))
    return ("beads", film, film.acquisition)


def test_thickness_of_the_sheet_is_found_from_the_number_of_beads(scene, beads, monkeypatch):
    monkeypatch.setattr(plan, "FRAMES_SEARCHED", 700)
    per_ml = scene.concentration_per_ml
    found = calibrate([bead_film(beads)], 100.0, per_ml, QUICK).instrument
    # 40 beads in the sheet at a time; the pass adds what it says
    assert abs(np.log(found.depth_um / scene.depth_um)) < 3 * found.depth_relative_se + 0.1
    assert 1 / np.sqrt(400) < found.depth_relative_se < 0.5
    # the sheet is as thick as the beads are few
    half = calibrate([bead_film(beads, dilution=2.0)], 100.0, per_ml, QUICK).instrument
    assert half.depth_um / found.depth_um == pytest.approx(2.0, rel=0.3)


def test_without_a_number_the_thickness_stays_unknown(beads, monkeypatch):
    monkeypatch.setattr(plan, "FRAMES_SEARCHED", 500)
    found = calibrate([bead_film(beads)], 100.0, None, QUICK).instrument
    assert found.depth_um is None
    assert found.concentration_per_ml is None
    assert found.widening_per_um is None
    assert found.noise > 0


def test_a_wrong_number_of_beads_is_an_error(beads, monkeypatch):
    monkeypatch.setattr(plan, "FRAMES_SEARCHED", 500)
    with pytest.raises(UsageError, match="light sheet"):
        calibrate([bead_film(beads)], 100.0, 1e4, QUICK)


def test_too_few_beads_are_an_error(beads):
    with pytest.raises(RecordingError, match="tracks"):
        calibrate([bead_film(beads[:12])], 100.0, 1e9, QUICK)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--diameter", "100", "--concentration", "0"], "concentration"),
        (["--diameter", "100", "--concentration", "-5"], "concentration"),
        (["--diameter", "100", "--dilution", "0"], "dilution"),
        (["--diameter", "100", "--dilution", "-2"], "dilution"),
        (["--diameter", "5"], "diameter"),
        ([], "diameter"),
    ],
)
def test_impossible_values_are_one_line(tmp_path, capsys, arguments, word):
    film = tmp_path / "beads.tif"
    tifffile.imwrite(film, np.zeros((3, 16, 16), np.uint8), photometric="minisblack")
    out = tmp_path / "instrument.toml"
    assert main(["calibrate", str(film), "-o", str(out), *arguments, *GIVEN]) == 2
    assert word in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("depth", ["0", "-3", "900"])
def test_a_sheet_thicker_than_any_cell_is_one_line(tmp_path, capsys, depth):
    film = tmp_path / "film.tif"
    tifffile.imwrite(film, np.zeros((3, 16, 16), np.uint8), photometric="minisblack")
    arguments = ["analyze", str(film), "-o", str(tmp_path / "out"), "--depth", depth]
    assert main([*arguments, *GIVEN]) == 2
    assert "--depth" in capsys.readouterr().err


def test_an_instrument_file_that_is_none_is_one_line(tmp_path, capsys):
    film = tmp_path / "film.tif"
    tifffile.imwrite(film, np.zeros((3, 16, 16), np.uint8), photometric="minisblack")
    for content in ("[sizing]\nseed = 1\n", "[instrument]\ndepth = 3\n", "not toml", ""):
        file = tmp_path / "instrument.toml"
        file.write_text(content)
        arguments = ["analyze", str(film), "-o", str(tmp_path / "out"), "--instrument", str(file)]
        assert main([*arguments, *GIVEN]) == 2
        assert "instrument" in capsys.readouterr().err


def test_a_blank_that_is_no_result_stops_before_the_work(tmp_path, capsys):
    film = tmp_path / "film.tif"
    tifffile.imwrite(film, np.zeros((3, 16, 16), np.uint8), photometric="minisblack")
    arguments = ["analyze", str(film), "-o", str(tmp_path / "out"), "--blank", str(tmp_path)]
    assert main([*arguments, *GIVEN]) == 4
    assert "result.json" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

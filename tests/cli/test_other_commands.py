from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import evsize
from evsize.cli.main import main
from tests.cli.conftest import GIVEN, Pipeline

Film = Callable[..., str]
Capture = pytest.CaptureFixture[str]


def test_version(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"evsize {evsize.__version__}\n"


def test_the_package_itself_is_the_command() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "evsize", "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"evsize {evsize.__version__}\n"


def test_no_command_shows_help(capsys: Capture) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert "inspect" in captured.out
    assert captured.err == ""


def test_unknown_command(capsys: Capture) -> None:
    assert main(["analyse"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_inspect_says_what_is_missing(film: Film, capsys: Capture) -> None:
    path = film("my film.tif")
    Path(path).with_suffix(".toml").write_text("[acquisition]\npixel_size_um = 0.2\n")
    assert main(["inspect", path]) == 0
    text = capsys.readouterr().out
    assert "3 frames of 16 x 16 px, 8 bit" in text
    assert "0.2 um" in text
    assert "sidecar my film.toml" in text
    command = text.splitlines()[-1]
    assert shlex.split(command) == [
        *("evsize", "analyze", path, "-o", "results"),
        *("--frame-rate", "PER_S", "--temperature", "DEGC", "--medium", "NAME"),
    ]


def test_inspect_for_machines(film: Film, capsys: Capture) -> None:
    assert main(["inspect", film(), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["recording"]["frames"] == 3
    assert content["missing"] == ["pixel_size_um", "frame_rate_hz", "temperature_c", "medium"]
    assert content["command"].startswith("evsize analyze ")


def test_inspect_shows_damage_contradictions_and_grey_levels(
    tmp_path: Path, capsys: Capture
) -> None:
    frames = np.full((40, 16, 16), 30, np.uint8)
    frames[:, 4, 4] = 250
    frames += np.arange(40, dtype=np.uint8)[:, None, None] % 5
    frames[7] = frames[6]
    path = tmp_path / "a.tif"
    options = {"imagej": True, "metadata": {"axes": "TYX", "finterval": 0.04}}
    tifffile.imwrite(path, frames, **options)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[0]
    path.write_bytes(path.read_bytes()[: offset + 32 * 256])
    (tmp_path / "a.toml").write_text("[acquisition]\nframe_rate_hz = 50\n")
    assert main(["inspect", str(path), "--check"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "promises 40 frames and holds 32: it was cut" in text
    assert "Copied from the frame before: 1 frame (7)" in text
    assert "sidecar a.toml says 50, ImageJ metadata 25; the former is used" in text
    assert "white is 255" in text
    assert "bright spots on a dark ground" in text
    assert main(["inspect", str(path), "--check", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    status = {finding["rule"]: finding["status"] for finding in content["findings"]}
    assert status["whole_file"] == status["sources_agree"] == "warn"
    assert status["duplicate_frames"] == "fail"
    assert content["recording"]["frames_declared"] == 40


def test_inspect_writes_thumbnails_where_asked(film: Film, tmp_path: Path, capsys: Capture) -> None:
    strip = tmp_path / "strip.png"
    assert main(["inspect", film(), "--thumbnails", str(strip)]) == 0
    assert "Frames 0, 1, 2 are shown in" in capsys.readouterr().out
    with Image.open(strip) as image:
        assert image.size == (3 * 240 + 2 * 4, 240 + 18)
    assert main(["inspect", film(), "--thumbnails", str(strip)]) == 2
    assert main(["inspect", film(), "--thumbnails", str(strip), "--overwrite"]) == 0
    assert main(["inspect", film(), "--thumbnails", str(tmp_path / "a.jpg")]) == 2


def test_a_part_of_a_recording_is_asked_for_by_options(
    pipeline: Pipeline, film: Film, tmp_path: Path, capsys: Capture
) -> None:
    arguments = ["analyze", film("pass.tif"), "-o", str(tmp_path / "out"), *GIVEN]
    assert main([*arguments, "--frames", "1:", "--roi", "2,3,8,9"]) == 0
    part = pipeline.calls[0]["settings"].recording
    assert (part.frames, part.roi_px) == ("1:", (2, 3, 8, 9))
    for wrong in (["--frames", "1-5"], ["--roi", "1,2,3"], ["--roi", "1,2,3,0"]):
        capsys.readouterr()
        assert main([*arguments, "--overwrite", *wrong]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_inspect_nothing(tmp_path: Path, capsys: Capture) -> None:
    assert main(["inspect", str(tmp_path / "none.tif")]) == 4
    assert len(capsys.readouterr().err.splitlines()) == 1


def simulate(out: Path, *options: str) -> int:
    small = ["--width", "32", "--height", "24", "--n-frames", "3", "--quiet"]
    return main(["simulate", "-o", str(out), *small, *options])


def test_simulate_makes_a_recording_that_knows_itself(tmp_path: Path, capsys: Capture) -> None:
    assert simulate(tmp_path, "--population", "100nm:3", "--name", "beads", "--seed", "4") == 0
    assert capsys.readouterr().err == ""
    with evsize.open_recording(tmp_path / "beads.tif") as recording:
        assert len(recording) == 3
        assert recording.frame_shape == (24, 32)
        assert recording.acquisition.missing() == []
    first = (tmp_path / "beads.tif").read_bytes()
    assert simulate(tmp_path, "--population", "100nm:3", "--name", "beads", "--seed", "4") == 2
    assert "exists already" in capsys.readouterr().err
    again = ("--population", "100nm:3", "--name", "beads", "--seed", "4", "--overwrite")
    assert simulate(tmp_path, *again) == 0
    assert (tmp_path / "beads.tif").read_bytes() == first


@pytest.mark.parametrize(
    "options",
    [
        ["--population", "many"],
        ["--name", "../beads"],
        ["--temperature", "400"],
        ["--n-frames", "0"],
        ["--medium", "beer"],
        ["--exposure", "1000"],
        ["--width", "1"],
    ],
)
def test_simulate_refuses(tmp_path: Path, capsys: Capture, options: list[str]) -> None:
    assert simulate(tmp_path / "out", *options) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_samples_are_written_wherever_it_is_installed(tmp_path: Path, capsys: Capture) -> None:
    assert main(["samples", str(tmp_path), "--only", "blank"]) == 0
    assert "evsize analyze" in capsys.readouterr().err
    with tifffile.TiffFile(tmp_path / "blank.tif") as tiff:
        assert tiff.series[0].shape == (60, 240, 320)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        *("blank.tif", "blank.toml", "blank_truth.parquet", "blank_truth_particles.csv")
    }
    assert main(["samples", str(tmp_path), "--only", "blank"]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_a_sample_that_is_none(tmp_path: Path, capsys: Capture) -> None:
    assert main(["samples", str(tmp_path), "--only", "exosomes"]) == 2
    assert "beads_100nm" in capsys.readouterr().err

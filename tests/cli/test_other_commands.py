from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import evsize
from evsize.cli.main import main

Film = Callable[..., str]
Capture = pytest.CaptureFixture[str]


def test_version(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"evsize {evsize.__version__}\n"


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

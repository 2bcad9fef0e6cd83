"""Damaged recordings through the whole chain: what is intact is analysed, and it is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evsize.cli.main import main
from tests.recording.families import SPOTS
from tests.recording.makers import write_film, write_grey_avi

GIVEN = ["--pixel-size", "0.3", "--frame-rate", "25", "--temperature", "22", "--medium", "pbs"]


def analyse(path: Path, *options: str) -> dict[str, Any]:
    settings = path.parent / "quick.toml"
    settings.write_text("[sizing]\nn_bootstrap = 0\nn_sizes = 60\n[completeness]\nmode = 'off'\n")
    out = path.parent / "out"
    arguments = ["analyze", str(path), "-o", str(out), "-c", str(settings), "-q", *GIVEN]
    assert main([*arguments, *options]) == 0
    return json.loads((out / path.stem / "result.json").read_text())


def status(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {finding["rule"]: finding for finding in result["qc"]["findings"]}


def test_cut_film_with_a_corrupt_packet(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.avi", SPOTS, "mjpeg", "yuvj420p")
    content = bytearray(path.read_bytes())
    starts = [n for n in range(len(content)) if content[n : n + 4] == b"00dc"][
        1:121
    ]  # not that of the index
    content[starts[50] + 8 : starts[51]] = b"\0" * (starts[51] - starts[50] - 8)
    path.write_bytes(content[: starts[110]])
    result = analyse(path)
    assert result["recording"]["frames"] == 110
    found = status(result)
    assert found["whole_file"]["status"] == "warn"
    assert "promises 120 frames and holds 110" in found["whole_file"]["message"]
    assert found["corrupt_frames"]["status"] == "warn"
    assert "1 frame (50)" in found["corrupt_frames"]["message"]
    assert result["tracks"]["n"] > 0


@pytest.mark.parametrize("dropped", [30])
def test_dropped_frames_and_contradictions_reach_the_verdict(dropped: int, tmp_path: Path) -> None:
    path = write_grey_avi(tmp_path / "a.avi", SPOTS.astype(np.uint16), b"Y16 ", dropped=dropped)
    (tmp_path / "a.toml").write_text("[acquisition]\nframe_rate_hz = 30\n")
    found = status(analyse(path))
    assert "after frame 29" in found["missing_frames"]["message"]
    assert found["sources_agree"]["status"] == "warn"
    assert "command line says 25, sidecar a.toml 30" in found["sources_agree"]["message"]


def test_dark_spots_and_equal_frames_are_findings(tmp_path: Path) -> None:
    frames = 255 - SPOTS
    frames[60] = frames[59]
    np.save(tmp_path / "a.npy", frames)
    found = status(analyse(tmp_path / "a.npy"))
    assert found["polarity"]["measured"] == "dark spots"
    assert found["polarity"]["status"] == "warn"
    assert "1 frame (60)" in found["duplicate_frames"]["message"]
    assert found["whole_file"]["status"] == found["corrupt_frames"]["status"] == "pass"


def test_part_of_a_recording(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", SPOTS)
    result = analyse(tmp_path / "a.npy", "--frames", "10:110", "--roi", "4,0,60,48")
    about = result["recording"]
    assert (about["frames"], about["width_px"], about["height_px"]) == (100, 60, 48)
    assert result["settings"]["recording.frames"]["value"] == "10:110"
    assert result["settings"]["recording.roi_px"]["value"] == "4,0,60,48"
    whole = analyse(tmp_path / "a.npy", "--overwrite")
    assert whole["recording"]["sha256"] == about["sha256"]
    assert whole["provenance"]["config_hash"] != result["provenance"]["config_hash"]

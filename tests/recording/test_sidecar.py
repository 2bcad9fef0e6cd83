from __future__ import annotations

from pathlib import Path

import pytest
import tifffile

from evsize.errors import UsageError
from evsize.recording import open_recording
from tests.recording.makers import numbered_frames
from tests.vendors import makers

FRAMES = numbered_frames(5)


def film(folder: Path, name: str = "film_00.tif") -> Path:
    tifffile.imwrite(
        folder / name, FRAMES, imagej=True, metadata={"axes": "TYX", "finterval": 0.04}
    )
    return folder / name


def known(path: Path, **given: float) -> dict[str, tuple[object, str]]:
    with open_recording(path, **given) as recording:
        values = recording.acquisition.known()
        return {name: (value.value, value.source) for name, value in values.items()}


def test_nanosight_summary_gives_the_column_of_the_recording(tmp_path: Path) -> None:
    text = makers.experiment_summary("3.4")
    (tmp_path / "run 7-ExperimentSummary.csv").write_bytes(text.encode("cp1252"))
    source = "sidecar run 7-ExperimentSummary.csv"
    assert known(film(tmp_path)) == {
        "frame_rate_hz": (24.9825, source),
        "exposure_ms": (30.15, source),
        "temperature_c": (22.348, source),
        "viscosity_mpas": (0.945113, source),
        "medium": ("pbs", source),
        "dilution": (100.0, source),
    }
    assert known(film(tmp_path, "film_01.tif"))["temperature_c"][0] == 22.5
    assert list(known(film(tmp_path, "other.tif"))) == ["frame_rate_hz"]


def test_summary_of_a_single_video_may_not_name_it(tmp_path: Path) -> None:
    rows = makers.experiment_summary("3.4").split("\r\n")
    text = "\r\n".join(row for row in rows if not row.startswith("Filename"))
    (tmp_path / "film_00 2024-05-06-Summary.csv").write_text(text)
    assert known(film(tmp_path))["temperature_c"][0] == 22.348
    assert list(known(film(tmp_path, "other.tif"))) == ["frame_rate_hz"]


@pytest.mark.parametrize("comma", [False, True])
def test_zetaview_report_of_the_same_name(comma: bool, tmp_path: Path) -> None:
    (tmp_path / "film_00.txt").write_bytes(makers.zetaview(comma).encode("latin-1"))
    values = {name: value for name, (value, _) in known(film(tmp_path)).items()}
    assert values == {
        "pixel_size_um": 0.713,
        "frame_rate_hz": 30.0,
        "exposure_ms": 10.0,
        "temperature_c": 23.52,
        "viscosity_mpas": 0.90128,
        "dilution": 1000.0,
    }


def test_nearer_and_written_by_hand_counts_more(tmp_path: Path) -> None:
    path = film(tmp_path)
    (tmp_path / "film_00.txt").write_bytes(makers.zetaview().encode("latin-1"))
    (tmp_path / "folder.toml").write_text("[acquisition]\ntemperature_c = 20\ndepth_um = 5\n")
    (tmp_path / "film_00.toml").write_text("[acquisition]\ntemperature_c = 21\n")
    values = known(path, exposure_ms=5)
    assert values["temperature_c"] == (21.0, "sidecar film_00.toml")
    assert values["depth_um"] == (5.0, "sidecar folder.toml")
    assert values["pixel_size_um"] == (0.713, "sidecar film_00.txt")
    assert values["exposure_ms"] == (5, "given")


def test_a_folder_of_images_may_hold_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for number, frame in enumerate(FRAMES):
        tifffile.imwrite(tmp_path / "a" / f"{number}.tif", frame)
    (tmp_path / "folder.toml").write_text("[acquisition]\ntemperature_c = 20\n")
    (tmp_path / "a" / "folder.toml").write_text("[acquisition]\ntemperature_c = 21\n")
    assert known(tmp_path / "a")["temperature_c"] == (21.0, "sidecar folder.toml")


def test_contradictions_are_kept_and_agreement_is_none(tmp_path: Path) -> None:
    path = film(tmp_path)
    (tmp_path / "film_00.toml").write_text("[acquisition]\nframe_rate_hz = 30\n")
    with open_recording(path, frame_rate_hz=30.1, temperature_c=22) as recording:
        assert recording.acquisition.frame_rate_hz == 30.1
        assert recording.acquisition.conflicts == (
            "frame_rate_hz: sidecar film_00.toml says 30, ImageJ metadata 25; the former is used.",
        )
    (tmp_path / "film_00.toml").write_text("[acquisition]\nframe_rate_hz = 25.01\n")
    with open_recording(path) as recording:
        assert recording.acquisition.conflicts == ()


def test_a_viscosity_goes_with_the_temperature_it_was_stated_with(tmp_path: Path) -> None:
    path = film(tmp_path)
    (tmp_path / "film_00.toml").write_text(
        "[acquisition]\ntemperature_c = 22\nviscosity_mpas = 0.95\nmedium = 'water'\n"
    )
    assert known(path)["viscosity_mpas"][0] == 0.95
    assert known(path, temperature_c=22.2)["viscosity_mpas"][0] == 0.95
    assert "viscosity_mpas" not in known(path, temperature_c=37)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just notes\n",
        b"\xff\xfe\x00",
        b"NTA [Conditions]\n",
        b"ZetaView\n\0\0\0",
        b"a,b,c\n1,2\n",
    ],
)
def test_other_texts_beside_a_recording_say_nothing(content: bytes, tmp_path: Path) -> None:
    path = film(tmp_path)
    (tmp_path / "film_00.txt").write_bytes(content)
    (tmp_path / "table.csv").write_bytes(content)
    assert list(known(path)) == ["frame_rate_hz"]


def test_values_of_a_vendor_that_cannot_be_are_odd_and_not_used(tmp_path: Path) -> None:
    path = film(tmp_path)
    text = makers.zetaview().replace("0.713", "-0.713")
    (tmp_path / "film_00.txt").write_bytes(text.encode("latin-1"))
    with open_recording(path) as recording:
        assert recording.acquisition.pixel_size_um is None
        assert any("film_00.txt" in note for note in recording.about().notes)


def test_broken_toml_of_the_folder_is_named(tmp_path: Path) -> None:
    path = film(tmp_path)
    (tmp_path / "folder.toml").write_text("[acquisition]\npixel = 3\n")
    with pytest.raises(UsageError, match=r"folder\.toml.*pixel"):
        open_recording(path)

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from evsize.errors import RecordingError, TooFewFramesError
from evsize.recording import open_recording
from tests.recording.makers import burnt_in, numbered_frames

FRAMES = numbered_frames(12, np.uint16, 100, 60000)

DIALECTS: dict[str, dict[str, Any]] = {
    "described": {},
    "plain": {"metadata": None},
    "imagej": {"imagej": True, "metadata": {"axes": "TYX"}},
    "imagej calling time depth": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "ome": {"ome": True, "metadata": {"axes": "TYX"}},
    "bigtiff": {"bigtiff": True},
    "big-endian": {"byteorder": ">"},
    "zlib": {"compression": "zlib"},
    "zlib ome": {"compression": "zlib", "ome": True, "metadata": {"axes": "TYX"}},
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_dialect_gives_the_written_levels(dialect: str, dtype: Any, tmp_path: Path) -> None:
    frames = numbered_frames(12, dtype)
    tifffile.imwrite(tmp_path / "a.dat", frames, **DIALECTS[dialect])
    with open_recording(tmp_path / "a.dat") as recording:
        assert recording.pixel_type == np.dtype(dtype)
        np.testing.assert_array_equal(np.array(list(recording)), frames)
        assert [burnt_in(frame) for frame in recording] == list(range(12))
        for number in (7, 0, 11, 3):
            np.testing.assert_array_equal(recording[number], frames[number])


@pytest.mark.parametrize("described", [True, False])
def test_pages_written_one_by_one_are_one_recording(tmp_path: Path, described: bool) -> None:
    metadata: Any = {} if described else None
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for frame in FRAMES:
            writer.write(frame, contiguous=False, metadata=metadata)
    with open_recording(tmp_path / "a.tif") as recording:
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_grey_stored_as_rgb_is_grey_exactly(tmp_path: Path, planar: str) -> None:
    axis = -1 if planar == "contig" else 1
    colour = np.repeat(np.expand_dims(FRAMES, axis), 3, axis)
    tifffile.imwrite(tmp_path / "a.tif", colour, photometric="rgb", planarconfig=planar)
    with open_recording(tmp_path / "a.tif") as recording:
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)
        assert any("3 channels" in remark for remark in recording.info().remarks)


def test_scale_and_time_come_from_the_file_with_their_units(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "ij.tif",
        FRAMES,
        imagej=True,
        resolution=(1 / 0.166, 1 / 0.166),
        metadata={"axes": "TYX", "unit": "um", "finterval": 0.04},
    )
    ome = {
        "axes": "TYX",
        "PhysicalSizeX": 166,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 166,
        "TimeIncrement": 40,
        "TimeIncrementUnit": "ms",
        "SignificantBits": 12,
    }
    tifffile.imwrite(tmp_path / "ome.tif", FRAMES // 16, ome=True, metadata=ome)
    for name, source in (("ij", "ImageJ metadata"), ("ome", "OME metadata")):
        with open_recording(tmp_path / f"{name}.tif") as recording:
            known = recording.acquisition.known()
            assert known["pixel_size_um"].value == pytest.approx(0.166, rel=1e-5)
            assert known["frame_rate_hz"].value == pytest.approx(25, rel=1e-6)
            assert {value.source for value in known.values()} == {source}
    assert (recording.white_level, recording.bit_depth) == (4095, 12)


def test_scale_without_a_length_unit_is_not_used(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", FRAMES, imagej=True, resolution=(72, 72))
    with open_recording(tmp_path / "a.tif") as recording:
        assert recording.acquisition.known() == {}


@pytest.mark.parametrize("dialect", ["described", "imagej", "bigtiff", "zlib", "zlib ome"])
def test_cut_stack_gives_its_whole_frames_and_says_so(dialect: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, FRAMES, **DIALECTS[dialect])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    with open_recording(path) as recording:
        assert 6 <= len(recording) <= 7
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES[: len(recording)])
        assert recording.damaged_frames == ()
        assert (recording.info().frames_declared or 0) > len(recording)


def test_damaged_page_is_replaced_marked_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, FRAMES, compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[5].dataoffsets[0]
    damaged = bytearray(path.read_bytes())
    damaged[offset : offset + 20] = b"\xff" * 20
    path.write_bytes(damaged)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording[5], FRAMES[4])
        assert recording[5].metadata == {"corrupt": True}
        assert recording[6].metadata == {}
        assert recording.damaged_frames == (5,)
        assert recording.info().damaged_frames == [5]


def test_absurd_dimensions_are_refused_at_once(tmp_path: Path) -> None:
    entries = [(256, 4, 10**9), (257, 4, 10**9), (258, 3, 8), (259, 3, 1), (262, 3, 1)]
    entries += [(273, 4, 8), (277, 3, 1), (278, 4, 10**9), (279, 4, 100)]
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries))
    (tmp_path / "a.tif").write_bytes(head + fields + b"\0" * 200)
    with pytest.raises(RecordingError, match="1000000000 x 1000000000"):
        open_recording(tmp_path / "a.tif")


def test_planes_besides_time_are_left_out_and_said(tmp_path: Path) -> None:
    stack = FRAMES.reshape(4, 3, *FRAMES.shape[1:])
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TZYX"})
    tifffile.imwrite(tmp_path / "b.tif", stack, ome=True, metadata={"axes": "CTYX"})
    pages: Any = {"photometric": "minisblack", "compression": "zlib"}
    tifffile.imwrite(tmp_path / "c.tif", stack, metadata={"axes": "CTYX"}, **pages)
    for name, numbers, left_out in (
        ("a", [0, 3, 6, 9], "3 depths"),
        ("b", [0, 1, 2], "4 channels"),
        ("c", [0, 1, 2], "4 channels"),
    ):
        with open_recording(tmp_path / f"{name}.tif") as recording:
            assert [burnt_in(frame, 100, 60000) for frame in recording] == numbers
            np.testing.assert_array_equal(recording[2], FRAMES[numbers[2]])
            assert any(f"{left_out}" in note for note in recording.info().notes)


def test_several_axes_without_time_are_refused(tmp_path: Path) -> None:
    stack = FRAMES.reshape(4, 3, *FRAMES.shape[1:])
    tifffile.imwrite(tmp_path / "a.tif", stack, ome=True, metadata={"axes": "ZCYX"})
    with pytest.raises(RecordingError, match="4 Z x 3 C without times"):
        open_recording(tmp_path / "a.tif")


def test_one_page_is_too_few(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", FRAMES[0])
    with pytest.raises(TooFewFramesError, match="one frame only"):
        open_recording(tmp_path / "a.tif")


def test_missing_decompressor_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", FRAMES, compression="zlib")

    def no_codec(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffFrame, "asarray", no_codec)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", no_codec)
    with pytest.raises(RecordingError, match="pip install imagecodecs"):
        open_recording(tmp_path / "a.tif")


def test_lzw_is_exact_where_its_decompressor_is_there(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    tifffile.imwrite(tmp_path / "a.tif", FRAMES, compression="lzw")
    with open_recording(tmp_path / "a.tif") as recording:
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)


def test_a_frame_with_what_is_no_number_is_damaged(tmp_path: Path) -> None:
    frames = FRAMES.astype(np.float32)
    frames[3, 2, 1] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", frames)
    with open_recording(tmp_path / "a.tif") as recording:
        assert np.isinf(recording.white_level)
        np.testing.assert_array_equal(recording[3], FRAMES[2])
        assert recording[3].metadata == {"corrupt": True}
        assert recording.damaged_frames == (3,)


def test_real_stack(shared_data: Path) -> None:
    with open_recording(shared_data / "stuck.tif") as recording:
        assert (len(recording), recording.frame_shape) == (5, (512, 512))
        assert recording.white_level == 65535
        expected = tifffile.imread(shared_data / "stuck.tif")
        np.testing.assert_array_equal(np.array(list(recording)), expected)

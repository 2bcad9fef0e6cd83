"""Every line of the list of formats: exact grey levels, frame numbers and times, or its finding.

What films and plain TIFF do is in `test_video` and `test_tiff`; here are the other families and
the traps that cut across them.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import tifffile
from PIL import Image

from evsize.errors import RecordingError
from evsize.qc import judge_file
from evsize.recording import Recording, open_recording
from tests.recording.makers import (
    burnt_in,
    micro_manager_tiff,
    numbered_frames,
    write_film,
    write_grey_avi,
)

FRAMES = numbered_frames(30)
DEEP = numbered_frames(30, np.uint16, 1000, 64000)


def findings(recording: Recording) -> dict[str, str]:
    """Status of each rule on the file."""
    found = judge_file(recording.about(), recording.acquisition.conflicts)
    return {finding.rule: finding.status for finding in found}


def npy(path: Path, frames: Any) -> Path:
    np.save(path / "a.npy", frames)
    return path / "a.npy"


def npy_big_endian(path: Path, frames: Any) -> Path:
    return npy(path, frames.astype(frames.dtype.newbyteorder(">")))


def zarr_array(path: Path, frames: Any) -> Path:
    zarr = pytest.importorskip("zarr")
    array = zarr.open(str(path / "a.zarr"), mode="w", shape=frames.shape, dtype=frames.dtype.str)
    array[:] = frames
    return path / "a.zarr"


def grey_avi(code: bytes) -> Callable[[Path, Any], Path]:
    return lambda path, frames: write_grey_avi(path / "a.avi", frames, code)


def micro_manager(path: Path, frames: Any) -> Path:
    return micro_manager_tiff(path / "a.tif", frames, 40.0)


EXACT: dict[str, tuple[Callable[[Path, Any], Path], Any]] = {
    "npy 8 bit": (npy, FRAMES),
    "npy 16 bit": (npy, DEEP),
    "npy big-endian": (npy_big_endian, DEEP),
    "npy float": (npy, FRAMES.astype(np.float32)),
    "zarr": (zarr_array, DEEP),
    "Y16 AVI": (grey_avi(b"Y16 "), DEEP),
    "Y12 AVI": (grey_avi(b"Y12 "), DEEP >> 4),
    "Y800 AVI": (grey_avi(b"Y800"), FRAMES),
    "AVI of an unknown 8-bit kind": (grey_avi(b"BY8 "), FRAMES),
    "AVI with padded rows": (grey_avi(b"BY8 "), np.ascontiguousarray(FRAMES[:, :, :62])),
    "Micro-Manager": (micro_manager, DEEP >> 4),
}


@pytest.mark.parametrize("name", EXACT)
def test_levels_numbers_and_count_are_exact(name: str, tmp_path: Path) -> None:
    write, frames = EXACT[name]
    if "padded" in name:  # as a Windows bitmap pads them
        frames = np.pad(frames, ((0, 0), (0, 0), (0, 2)))
        path = write(tmp_path, frames)
        head = bytearray(path.read_bytes())
        place = head.index(b"strf") + 12
        struct.pack_into("<i", head, place, 62)
        path.write_bytes(head)
        frames = frames[:, :, :62]
    else:
        path = write(tmp_path, frames)
    with open_recording(path) as recording:
        assert len(recording) == 30
        assert recording.pixel_type == frames.dtype.newbyteorder("=")
        np.testing.assert_array_equal(np.array(list(recording)), frames)
        for number in (17, 3, 29, 0):
            np.testing.assert_array_equal(recording[number], frames[number])
        assert set(findings(recording).values()) <= {"pass", "not_applicable"}


@pytest.mark.parametrize("family", [npy, grey_avi(b"Y16 "), micro_manager])
def test_cut_files_give_their_whole_frames_and_say_so(
    family: Callable[[Path, Any], Path], tmp_path: Path
) -> None:
    path = family(tmp_path, DEEP)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    with open_recording(path) as recording:
        assert 17 <= len(recording) <= 18
        np.testing.assert_array_equal(np.array(list(recording)), DEEP[: len(recording)])
        if family is not micro_manager:  # a chain of pages does not know its length
            assert recording.about().frames_declared == 30
        assert findings(recording)["whole_file"] == "warn"


def test_dropped_frame_of_a_raw_avi_is_a_gap_in_time(tmp_path: Path) -> None:
    path = write_grey_avi(tmp_path / "a.avi", DEEP, b"Y16 ", dropped=11)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(np.array(list(recording)), np.delete(DEEP, 11, 0))
        np.testing.assert_allclose(np.diff(recording.timestamps_s)[9:12], [0.04, 0.08, 0.04])
        assert recording.about().missed_after == {10: 1}
        assert findings(recording)["missing_frames"] == "fail"  # 1 of 30 is over 1 %


def test_raw_avi_that_is_no_grey_is_one_line(tmp_path: Path) -> None:
    path = write_grey_avi(tmp_path / "a.avi", np.repeat(FRAMES, 3, axis=2), b"XYZ ")
    head = bytearray(path.read_bytes())
    struct.pack_into("<i", head, head.index(b"strf") + 12, 64)
    path.write_bytes(head)
    with pytest.raises(RecordingError, match="XYZ") as error:
        open_recording(path)
    assert "\n" not in str(error.value)


def test_imagej_stack_beyond_4_gb_is_read_to_its_end(tmp_path: Path) -> None:
    # one page and a sparse block behind it: the way ImageJ writes what TIFF cannot count
    path, shape, count = tmp_path / "a.tif", (1024, 1280), 3500
    first = np.full(shape, 7, np.uint8)
    tifffile.imwrite(path, first, imagej=True, metadata={"images": count, "frames": count})
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[0]
        text = tif.pages[0].tags["ImageDescription"]
    said = f"ImageJ=1.54\nimages={count}\nframes={count}\n\0".encode()
    with path.open("r+b") as stream:
        stream.seek(text.valueoffset)
        assert len(said) <= text.count + 8
        stream.write(said)
        os.truncate(path, offset + count * first.nbytes)
        for number in (1, count // 2, count - 1):
            stream.seek(offset + number * first.nbytes)
            stream.write(np.full(shape, number % 251, np.uint8).tobytes())
    assert path.stat().st_size > 2**32
    with open_recording(path) as recording:
        assert (len(recording), recording.frame_shape) == (count, shape)
        for number in (1, count // 2, count - 1):
            assert (recording[number] == number % 251).all()
        assert recording.about().frames_declared is None


def test_series_of_another_size_are_left_out_and_said(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(FRAMES, photometric="minisblack")
        writer.write(FRAMES[:4, :20, :20], photometric="minisblack")
    with open_recording(tmp_path / "a.tif") as recording:
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)
        assert any("1 more image series" in note for note in recording.about().notes)


def test_micro_manager_says_scale_exposure_depth_and_times(tmp_path: Path) -> None:
    times = [40.0 * n + 80 * (n > 20) for n in range(30)]
    with open_recording(micro_manager_tiff(tmp_path / "a.tif", DEEP >> 4, 40, times)) as recording:
        known = recording.acquisition.known()
        assert {name: value.value for name, value in known.items()} == {
            "pixel_size_um": 0.2,
            "frame_rate_hz": 25.0,
            "exposure_ms": 12.5,
        }
        assert {value.source for value in known.values()} == {"Micro-Manager metadata"}
        assert (recording.bit_depth, recording.white_level) == (12, 4095)
        np.testing.assert_allclose(recording.timestamps_s, np.array(times) / 1e3)
        assert recording.about().missed_after == {20: 2}


def test_ome_times_of_planes_are_the_times_of_frames(tmp_path: Path) -> None:
    times = [0.05 * n + 0.02 * (n == 7) for n in range(30)]  # one 40 % of an interval late
    planes = {"DeltaT": times, "ExposureTime": [0.01] * 30}
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        FRAMES,
        photometric="minisblack",
        metadata={"axes": "TYX", "Plane": planes},
    )
    with open_recording(tmp_path / "a.ome.tif") as recording:
        np.testing.assert_allclose(recording.timestamps_s, times)
        assert recording.acquisition.frame_rate_hz == pytest.approx(20)
        assert recording.acquisition.exposure_ms == pytest.approx(10)
        assert recording.about().uneven_frames == [7, 8]
        assert findings(recording)["even_times"] == "fail"


def test_times_of_a_film_with_gaps_become_findings(tmp_path: Path) -> None:
    numbers = [n + 5 * (n > 20) for n in range(30)]
    path = write_film(tmp_path / "a.mkv", FRAMES, "ffv1", "gray", times=numbers)
    with open_recording(path) as recording:
        assert recording.about().missed_after == {20: 5}
        assert [burnt_in(frame) for frame in recording] == list(range(30))


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_depth_of_the_camera_is_found_where_pixels_saturate(bits: int, tmp_path: Path) -> None:
    frames = numbered_frames(30, np.uint16, 10, 2**bits - 1)
    low, high = tmp_path / "low.npy", tmp_path / "high.npy"
    np.save(low, frames)
    np.save(high, frames << (16 - bits))
    with open_recording(low) as recording:
        assert (recording.bit_depth, recording.white_level) == (bits, 2**bits - 1)
    with open_recording(high) as recording:
        white = (2**bits - 1) << (16 - bits)
        assert (recording.bit_depth, recording.white_level) == (bits, white)
    np.save(low, np.minimum(frames, 2**bits - 2))  # nothing saturated: nothing is known
    with open_recording(low) as recording:
        assert (recording.bit_depth, recording.white_level) == (16, 65535)


@pytest.mark.parametrize("rate", [30, 60, 120])
def test_coarse_times_of_a_film_are_even_but_for_what_is_missing(rate: int, tmp_path: Path) -> None:
    # Matroska counts milliseconds: intervals of 8.3 ms are stored as 8 and 9
    path = tmp_path / "a.mkv"
    numbers = [n + 3 * (n > 12) for n in range(30)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
        for number, pixels in zip(numbers, FRAMES, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, "gray")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_recording(path) as recording:
        assert len(recording) == 30
        about = recording.about()
        assert (about.missed_after, about.uneven_frames) == ({12: 3}, [])
        np.testing.assert_allclose(recording.timestamps_s, np.array(numbers) / rate, atol=2e-3)


def test_alpha_and_equal_channels_are_grey(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    for number, frame in enumerate(FRAMES):
        Image.merge("LA", [Image.fromarray(frame), Image.new("L", (64, 48), 128)]).save(
            folder / f"{number}.png"
        )
    colour = np.stack([FRAMES] * 3 + [np.full_like(FRAMES, 9)], -1)
    tifffile.imwrite(tmp_path / "b.tif", colour, photometric="rgb", extrasamples=["unassalpha"])
    for path in (folder, tmp_path / "b.tif"):
        with open_recording(path) as recording:
            np.testing.assert_array_equal(np.array(list(recording)), FRAMES)
            assert recording.about().notes == []


class Nikon:
    """Stands in for `nd2.ND2File`: 30 time points, 2 depths, 2 channels."""

    sizes = {"T": 30, "Z": 2, "C": 2, "Y": 48, "X": 64}  # noqa: RUF012
    dtype = np.dtype(np.uint16)
    attributes = SimpleNamespace(bitsPerComponentSignificant=12)
    closed = 0

    def __init__(self, path: Path) -> None: ...
    def __enter__(self) -> Nikon:
        return self

    def __exit__(self, *_: object) -> None:
        Nikon.closed += 1

    def voxel_size(self) -> Any:
        return SimpleNamespace(x=0.11, y=0.11, z=1.0)

    def events(self, orient: str) -> dict[str, list[float]]:
        times = [0.1 + 0.025 * n for n in range(60)]
        return {"Time [s]": times, "Camera 1 Exposure Time [ms]": [8.0] * 60}

    def read_frame(self, number: int) -> Any:
        if number == 2 * 5:
            return np.zeros((2, 48, 64), np.uint16)  # what the library gives where none is
        frame = DEEP[number // 2] >> 4
        return np.stack([frame if number % 2 == 0 else frame + 1, frame + 7])


def test_nd2_gives_time_points_with_times_scale_and_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nd2 = pytest.importorskip("nd2")
    monkeypatch.setattr(nd2, "ND2File", Nikon)
    (tmp_path / "a.nd2").write_bytes(b"\xda\xce\xbe\x0a" + b"\0" * 60)
    with open_recording(tmp_path / "a.nd2") as recording:
        assert (len(recording), recording.white_level) == (30, 4095)
        expected = DEEP >> 4
        expected[5] = expected[4]
        np.testing.assert_array_equal(np.array(list(recording)), expected)
        assert recording.damaged_frames == (5,)
        np.testing.assert_allclose(recording.timestamps_s, 0.05 * np.arange(30))
        acquisition = recording.acquisition
        assert (acquisition.pixel_size_um, acquisition.exposure_ms) == (0.11, 8.0)
        assert acquisition.frame_rate_hz == pytest.approx(20)
        assert any("2 depths (Z) and 2 channels (C)" in note for note in recording.about().notes)
    assert Nikon.closed == 1


def test_real_nd2_opens_at_its_first_channel_and_depth(shared_data: Path) -> None:
    nd2 = pytest.importorskip("nd2")
    path = shared_data / "formats" / "cluster.nd2"
    with nd2.ND2File(path) as file:
        expected = file.asarray()[:, 0, 0]
    with open_recording(path) as recording:
        assert (len(recording), recording.frame_shape, recording.bit_depth) == (3, (31, 38), 12)
        np.testing.assert_array_equal(np.array(list(recording)), expected)
        assert recording.acquisition.pixel_size_um == pytest.approx(0.16781, rel=1e-4)


def test_real_cine_opens_with_the_cameras_own_times(shared_data: Path) -> None:
    with open_recording(shared_data / "formats" / "cine_781.cine") as recording:
        assert (len(recording), recording.frame_shape) == (15, (256, 256))
        frames = np.array(list(recording))
        np.testing.assert_array_equal(recording[9], frames[9])
        # the header of the file: 0x0F frames, a shutter of 10 us
        head = (shared_data / "formats" / "cine_781.cine").read_bytes()[:44]
        assert struct.unpack_from("<I", head, 20)[0] == len(recording)
        known = recording.acquisition.known()
        assert (known["frame_rate_hz"].value, known["exposure_ms"].value) == (90000, 0.01)
        assert known["exposure_ms"].source == "Cine metadata"


def test_absurd_sizes_are_refused_at_once_by_every_header(tmp_path: Path) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (5, 10**9, 10**9)}
    with (tmp_path / "a.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
    avi = write_grey_avi(tmp_path / "a.avi", DEEP, b"Y16 ")
    head = bytearray(avi.read_bytes())
    struct.pack_into("<ii", head, head.index(b"strf") + 12, 10**9, 10**9)
    avi.write_bytes(head)
    for name in ("a.npy", "a.avi"):
        begin = time.perf_counter()
        with pytest.raises(RecordingError, match="1000000000 x 1000000000"):
            open_recording(tmp_path / name)
        assert time.perf_counter() - begin < 1


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (FRAMES[0], "shape"),
        (np.asfortranarray(FRAMES), "Fortran"),
        (FRAMES > 100, "type bool"),
        (FRAMES[:1], "one frame only"),
    ],
)
def test_arrays_on_disk_that_are_no_recording(array: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=message):
        open_recording(npy(tmp_path, array))


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nd2", None)
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    (tmp_path / "a.nd2").write_bytes(b"\xda\xce\xbe\x0a" + b"\0" * 60)
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text("{}")
    with pytest.raises(RecordingError, match=r"evsize\[nd2\]"):
        open_recording(tmp_path / "a.nd2")
    with pytest.raises(RecordingError, match=r"evsize\[zarr\]"):
        open_recording(tmp_path / "a.zarr")


def test_first_damaged_frames_are_replaced_by_the_first_intact_one(tmp_path: Path) -> None:
    frames = FRAMES.astype(np.float32)
    frames[:12, 0, 0] = np.inf
    with open_recording(npy(tmp_path, frames)) as recording:
        assert burnt_in(recording[0]) == 12
        assert [burnt_in(frame) for frame in recording] == [12] * 12 + list(range(12, 30))
        assert recording.damaged_frames == tuple(range(12))
        assert findings(recording)["corrupt_frames"] == "fail"

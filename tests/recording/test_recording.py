from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pims
import pytest
import tifffile
from PIL import Image

from evsize.errors import EvsizeError, RecordingError, TooFewFramesError, UsageError
from evsize.recording import READERS, Recording, open_recording
from evsize.recording.magic import ND2, NPY, STARTS, VIDEOS
from tests.recording.makers import numbered_frames, write_film

FRAMES = numbered_frames(20)


def as_tiff(folder: Path) -> Any:
    tifffile.imwrite(folder / "a.tif", FRAMES)
    return folder / "a.tif"


def as_pages(folder: Path) -> Any:
    tifffile.imwrite(folder / "a.tif", FRAMES, compression="zlib")
    return folder / "a.tif"


def as_film(folder: Path) -> Any:
    return write_film(folder / "a.mkv", FRAMES, "ffv1", "gray")


def as_folder(folder: Path) -> Any:
    (folder / "a").mkdir()
    for number, frame in enumerate(FRAMES):
        Image.fromarray(frame).save(folder / "a" / f"{number}.png")
    return folder / "a"


def as_array(folder: Path) -> Any:
    return FRAMES.copy()


def as_sequence(folder: Path) -> Any:
    return open_recording(FRAMES.copy())[:]


MAKERS = [as_tiff, as_pages, as_film, as_folder, as_array, as_sequence]


def open_files() -> set[str]:
    """Files below a temporary folder that this process holds open."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("needs /proc to see open files")
    links = set()
    for entry in folder.iterdir():
        try:
            links.add(str(entry.readlink()))
        except OSError:
            continue
    return {link for link in links if "pytest" in link}


@pytest.mark.parametrize("maker", MAKERS)
def test_every_family_is_a_lazy_sequence(maker: Callable[[Path], Any], tmp_path: Path) -> None:
    with open_recording(maker(tmp_path)) as recording:
        assert isinstance(recording, pims.FramesSequence)
        assert (len(recording), recording.frame_shape, recording.shape) == (
            20,
            (48, 64),
            (20, 48, 64),
        )
        assert recording.white_level == 255
        assert recording.bit_depth == 8
        frame = recording[3]
        assert isinstance(frame, pims.Frame)
        assert (frame.frame_no, frame.dtype, frame.shape) == (3, np.uint8, (48, 64))
        np.testing.assert_array_equal(recording[-1], FRAMES[-1])
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)
        part = recording[4:16:3]
        assert part.frame_shape == (48, 64)
        assert part.white_level == 255
        np.testing.assert_array_equal(np.array(list(part)), FRAMES[4:16:3])
        np.testing.assert_array_equal(np.array(list(part[1:])), FRAMES[7:16:3])
        for number in np.random.default_rng(2).permutation(20):
            np.testing.assert_array_equal(recording[int(number)], FRAMES[number])
        with pytest.raises(IndexError):
            recording[20]


@pytest.mark.parametrize("maker", MAKERS)
def test_frames_are_copies(maker: Callable[[Path], Any], tmp_path: Path) -> None:
    source = maker(tmp_path)
    with open_recording(source) as recording:
        recording[2][:] = 0
        np.testing.assert_array_equal(recording[2], FRAMES[2])
    if isinstance(source, np.ndarray):
        np.testing.assert_array_equal(source, FRAMES)


@pytest.mark.parametrize("maker", MAKERS)
def test_no_file_stays_open(maker: Callable[[Path], Any], tmp_path: Path) -> None:
    before = open_files()
    recording = open_recording(maker(tmp_path))
    recording[5]
    recording.close()
    recording.close()
    assert open_files() == before
    with pytest.raises(RecordingError, match="was closed"):
        recording[5]


def test_forgotten_recording_closes_its_file(tmp_path: Path) -> None:
    before = open_files()
    recording = open_recording(as_tiff(tmp_path))
    assert open_files() != before
    del recording
    assert open_files() == before


def test_info_describes_the_recording(tmp_path: Path) -> None:
    path = as_tiff(tmp_path)
    info = open_recording(path, frame_rate_hz=10).info()
    assert (info.path, info.frames, info.height_px, info.width_px) == (str(path), 20, 48, 64)
    assert (info.bit_depth, info.duration_s) == (8, 2.0)
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert open_recording(path).info().duration_s is None
    array = open_recording(FRAMES).info()
    assert array.sha256 == hashlib.sha256(FRAMES.tobytes()).hexdigest()
    assert array.path == "array 20 x 48 x 64"


def test_given_counts_before_sidecar_before_file(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        FRAMES,
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "TYX", "unit": "um", "finterval": 0.05},
    )
    (tmp_path / "a.toml").write_text(
        "[acquisition]\nframe_rate_hz = 25\ntemperature_c = 22\nviscosity_mpas = 1.1\n"
        "[truth]\nanything = 1\n"
    )
    with open_recording(tmp_path / "a.tif", temperature_c=30, medium="pbs") as recording:
        known = recording.acquisition.known()
    assert {name: (v.value, v.source) for name, v in known.items()} == {
        "pixel_size_um": (0.5, "ImageJ metadata"),
        "frame_rate_hz": (25.0, "sidecar a.toml"),
        "temperature_c": (30.0, "given"),
        "medium": ("pbs", "given"),
    }


def test_folder_has_its_sidecar_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[acquisition]\nmedium = 'water'\n")
    with open_recording(as_folder(tmp_path)) as recording:
        assert recording.acquisition.medium == "water"


def test_unknown_key_in_a_sidecar_is_named(tmp_path: Path) -> None:
    path = as_tiff(tmp_path)
    (tmp_path / "a.toml").write_text("[acquisition]\npixelsize = 0.1\n")
    before = open_files()
    with pytest.raises(UsageError, match=r"a\.toml.*pixelsize"):
        open_recording(path)
    assert open_files() == before


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="pixel_size_um"):
        open_recording(FRAMES, pixel_size_um=-1)


def test_recordings_and_their_parts_are_taken_as_sources() -> None:
    first = open_recording(FRAMES, pixel_size_um=0.1, frame_rate_hz=30)
    again = open_recording(first[5:], frame_rate_hz=25)
    assert again.acquisition.pixel_size_um == 0.1
    assert again.acquisition.frame_rate_hz == 25
    np.testing.assert_array_equal(again[0], FRAMES[5])
    assert again[0].frame_no == 0


class Colourful(pims.FramesSequence):  # type: ignore[misc]
    """A sequence of another library, 12 bits in 16, in colour."""

    frame_shape = (48, 64)
    pixel_type = np.uint16
    bit_depth = 12

    def __len__(self) -> int:
        return 20

    def get_frame(self, ind: int) -> pims.Frame:
        pixels = FRAMES[ind].astype(np.uint16)
        return pims.Frame(np.stack([pixels] * 3, -1), frame_no=ind)


def test_sequences_of_other_libraries() -> None:
    with open_recording(Colourful()) as recording:
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)
        assert (recording.white_level, recording.bit_depth) == (4095, 12)
        assert recording.info().sha256 is not None


@pytest.mark.parametrize("dtype", ["u1", ">u2", "<u4", "i2", "f4", ">f8"])
def test_arrays_of_every_type(dtype: str) -> None:
    array = FRAMES.astype(dtype)
    with open_recording(array) as recording:
        assert recording.pixel_type.isnative
        np.testing.assert_array_equal(np.array(list(recording)), array)
        assert recording.info().bit_depth == array.itemsize * 8
        expected = {"u": 2.0**recording.bit_depth - 1, "i": 32767.0, "f": np.inf}
        assert recording.white_level == expected[array.dtype.kind]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (FRAMES[0], TooFewFramesError),
        (FRAMES[:1], TooFewFramesError),
        (FRAMES[:0], TooFewFramesError),
        (FRAMES > 3, RecordingError),
        (FRAMES.astype(complex), RecordingError),
        (FRAMES.reshape(2, 10, 48, 64), RecordingError),
        (FRAMES[:, :0], RecordingError),
        (42, RecordingError),
    ],
)
def test_what_is_no_recording_in_memory(source: Any, error: type[EvsizeError]) -> None:
    with pytest.raises(error):
        open_recording(source)


BAD_FILES = {
    "empty.avi": (b"", "is empty"),
    "text.avi": (b"frame rate: 25\nshutter: 100\n", "text, beginning 'frame rate"),
    "noise.tif": (b"\x07\x01\x02\x03" * 99, "bytes 07 01 02 03"),
    "head.tif": (b"II*\0", "cannot read"),
    "loop.tif": (b"II*\0\x08\0\0\0" + b"\0" * 40, "0 x 0 px"),
    "head.avi": (b"RIFF\x10\0\0\0AVI LIST", "header or index"),
    "head.mkv": (b"\x1aE\xdf\xa3" + b"\0" * 60, "header or index"),
    "a.nd2": (b"\xda\xce\xbe\x0a" + b"\0" * 60, "cannot read"),
    "a.cine": (b"CI\x2c\0" + b"\0" * 60, "cannot read|header or index|no film"),
    "a.npy": (b"\x93NUMPY\x01\0" + b"\0" * 60, "cannot read"),
    "a.h5": (b"\x89HDF" + b"\0" * 60, "HDF5"),
    "one.png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 60, "single image"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_one_line(name: str, tmp_path: Path) -> None:
    content, message = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    before = open_files()
    with pytest.raises(RecordingError, match=message) as error:
        open_recording(tmp_path / name)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 4
    assert open_files() == before


def test_missing_path_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no"):
        open_recording(tmp_path / "nothing.tif")


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    as_film(tmp_path).rename(tmp_path / "film.tif")
    as_tiff(tmp_path).rename(tmp_path / "stack.avi")
    for name in ("film.tif", "stack.avi"):
        with open_recording(tmp_path / name) as recording:
            np.testing.assert_array_equal(recording[7], FRAMES[7])


@pytest.mark.parametrize("maker", [as_tiff, as_pages, as_film])
def test_damaged_files_never_give_a_traceback(maker: Callable[[Path], Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    path = maker(tmp_path)
    whole = path.read_bytes()
    before = open_files()
    lines = []
    for _ in range(25):
        harmed = bytearray(whole[: rng.integers(1, len(whole))])
        for place in rng.integers(0, min(len(harmed), 600), 3):
            harmed[place] = rng.integers(256)
        path.write_bytes(harmed)
        try:
            with open_recording(path) as recording:
                for frame in recording:
                    assert frame.shape == recording.frame_shape
        except EvsizeError as error:
            lines.append(str(error))
        assert open_files() == before
    assert not any("\n" in line for line in lines)


def test_registry_is_whole() -> None:
    kinds = {kind for reader in READERS.values() for kind in reader.kinds}
    assert {"tiff", "folder", "zarr", ND2, NPY, *VIDEOS} == kinds
    assert kinds - {"folder", "zarr", "avi", "mp4"} <= set(STARTS.values())
    assert all(reader.description for reader in READERS.values())
    assert issubclass(Recording, pims.FramesSequence)

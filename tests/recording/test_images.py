from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from evsize.errors import RecordingError, TooFewFramesError
from evsize.recording import open_recording
from evsize.recording.grey import luminance
from tests.recording.makers import burnt_in, numbered_frames

FRAMES = numbered_frames(12)


def write_images(folder: Path, frames: Any, extension: str = "png", start: int = 0) -> Path:
    """Write images whose names need natural order, the last first."""
    folder.mkdir(exist_ok=True)
    for number in reversed(range(len(frames))):
        path = folder / f"frame{number + start}.{extension}"
        if extension == "tif":
            tifffile.imwrite(path, frames[number])
        else:
            Image.fromarray(frames[number]).save(path)
    return folder


@pytest.mark.parametrize("extension", ["png", "bmp", "tif"])
def test_images_come_in_natural_order_with_their_levels(extension: str, tmp_path: Path) -> None:
    with open_recording(write_images(tmp_path / "a", FRAMES, extension)) as recording:
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)
        assert [burnt_in(frame) for frame in recording] == list(range(12))
        np.testing.assert_array_equal(recording[10], FRAMES[10])


@pytest.mark.parametrize("extension", ["png", "tif"])
def test_16_bit_images_keep_their_levels(extension: str, tmp_path: Path) -> None:
    frames = numbered_frames(3, np.uint16, 100, 60000)
    with open_recording(write_images(tmp_path / "a", frames, extension)) as recording:
        assert recording.white_level == 65535
        np.testing.assert_array_equal(np.array(list(recording)), frames)


@pytest.mark.parametrize("channels", [3, 4])
def test_colour_images_that_are_grey_are_grey_exactly(channels: int, tmp_path: Path) -> None:
    colour = np.repeat(FRAMES[..., None], channels, -1)
    colour[..., 3:] = 255
    with open_recording(write_images(tmp_path / "a", colour)) as recording:
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)
        assert any("read as grey" in remark for remark in recording.info().remarks)
        assert recording.info().notes == []


def test_coloured_images_give_luminance_and_a_note(tmp_path: Path) -> None:
    colour = np.stack([FRAMES, FRAMES // 2, FRAMES // 3], -1)
    with open_recording(write_images(tmp_path / "a", colour)) as recording:
        exact = 0.299 * FRAMES + 0.587 * (FRAMES // 2) + 0.114 * (FRAMES // 3)
        assert np.abs(np.array(list(recording)) - exact).max() <= 0.5 + 1e-9
        assert any("luminance" in note for note in recording.info().notes)


def test_jpeg_images_are_read_with_their_loss_noted(tmp_path: Path) -> None:
    flat = np.full((3, 48, 64), 90, np.uint8)
    with open_recording(write_images(tmp_path / "a", flat, "jpg")) as recording:
        assert np.abs(np.array(list(recording)).astype(int) - 90).max() <= 1
        assert any("JPEG" in note for note in recording.info().notes)


def test_other_files_are_passed_over_and_noted(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", FRAMES)
    (folder / "README").write_text("beads")
    (folder / "fake.png").write_text("no image")
    (folder / ".hidden").write_text("x")
    with open_recording(folder) as recording:
        assert len(recording) == 12
        remarks = recording.info().remarks
        assert any("2 files that are no images" in text and "fake.png" in text for text in remarks)


def test_hash_covers_names_and_content(tmp_path: Path) -> None:
    folders = [
        write_images(tmp_path / "a", FRAMES),
        write_images(tmp_path / "b", FRAMES),
        write_images(tmp_path / "c", FRAMES, start=1),
        write_images(tmp_path / "d", FRAMES[::-1]),
    ]
    hashes = [open_recording(folder).info().sha256 for folder in folders]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_first_image_of_another_size_is_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", FRAMES)
    Image.fromarray(FRAMES[0][:40]).save(folder / "frame10.png")
    Image.fromarray(FRAMES[0][:30]).save(folder / "frame11.png")
    with pytest.raises(RecordingError, match=r"frame10\.png has 64 x 40 px"):
        open_recording(folder)


def test_image_of_another_depth_is_refused(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", FRAMES)
    Image.fromarray(FRAMES[0].astype(np.uint16)).save(folder / "frame5.png")
    with pytest.raises(RecordingError, match=r"frame5\.png .*uint16"):
        open_recording(folder)


def test_damaged_image_is_replaced_marked_and_counted(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", FRAMES)
    whole = (folder / "frame7.png").read_bytes()
    (folder / "frame7.png").write_bytes(whole[: len(whole) // 2])
    with open_recording(folder) as recording:
        np.testing.assert_array_equal(recording[7], FRAMES[6])
        assert recording.damaged_frames == (7,)


def test_vanished_image_is_an_error(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", FRAMES)
    with open_recording(folder) as recording:
        (folder / "frame7.png").unlink()
        with pytest.raises(RecordingError, match=r"frame7\.png has gone"):
            recording[7]


def test_folders_that_are_no_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no images in the folder"):
        open_recording(tmp_path)
    write_images(tmp_path / "one", FRAMES[:1])
    with pytest.raises(TooFewFramesError, match="one frame only"):
        open_recording(tmp_path / "one")
    (tmp_path / "stacks").mkdir()
    tifffile.imwrite(tmp_path / "stacks" / "a.tif", FRAMES)
    with pytest.raises(RecordingError, match="stack of 12 pages"):
        open_recording(tmp_path / "stacks")
    Image.fromarray(FRAMES[0] > 100).save(tmp_path / "one" / "frame0.png")
    with pytest.raises(RecordingError, match="kind 1"):
        open_recording(tmp_path / "one")


def test_real_folder(shared_data: Path) -> None:
    with open_recording(shared_data / "bulk_water") as recording:
        assert (len(recording), recording.frame_shape) == (300, (424, 640))
        assert recording.pixel_type == np.uint8
        with Image.open(shared_data / "bulk_water" / "bulk_water_299.png") as image:
            rgba = np.array(image)
        expected = luminance(rgba[..., 0], rgba[..., 1], rgba[..., 2])
        np.testing.assert_array_equal(recording[-1], expected)
        assert any("LICENSE, README" in remark for remark in recording.info().remarks)

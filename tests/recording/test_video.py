from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from evsize.errors import RecordingError
from evsize.recording import open_recording
from evsize.recording.grey import luminance
from tests.recording.makers import burnt_in, fill_plane, numbered_frames, write_dib_avi, write_film

FRAMES = numbered_frames(40)
DEEP = numbered_frames(40, np.uint16, 1000, 64000)
# a picture that a codec with loss can keep: the numbers on flat ground
FLAT = np.where(np.arange(48)[:, None] < 8, FRAMES, 120).astype(np.uint8)

LOSSLESS: dict[str, tuple[Any, str, str, str, dict[str, str], int]] = {
    "raw grey AVI": (FRAMES, "avi", "rawvideo", "gray", {}, 255),
    "FFV1 grey MKV": (FRAMES, "mkv", "ffv1", "gray", {}, 255),
    "FFV1 grey AVI": (FRAMES, "avi", "ffv1", "gray", {}, 255),
    "FFV1 10 bit": (DEEP >> 6, "mkv", "ffv1", "gray10le", {}, 1023),
    "FFV1 12 bit": (DEEP >> 4, "mkv", "ffv1", "gray12le", {}, 4095),
    "FFV1 16 bit": (DEEP, "mkv", "ffv1", "gray16le", {}, 65535),
    "H.264 lossless limited": (FRAMES, "mp4", "libx264", "yuv420p", {"qp": "0", "g": "8"}, 235),
    "H.264 lossless full": (FRAMES, "mkv", "libx264", "yuvj420p", {"qp": "0", "g": "8"}, 255),
    "H.264 in AVI": (FRAMES, "avi", "libx264", "yuv420p", {"qp": "0", "g": "8"}, 235),
    "H.264 MOV": (FRAMES, "mov", "libx264", "yuv420p", {"qp": "0", "bf": "2", "g": "8"}, 235),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_films_give_the_written_levels(name: str, tmp_path: Path) -> None:
    frames, extension, codec, pix_fmt, options, white = LOSSLESS[name]
    path = write_film(tmp_path / f"a.{extension}", frames, codec, pix_fmt, options)
    with open_recording(path) as recording:
        assert len(recording) == len(frames)
        assert recording.white_level == white
        assert recording.pixel_type == frames.dtype
        np.testing.assert_array_equal(np.array(list(recording)), frames)
        for number in np.random.default_rng(0).permutation(len(frames)):
            np.testing.assert_array_equal(recording[int(number)], frames[number])
        assert recording.timestamps_s is None
        assert recording.damaged_frames == ()


@pytest.mark.parametrize(
    ("extension", "codec", "pix_fmt", "options", "white"),
    [
        ("avi", "mjpeg", "yuvj420p", {"qmin": "1", "qmax": "1"}, 255),
        ("avi", "libx264", "yuv420p", {"crf": "12", "bf": "3"}, 235),
        ("mp4", "libx264", "yuv420p", {"crf": "12", "bf": "3", "g": "10"}, 235),
        ("mkv", "libx264", "yuv420p", {"crf": "12", "bf": "3", "g": "10"}, 235),
    ],
)
def test_films_with_loss_keep_levels_within_it(
    extension: str,
    codec: str,
    pix_fmt: str,
    options: dict[str, str],
    white: int,
    tmp_path: Path,
) -> None:
    path = write_film(tmp_path / f"a.{extension}", FLAT, codec, pix_fmt, options)
    with open_recording(path) as recording:
        assert recording.white_level == white
        got = np.array(list(recording)).astype(int)
        assert [burnt_in(frame) for frame in recording] == list(range(40))
        assert all(burnt_in(recording[n]) == n for n in (39, 4, 17, 16, 30, 0))
        # quantisation at these settings; a range conversion would shift levels by 8 to 20
        assert np.abs(got - FLAT).mean() < 1
        assert np.abs(got[:, 20:] - 120).max() <= 2


def test_palettised_film_is_mapped_through_its_palette(tmp_path: Path) -> None:
    levels = np.arange(256)[::-1]
    grey = b"".join(bytes([v, v, v, 0]) for v in levels)
    with open_recording(write_dib_avi(tmp_path / "a.avi", FRAMES, grey)) as recording:
        assert recording.facts.format == "avi, rawvideo, pal8"
        np.testing.assert_array_equal(np.array(list(recording)), 255 - FRAMES)
    identity = b"".join(bytes([v, v, v, 0]) for v in range(256))
    with open_recording(write_dib_avi(tmp_path / "b.avi", FRAMES, identity)) as recording:
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)


def test_coloured_palette_gives_luminance_and_a_note(tmp_path: Path) -> None:
    palette = b"".join(bytes([0, v, 255 - v, 0]) for v in range(256))  # blue, green, red
    with open_recording(write_dib_avi(tmp_path / "a.avi", FRAMES, palette)) as recording:
        expected = luminance(255 - FRAMES, FRAMES, np.zeros_like(FRAMES))
        np.testing.assert_array_equal(np.array(list(recording)), expected)
        assert any("luminance" in note for note in recording.info().notes)


@pytest.mark.parametrize("pix_fmt", ["bgr24", "bgra"])
def test_rgb_film_that_is_grey_is_grey_exactly(pix_fmt: str, tmp_path: Path) -> None:
    channels = 4 if pix_fmt == "bgra" else 3
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        for number, pixels in enumerate(FRAMES):
            frame = av.VideoFrame(64, 48, pix_fmt)
            fill_plane(frame.planes[0], np.repeat(pixels[..., None], channels, -1))
            frame.pts = number
            container.mux(stream.encode(frame))
    with open_recording(path) as recording:
        np.testing.assert_array_equal(np.array(list(recording)), FRAMES)
        assert not any("luminance" in note for note in recording.info().notes)


def test_varying_times_are_kept(tmp_path: Path) -> None:
    numbers = [n + 5 * (n > 20) for n in range(40)]
    path = write_film(tmp_path / "a.mkv", FRAMES, "ffv1", "gray", times=numbers)
    with open_recording(path) as recording:
        assert recording.timestamps_s is not None
        np.testing.assert_allclose(recording.timestamps_s, np.array(numbers) / 25, atol=1e-3)
        assert [burnt_in(frame) for frame in recording] == list(range(40))


@pytest.mark.parametrize(
    ("extension", "codec", "options"),
    [("avi", "rawvideo", {}), ("avi", "ffv1", {}), ("mkv", "ffv1", {}), ("avi", "mjpeg", {})],
)
def test_cut_film_gives_its_whole_frames_and_says_so(
    extension: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "gray"
    path = write_film(tmp_path / f"a.{extension}", FRAMES, codec, pix_fmt, options)
    with open_recording(path) as recording:
        expected = np.array(list(recording))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    with open_recording(path) as recording:
        assert 20 <= len(recording) <= 26
        frames = np.array(list(recording))
        intact = [n for n in range(len(recording)) if n not in recording.damaged_frames]
        assert len(intact) >= len(recording) - 1
        np.testing.assert_array_equal(frames[intact], expected[intact])
        assert recording.info().frames_declared == 40


@pytest.mark.parametrize(("extension", "codec"), [("mp4", "libx264"), ("mov", "mjpeg")])
def test_film_cut_behind_its_index_gives_its_whole_frames(
    extension: str, codec: str, tmp_path: Path
) -> None:
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    options = {"qp": "0", "g": "8"} if codec == "libx264" else {}
    front = {"movflags": "faststart"}
    path = tmp_path / f"a.{extension}"
    write_film(path, FRAMES, codec, pix_fmt, options, container_options=front)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    with open_recording(path) as recording:
        assert 20 <= len(recording) <= 26
        assert [burnt_in(frame) for frame in recording] == list(range(len(recording)))
        assert recording.info().frames_declared == 40


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "options", "told"),
    [
        ("mjpeg", "yuvj420p", {}, "compressed, with loss (mjpeg)"),
        ("libx264", "yuv420p", {"crf": "20"}, "compressed, as a rule with loss (h264)"),
        ("libx264", "yuv420p", {"qp": "0"}, None),
        ("ffv1", "gray", {}, None),
    ],
)
def test_compression_with_loss_is_told(
    codec: str, pix_fmt: str, options: dict[str, str], told: str | None, tmp_path: Path
) -> None:
    path = write_film(tmp_path / "a.mkv", FRAMES, codec, pix_fmt, options)
    with open_recording(path) as recording:
        notes = " ".join(recording.info().notes)
    assert told in notes if told else "with loss" not in notes


def test_corrupt_packet_is_replaced_marked_and_counted(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.avi", FRAMES, "mjpeg", "yuvj420p")
    with open_recording(path) as recording:
        expected = np.array(list(recording))
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.pts is not None]
    damaged = bytearray(path.read_bytes())
    position, size = packets[17]
    assert position is not None
    damaged[position : position + size] = b"\0" * size
    path.write_bytes(damaged)
    with open_recording(path) as recording:
        frames = np.array(list(recording))
        assert len(recording) == 40
        assert recording.damaged_frames == (17,)
        np.testing.assert_array_equal(frames[17], expected[16])
        np.testing.assert_array_equal(np.delete(frames, 17, 0), np.delete(expected, 17, 0))
        np.testing.assert_array_equal(recording[17], expected[16])
        assert recording[17].metadata == {"corrupt": True}


def cut_before_index(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"moov") - 4])


def flip_header(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:12] + b"\xff" * 300)


@pytest.mark.parametrize("harm", [cut_before_index, flip_header])
def test_film_without_index_or_header_is_one_line(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    path = write_film(tmp_path / "a.mp4", FRAMES, "libx264", "yuv420p")
    harm(path)
    with pytest.raises(RecordingError, match="header or index") as error:
        open_recording(path)
    assert "\n" not in str(error.value)


def test_sequential_reading_never_seeks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_film(tmp_path / "a.mp4", FRAMES, "libx264", "yuv420p", {"g": "8"})
    with open_recording(path) as recording:
        seeks = []
        seek = recording._seek
        monkeypatch.setattr(recording, "_seek", lambda index: (seeks.append(index), seek(index)))
        assert [burnt_in(frame) for frame in recording] == list(range(40))
        assert len(seeks) <= 1


def test_real_films(shared_data: Path) -> None:
    with open_recording(shared_data / "formats" / "mjpeg_nanoparticle.avi") as recording:
        assert (len(recording), recording.frame_shape) == (123, (164, 288))
        in_order = [frame.copy() for frame in recording[:20]]
        for number in (19, 3, 11):
            np.testing.assert_array_equal(recording[number], in_order[number])
    assert recording.white_level == 255


def test_film_and_its_png_copies_show_the_same(shared_data: Path) -> None:
    with (
        open_recording(shared_data / "formats" / "bulk-water.mov") as film,
        open_recording(shared_data / "bulk_water") as copies,
    ):
        assert (len(film), film.frame_shape) == (480, (424, 640))
        for number in (0, 1, 12, 30):
            luma = film[number].astype(float)
            # the copies went through RGB at 4:2:0 and another matrix: rounding and chroma only
            assert np.corrcoef(luma.ravel(), copies[number].ravel())[0, 1] > 0.98
        with Image.open(shared_data / "bulk_water" / "bulk_water_012.png") as image:
            rgb = np.array(image)
        np.testing.assert_array_equal(copies[12], luminance(rgb[..., 0], rgb[..., 1], rgb[..., 2]))

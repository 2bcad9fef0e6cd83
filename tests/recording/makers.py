"""Recordings with known grey levels and the number of each frame burnt in."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import tifffile
from numpy.typing import NDArray

HEIGHT, WIDTH = 48, 64


def numbered_frames(count: int, dtype: Any = np.uint8, low: int = 20, high: int = 220) -> Any:
    """Frames of smooth noise between two levels, the bits of their number as 8 x 8 blocks."""
    rng = np.random.default_rng(1)
    frames = rng.integers(low, high, (count, HEIGHT, WIDTH)).astype(dtype)
    for number, frame in enumerate(frames):
        for bit in range(8):
            frame[:8, 8 * bit : 8 * bit + 8] = high if number >> bit & 1 else low
    return frames


def burnt_in(frame: NDArray[Any], low: int = 20, high: int = 220) -> int:
    """Read the number of a frame back."""
    middle = (low + high) / 2
    return sum(int(frame[:8, 8 * b : 8 * b + 8].mean() > middle) << b for b in range(8))


def write_film(
    path: Path,
    frames: NDArray[Any],
    codec: str,
    pix_fmt: str,
    options: dict[str, str] | None = None,
    times: list[int] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write frames as they are into the first plane of a film, chroma neutral."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], pix_fmt
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame(frames.shape[2], frames.shape[1], pix_fmt)
            fill_plane(frame.planes[0], pixels)
            for plane in frame.planes[1:]:
                plane.update(bytes([128]) * plane.buffer_size)
            frame.pts = times[number] if times else number
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def fill_plane(plane: Any, pixels: NDArray[Any]) -> None:
    row = pixels.reshape(pixels.shape[0], -1)
    padded = np.zeros((plane.height, plane.line_size // pixels.itemsize), pixels.dtype)
    padded[:, : row.shape[1]] = row
    plane.update(padded.tobytes())


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def write_dib_avi(path: Path, frames: NDArray[np.uint8], palette: bytes) -> Path:
    """Write the palettised AVI of a Windows camera: lines from the bottom up, an old index."""
    count, height, width = frames.shape
    rate = 25
    main = struct.pack("<14I", 1000000 // rate, 0, 0, 0x10, count, 0, 1, 0, width, height, *[0] * 4)
    head = struct.pack(
        "<4s4sIHHIIIIIIIIhhhh",
        b"vids", b"DIB ", 0, 0, 0, 0, 1, rate, 0, count, 0, 0, 0, 0, 0, width, height,
    )  # fmt: skip
    size = height * width
    bitmap = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 0, size, 0, 0, 256, 0) + palette
    streams = chunk(b"LIST", b"strl" + chunk(b"strh", head) + chunk(b"strf", bitmap))
    movie, entries = b"movi", b""
    for frame in frames:
        entries += struct.pack("<4sIII", b"00db", 0x10, len(movie), size)
        movie += chunk(b"00db", frame[::-1].tobytes())
    body = b"AVI " + chunk(b"LIST", b"hdrl" + chunk(b"avih", main) + streams)
    body += chunk(b"LIST", movie) + chunk(b"idx1", entries)
    path.write_bytes(chunk(b"RIFF", body))
    return path


GREY_PALETTE = b"".join(bytes([v, v, v, 0]) for v in range(256))


def write_grey_avi(path: Path, frames: NDArray[Any], code: bytes, *, dropped: int = -1) -> Path:
    """Write an uncompressed AVI with this pixel code; one chunk may be empty: a dropped frame."""
    count, height, width = frames.shape
    size = frames[0].nbytes
    main = struct.pack("<14I", 40000, 0, 0, 0x10, count, 0, 1, 0, width, height, *[0] * 4)
    head = struct.pack(
        "<4s4sIHHIIIIIIIIhhhh",
        b"vids",
        code,
        0,
        0,
        0,
        0,
        1,
        25,
        0,
        count,
        0,
        0,
        0,
        0,
        0,
        width,
        height,
    )
    bits = 8 * frames.itemsize
    bitmap = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, bits, code, size, 0, 0, 0, 0)
    streams = chunk(b"LIST", b"strl" + chunk(b"strh", head) + chunk(b"strf", bitmap))
    movie = b"movi" + b"".join(
        chunk(b"00db", b"" if number == dropped else frame.tobytes())
        for number, frame in enumerate(frames)
    )
    body = b"AVI " + chunk(b"LIST", b"hdrl" + chunk(b"avih", main) + streams)
    path.write_bytes(chunk(b"RIFF", body + chunk(b"LIST", movie)))
    return path


def micro_manager_tiff(
    path: Path, frames: NDArray[Any], interval_ms: float, times_ms: list[float] | None = None
) -> Path:
    """Write pages with the tag in which Micro-Manager keeps each frame's metadata."""
    times = times_ms or [interval_ms * number for number in range(len(frames))]
    with tifffile.TiffWriter(path) as writer:
        for frame, time in zip(frames, times, strict=True):
            said = {"ElapsedTime-ms": time, "Exposure-ms": 12.5, "PixelSizeUm": 0.2, "BitDepth": 12}
            tag = (51123, 2, 0, json.dumps(said), True)
            writer.write(frame, contiguous=False, metadata=None, extratags=[tag])
    return path

"""Uncompressed grey AVI of which FFmpeg does not know the pixel format, such as Y16."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from evsize.errors import RecordingError
from evsize.recording.base import Facts, Recording
from evsize.recording.checks import DamagedFrameError, check_size, file_sha256, reading, white_level

LISTS = (b"RIFF", b"LIST")
KNOWN = (b"Y16 ", b"Y160", b"Y800", b"Y8  ", b"GREY", b"BY8 ")
"""Codes that are grey by definition."""
MOST_CHUNKS = 10_000_000
"""Chunks walked through at most: beyond, the file is nonsense."""


@dataclass(frozen=True)
class Header:
    """What the header says of the first film.

    Attributes
    ----------
    code : bytes
        Four letters of the pixel format.
    shape : tuple of int
        Height and width, px.
    frames : int
        Frames that it announces.
    rate_hz : float
        Frames a second at playback; 0 where it does not say.
    """

    code: bytes
    shape: tuple[int, int]
    frames: int
    rate_hz: float


class RawAviRecording(Recording):
    """Frames of an AVI whose chunks are plain grey pixels of 8 or 16 bits.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    RecordingError
        If its frames have another length than grey pixels would have.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as stack, reading(path):
            file = stack.enter_context(path.open("rb"))
            header, places = walk(path, file)
            check_size(path, *header.shape)
            size = usual_size([length for _, length in places])
            dtype, row_bytes = pixels_of(path, header, size)
            held = path.stat().st_size
            whole = [n for n, (at, length) in enumerate(places) if length and at + size <= held]
            name = header.code.decode("ascii", "replace").strip(" \0")
            bits = dtype.itemsize * 8
            super().__init__(
                Facts(
                    path=str(path),
                    format=f"avi, uncompressed {name}, {dtype}",
                    frames=len(whole),
                    shape=header.shape,
                    dtype=dtype,
                    bit_depth=bits,
                    white_level=white_level(dtype, bits),
                    declared=max(header.frames, len(whole)),
                    notes=(f"Pixels of the kind {name} are taken as plain grey, from the top.",)
                    if header.code not in KNOWN
                    else (),
                    remarks=(
                        f"The film states {header.rate_hz:.6g} frames/s; not used, since this is "
                        "often the rate of playback.",
                    ),
                    timestamps_s=times_of(whole, header.rate_hz),
                ),
                stack.pop_all(),
            )
        self._file, self._row_bytes = file, row_bytes
        self._places = [places[n] for n in whole]

    def _read(self, index: int) -> NDArray[Any]:
        height, width = self.facts.shape
        rows = np.empty((height, self._row_bytes), np.uint8)
        offset, length = self._places[index]
        self._file.seek(offset)
        if length != rows.nbytes or self._file.readinto(rows.data) < rows.nbytes:
            raise DamagedFrameError
        kept = rows[:, : width * self.facts.dtype.itemsize]
        return np.ascontiguousarray(kept).view(self.facts.dtype.newbyteorder("<"))

    def _digest(self) -> str:
        return file_sha256(Path(self.facts.path))


def walk(path: Path, file: BinaryIO) -> tuple[Header, list[tuple[int, int]]]:
    """Find header and frames.

    The chunks are walked through, not the index: a film that was cut has none.

    Returns
    -------
    header : Header
        Of the first film.
    places : list of (int, int)
        First byte and length of each frame; a length of 0 is a dropped frame.
    """
    size = path.stat().st_size
    stream = bitmap = None
    places: list[tuple[int, int]] = []
    for name, offset, length in chunks(file, size):
        if name == b"strh" and stream is None:
            head = read_at(file, offset, 56)
            stream = head if head[:4] == b"vids" else None
        elif name == b"strf" and stream is not None and bitmap is None:
            bitmap = read_at(file, offset, 40)
        elif name in (b"00db", b"00dc"):
            places.append((offset, length))
    if stream is None or bitmap is None or len(stream) < 36 or len(bitmap) < 20:
        raise RecordingError(f"{path} has no film in it", "a video stream")
    scale, rate, _, frames = struct.unpack_from("<4I", stream, 20)
    width, height = struct.unpack_from("<ii", bitmap, 4)
    code = bitmap[16:20] if bitmap[16:20].strip(b"\0") else stream[4:8]
    header = Header(code, (abs(height), abs(width)), frames, rate / scale if scale else 0.0)
    return header, places


def chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Give name, first byte and length of every chunk, going into lists."""
    at = 0
    for _ in range(MOST_CHUNKS):
        head = read_at(file, at, 8)
        if len(head) < 8:
            return
        name, length = head[:4], int.from_bytes(head[4:], "little")
        if name in LISTS:
            at += 12
            continue
        yield name, at + 8, length
        at += 8 + length + length % 2
        if at >= size:
            return


def read_at(file: BinaryIO, offset: int, count: int) -> bytes:
    """Read bytes at a place."""
    file.seek(offset)
    return file.read(count)


def usual_size(lengths: list[int]) -> int:
    """Length that most frames have, bytes; 0 where there are none."""
    counted = np.unique([n for n in lengths if n], return_counts=True)
    return int(counted[0][counted[1].argmax()]) if len(counted[0]) else 0


def pixels_of(path: Path, header: Header, size: int) -> tuple[np.dtype[Any], int]:
    """Find type of a pixel and length of a row from the length of a frame.

    Raises
    ------
    RecordingError
        If no plain grey frame has this length.
    """
    height, width = header.shape
    for dtype in (np.dtype(np.uint16), np.dtype(np.uint8)):
        row = width * dtype.itemsize
        for padded in (row, (row + 3) // 4 * 4):
            if padded * height == size:
                return dtype, padded
    raise RecordingError(
        f"{path} has frames of the kind {header.code!r} with {size} bytes for {width} x {height} "
        "px, which FFmpeg cannot decode",
        "plain grey pixels of 8 or 16 bits",
        "save it as an uncompressed grey AVI or as TIFF",
    )


def times_of(numbers: list[int], rate_hz: float) -> NDArray[np.float64] | None:
    """Times of the frames, s, where some between them were dropped."""
    if len(numbers) < 3 or not rate_hz or numbers[-1] - numbers[0] == len(numbers) - 1:
        return None
    return (np.array(numbers, dtype=np.float64) - numbers[0]) / rate_hz

"""Arrays on disk: ``.npy`` files and zarr folders, a frame at a time."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.errors import RecordingError
from evsize.recording.array import ArrayRecording
from evsize.recording.base import Facts, Recording
from evsize.recording.checks import (
    DamagedFrameError,
    check_size,
    check_type,
    file_sha256,
    files_sha256,
    reading,
    white_level,
)

MOST_CHUNK_BYTES = 500_000_000
ZARR_FILES = (".zarray", ".zgroup", "zarr.json")
"""One of these lies in a folder that is a zarr array or group."""


class NpyRecording(Recording):
    """Frames of a ``.npy`` file of shape (frames, height, width).

    Frames are read, not mapped, so that memory does not grow with the file.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    RecordingError
        If the array has another shape or order, or holds no grey levels.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as stack, reading(path):
            file = stack.enter_context(path.open("rb"))
            major, _ = np.lib.format.read_magic(file)
            read_header = (
                np.lib.format.read_array_header_1_0
                if major == 1
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran, stored = read_header(file)
            if len(shape) != 3 or fortran:
                raise RecordingError(
                    f"{path} holds an array of shape {shape}{' in Fortran order' * fortran}",
                    "(frames, height, width) in C order",
                    "save np.ascontiguousarray of it",
                )
            check_size(path, shape[1], shape[2])
            dtype = check_type(path, stored)
            offset = file.tell()
            frame_bytes = shape[1] * shape[2] * stored.itemsize
            held = (path.stat().st_size - offset) // frame_bytes
            bits = dtype.itemsize * 8
            super().__init__(
                Facts(
                    path=str(path),
                    format=f"NumPy array, {dtype}",
                    frames=min(shape[0], held),
                    shape=(shape[1], shape[2]),
                    dtype=dtype,
                    bit_depth=bits,
                    white_level=white_level(dtype, bits),
                    declared=shape[0],
                ),
                stack.pop_all(),
            )
        self._file, self._offset, self._stored = file, offset, stored

    def _read(self, index: int) -> NDArray[Any]:
        pixels = np.empty(self.facts.shape, self._stored)
        self._file.seek(self._offset + index * pixels.nbytes)
        if self._file.readinto(pixels.data.cast("B")) < pixels.nbytes:
            raise DamagedFrameError
        return pixels

    def _digest(self) -> str:
        return file_sha256(Path(self.facts.path))


class ZarrRecording(ArrayRecording):
    """Frames of a zarr array, or of the only array of a zarr group.

    Parameters
    ----------
    path : Path
        Its folder.

    Raises
    ------
    RecordingError
        If the zarr package is missing or the array has another shape.
    """

    def __init__(self, path: Path) -> None:
        try:
            import zarr  # noqa: PLC0415  (an extra)
        except ImportError as error:
            raise RecordingError(
                f"{path} is a zarr array", "the zarr package", 'pip install "evsize[zarr]"'
            ) from error
        with reading(path):
            opened = zarr.open(str(path), mode="r")
            if hasattr(opened, "arrays"):
                arrays = [array for _, array in opened.arrays()]
                if len(arrays) != 1:
                    raise RecordingError(
                        f"{path} is a zarr group of {len(arrays)} arrays",
                        "one array (frames, height, width)",
                        "give the folder of the array itself",
                    )
                opened = arrays[0]
            chunk_bytes = math.prod(opened.chunks) * np.dtype(opened.dtype).itemsize
            if chunk_bytes > MOST_CHUNK_BYTES:
                raise RecordingError(
                    f"{path} is stored in chunks of {chunk_bytes / 1e6:.4g} MB",
                    f"at most {MOST_CHUNK_BYTES / 1e6:.0f} MB, since a chunk is read for a frame",
                    "store it again with fewer frames a chunk",
                )
            super().__init__(opened, name=str(path), kind="zarr array")

    def _read(self, index: int) -> NDArray[Any]:
        try:
            return super()._read(index)
        except Exception as error:  # whatever the store and its codecs raise
            raise DamagedFrameError from error

    def _digest(self) -> str:
        folder = Path(self.facts.path)
        return files_sha256(sorted(f for f in folder.rglob("*") if f.is_file()), folder)


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a zarr array or group."""
    return any((folder / name).is_file() for name in ZARR_FILES)

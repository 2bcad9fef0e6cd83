"""What all readers share: refusals in one line, and hashes of the content."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.errors import EvsizeError, RecordingError

MAX_PIXELS = 2**26
"""Largest frame that is read, in pixels (8192 x 8192); a header that claims more is broken."""


class DamagedFrameError(Exception):
    """One frame cannot be decoded; the rest of the recording may well be."""


class reading:  # noqa: N801  # reads as a phrase: with reading(path)
    """Turn whatever a file library raises into one line about the recording."""

    def __init__(self, path: object) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, EvsizeError):
            return
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise RecordingError(
            f"cannot read {self._path}: {reason[:200] or type(error).__name__}",
            "a whole recording",
            "copy it again from the instrument",
        ) from error


def white_level(dtype: np.dtype[Any], bit_depth: int) -> float:
    """Grey level of a saturated pixel; infinite where values are real numbers."""
    if dtype.kind == "f":
        return math.inf
    return float(2 ** (bit_depth - (dtype.kind == "i")) - 1)


def check_size(path: object, height: int, width: int) -> None:
    """Refuse dimensions that no camera has, before anything is allocated.

    Raises
    ------
    RecordingError
        If a frame would have no pixel or more than `MAX_PIXELS`.
    """
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise RecordingError(
            f"{path} declares frames of {width} x {height} px",
            f"between 1 and {MAX_PIXELS} pixels",
            "the header is broken or this is not a recording",
        )


def check_type(path: object, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a pixel type in native byte order, or refuse it.

    Raises
    ------
    RecordingError
        If pixels are neither integers nor real numbers.
    """
    if dtype.kind not in "uif":
        raise RecordingError(
            f"{path} holds pixels of type {dtype}", "grey levels: integers or real numbers"
        )
    return dtype.newbyteorder("=")


def file_sha256(path: Path) -> str:
    """Hash a file without holding it in memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_sha256(files: Iterable[Path], folder: Path) -> str:
    """Hash the files of a folder with their names."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(folder).as_posix().encode("utf-8", "surrogateescape"))
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def frames_sha256(read: Callable[[int], NDArray[Any]], numbers: Iterable[int]) -> str:
    """Hash the bytes of frames, one after another."""
    digest = hashlib.sha256()
    for number in numbers:
        digest.update(np.ascontiguousarray(read(number)).tobytes())
    return digest.hexdigest()

"""Frames that are in memory already: arrays, and sequences of other libraries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.errors import RecordingError
from evsize.recording.base import Facts, Recording
from evsize.recording.checks import check_size, check_type, frames_sha256, reading, white_level

ALIKE = "Frames have several channels, all equal or alpha: read as grey."


class ArrayRecording(Recording):
    """An array of frames; it is never changed, each frame is a copy.

    Parameters
    ----------
    array : ndarray, (frames, height, width) or (frames, height, width, 3 or 4)
        Also anything that has such a shape, a type and is indexed by frame.
    name : str, optional
        Where it came from.
    kind : str
        What it is, for people.

    Raises
    ------
    RecordingError
        If it has another shape or holds no grey levels.
    """

    def __init__(self, array: Any, name: str = "", kind: str = "array") -> None:
        shape = tuple(int(n) for n in array.shape)
        name = name or f"array {' x '.join(str(n) for n in shape)}"
        if len(shape) == 2:
            array, shape = np.asarray(array)[None], (1, *shape)
        coloured = len(shape) == 4 and shape[3] in (3, 4)
        if len(shape) != 3 and not coloured:
            raise RecordingError(
                f"an array of shape {shape}", "(frames, height, width)", "move the axes first"
            )
        check_size(name, shape[1], shape[2])
        dtype = check_type(name, np.dtype(array.dtype))
        bits = dtype.itemsize * 8
        super().__init__(
            Facts(
                path=name,
                format=f"{kind}, {dtype}",
                frames=shape[0],
                shape=(shape[1], shape[2]),
                dtype=dtype,
                bit_depth=bits,
                white_level=white_level(dtype, bits),
                remarks=(ALIKE,) if coloured else (),
            )
        )
        self._array = array

    def _read(self, index: int) -> NDArray[Any]:
        return np.array(self._array[index])

    def _digest(self) -> str:
        return frames_sha256(lambda i: np.asarray(self._array[i]), range(len(self)))


class SequenceRecording(Recording):
    """Frames of another library's sequence, a `pims.FramesSequence` or a part of one.

    The sequence is not closed with the recording: whoever opened it closes it. Where it has a
    ``white_level``, ``bit_depth`` or ``acquisition``, they are kept.

    Parameters
    ----------
    sequence : pims.FramesSequence
        Frames of shape (height, width) or (height, width, channels).

    Raises
    ------
    RecordingError
        If its frames are no images or cannot be read.
    """

    def __init__(self, sequence: Any) -> None:
        name = type(sequence).__name__
        path = str(getattr(sequence, "filename", None) or getattr(sequence, "path", None) or name)
        with reading(path):
            first = np.asarray(sequence[0]) if len(sequence) else np.zeros((0, 0), np.uint8)
        if first.ndim not in (2, 3) or (first.ndim == 3 and first.shape[-1] > 4):
            raise RecordingError(f"{path} has frames of shape {first.shape}", "(height, width)")
        size = first.shape[:2]
        if len(sequence):
            check_size(path, *size)
        dtype = check_type(path, first.dtype)
        bits = int(getattr(sequence, "bit_depth", 0) or dtype.itemsize * 8)
        super().__init__(
            Facts(
                path=path,
                format=f"sequence, {name}, {dtype}",
                frames=len(sequence),
                shape=(int(size[0]), int(size[1])),
                dtype=dtype,
                bit_depth=bits,
                white_level=float(
                    getattr(sequence, "white_level", None) or white_level(dtype, bits)
                ),
                remarks=(ALIKE,) if first.ndim == 3 else (),
            )
        )
        self._sequence = sequence
        self.acquisition = getattr(sequence, "acquisition", None) or self.acquisition

    def _read(self, index: int) -> NDArray[Any]:
        return np.array(self._sequence[index])

    def _digest(self) -> str:
        numbers: Iterable[int] = range(len(self))
        return frames_sha256(lambda i: np.asarray(self._sequence[i]), numbers)

"""What every recording is: a lazy sequence of grey frames that says what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pims
from numpy.typing import NDArray

from evsize.errors import RecordingError
from evsize.recording.checks import DamagedFrameError, reading
from evsize.recording.grey import to_grey
from evsize.recording.sidecar import combine
from evsize.recording.times import find_uneven
from evsize.results import Acquisition, RecordingInfo

STAND_IN_SEARCH = 1000
"""Frames looked through for an intact one when the first frames are damaged."""
COLOURED = "Frames are in colour: their luminance (0.299 R + 0.587 G + 0.114 B) is used."


@dataclass(frozen=True)
class Facts:
    """What a reader learned of a recording when it opened it.

    Attributes
    ----------
    path : str
        The source as the user gave it.
    format : str
        Family and encoding, for people.
    frames : int
        Frames that can be read.
    shape : tuple of int
        Height and width of a frame, px.
    dtype : dtype
        Of a frame, in native byte order.
    bit_depth : int
        Bits a pixel that carry grey levels.
    white_level : float
        Largest grey level the encoding can hold; infinite for real numbers.
    declared : int or None
        Frames that the file promises, where it says.
    notes : tuple of str
        Plain sentences about everything assumed or odd.
    remarks : tuple of str
        Plain sentences about what is worth knowing and not odd.
    metadata : dict of str to dict
        Acquisition values found in the file, by their names in `Acquisition`, for each place they
        were found in, the least trusted first.
    timestamps_s : ndarray, (frames,), or None
        Time of each frame since the first, s; None where the file has no times of its own.
    """

    path: str
    format: str
    frames: int
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    bit_depth: int
    white_level: float
    declared: int | None = None
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    timestamps_s: NDArray[np.float64] | None = None


class Recording(pims.FramesSequence):  # type: ignore[misc]  # pims is not typed
    """A lazy, random-access sequence of grey frames with its acquisition.

    ``recording[i]`` is a `pims.Frame`, an array of shape (height, width) in the native type of the
    recording with ``frame_no`` set; ``recording[2:10]`` is a lazy part of it that knows its
    ``frame_shape``, ``pixel_type``, ``white_level`` and ``acquisition`` as well.

    A frame that cannot be decoded is replaced by the nearest intact one before it (after it, at the
    start), carries ``metadata["corrupt"] = True`` and is counted in `damaged_frames`.

    Attributes
    ----------
    acquisition : Acquisition
        How the recording was made, each value with its source.
    facts : Facts
        What the reader learned when it opened the recording.
    """

    propagate_attrs = ("frame_shape", "pixel_type", "white_level", "bit_depth", "acquisition")

    def __init__(self, facts: Facts, resources: ExitStack | None = None) -> None:
        self.facts = facts
        self.acquisition = combine(Acquisition(), facts.metadata)
        self._resources = resources or ExitStack()
        self._closed = False
        self._sha256: str | None = None
        self._damaged: set[int] = set()
        self._coloured: set[int] = set()

    def _read(self, index: int) -> NDArray[Any]:
        """Return the pixels of one frame, a new array of shape (h, w) or (h, w, channels).

        Raises
        ------
        DamagedFrameError
            If this frame cannot be decoded.
        """
        raise NotImplementedError

    def _digest(self) -> str:
        """Hash the content, in pieces."""
        raise NotImplementedError

    def __len__(self) -> int:
        return self.facts.frames

    def __repr__(self) -> str:
        height, width = self.facts.shape
        return (
            f"<Recording {self.facts.path}: {len(self)} frames of {width} x {height} px, "
            f"{self.facts.bit_depth} bit, {self.facts.format}>"
        )

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.facts.shape

    @property
    def pixel_type(self) -> np.dtype[Any]:
        """Type of a pixel, native byte order."""
        return self.facts.dtype

    @property
    def bit_depth(self) -> int:
        """Bits a pixel that carry grey levels."""
        return self.facts.bit_depth

    @property
    def white_level(self) -> float:
        """Grey level at which a pixel is saturated."""
        return self.facts.white_level

    @property
    def timestamps_s(self) -> NDArray[np.float64] | None:
        """Times of the frames since the first, s, shape (frames,).

        None where the file holds no time for each frame; a constant rate written into a film
        counts as none, since it is often the rate of playback.
        """
        times = self.facts.timestamps_s
        return None if times is None else times.copy()

    @property
    def damaged_frames(self) -> tuple[int, ...]:
        """Frames met so far that could not be decoded whole."""
        return tuple(sorted(self._damaged))

    def get_frame(self, ind: int) -> pims.Frame:
        """Read one frame.

        Parameters
        ----------
        ind : int
            Its number, from 0.

        Returns
        -------
        pims.Frame, (height, width)
            A new array; changing it changes nothing else.

        Raises
        ------
        RecordingError
            If the recording is closed or neither this frame nor one near it can be read.
        """
        index = int(ind)
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a recording of {len(self)} frames")
        if self._closed:
            raise RecordingError(f"{self.facts.path} was closed", "an open recording")
        with reading(self.facts.path):
            pixels = self._intact(index)
            if pixels is None:
                pixels = self._stand_in(index)
        metadata = {"corrupt": True} if index in self._damaged else {}
        return pims.Frame(pixels, frame_no=index, metadata=metadata)

    def _intact(self, index: int) -> NDArray[Any] | None:
        try:
            pixels = self._read(index)
        except DamagedFrameError:
            self._damaged.add(index)
            return None
        if pixels.ndim == 3:
            pixels, coloured = to_grey(pixels)
            if coloured:
                self._coloured.add(index)
        native = self.facts.dtype
        if pixels.shape != self.facts.shape:
            self._damaged.add(index)
            return None
        if native.kind == "f" and not np.isfinite(pixels).all():
            self._damaged.add(index)
            return None
        return np.ascontiguousarray(pixels, dtype=native)

    def _stand_in(self, index: int) -> NDArray[Any]:
        later = range(index + 1, min(index + 1 + STAND_IN_SEARCH, len(self)))
        for other in [*range(index - 1, -1, -1), *later]:
            if other not in self._damaged and (pixels := self._intact(other)) is not None:
                return pixels
        raise RecordingError(
            f"{self.facts.path}: frame {index} and those around it cannot be decoded",
            "intact frames",
            "copy the recording again from the instrument",
        )

    def info(self) -> RecordingInfo:
        """Describe the recording; the content is hashed at the first call.

        Notes about damaged or coloured frames cover the frames read so far: ask again after
        reading.

        Raises
        ------
        RecordingError
            If the content cannot be read any more.
        """
        if self._sha256 is None:
            with reading(self.facts.path):
                self._sha256 = self._digest()
        return self.about().model_copy(update={"sha256": self._sha256})

    def about(self) -> RecordingInfo:
        """Describe the recording without its hash, which takes a pass over the whole file."""
        rate, facts = self.acquisition.frame_rate_hz, self.facts
        missed_after, uneven = find_uneven(self.timestamps_s)
        coloured = (COLOURED,) if self._coloured else ()
        return RecordingInfo(
            path=facts.path,
            frames=len(self),
            height_px=facts.shape[0],
            width_px=facts.shape[1],
            bit_depth=facts.bit_depth,
            duration_s=None if rate is None else len(self) / rate,
            format=facts.format,
            frames_declared=facts.declared if facts.declared != len(self) else None,
            damaged_frames=list(self.damaged_frames),
            missed_after=missed_after,
            uneven_frames=uneven,
            notes=[*facts.notes, *coloured],
            remarks=list(facts.remarks),
        )

    def close(self) -> None:
        """Close every file; frames cannot be read afterwards."""
        self._closed = True
        self._resources.close()

"""A part of a recording: some of its frames, a region of them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pims

from evsize.errors import UsageError
from evsize.recording.base import Recording
from evsize.results import RecordingInfo

Region = tuple[int, int, int, int]
"""Column and row of the upper left corner, width and height, px."""


def parse_frames(text: str) -> tuple[int, int | None]:
    """Read ``A:B``: from frame A up to, but without, B; either may be left out.

    Raises
    ------
    UsageError
        If it is anything else.
    """
    found = re.fullmatch(r"\s*(\d*)\s*:\s*(\d*)\s*", text)
    if found is None:
        raise UsageError(f"frames '{text}'", "A:B, for example 0:500 or 100:", "correct it")
    first, stop = found.groups()
    return int(first or 0), int(stop) if stop else None


class PartRecording(Recording):
    """Some frames of a recording, or a region of them.

    Its frames are counted from 0 again. Closing it leaves the whole open: whoever opened that
    closes it.

    Parameters
    ----------
    whole : Recording
        The recording.
    frames : str
        ``A:B`` as of `parse_frames`.
    roi_px : tuple of int, optional
        Region as of `Region`.

    Raises
    ------
    UsageError
        If the recording has no such frames or region.
    """

    def __init__(self, whole: Recording, frames: str = ":", roi_px: Region | None = None) -> None:
        facts = whole.facts
        first, asked = parse_frames(frames)
        stop = len(whole) if asked is None else min(asked, len(whole))
        promised = len(whole) if facts.declared is None else facts.declared
        promised = promised if asked is None else min(asked, promised)
        if stop - first < 2:
            raise UsageError(
                f"frames {frames} of a recording of {len(whole)} frames", "at least 2 frames"
            )
        height, width = facts.shape
        x, y, w, h = roi_px or (0, 0, width, height)
        if min(x, y) < 0 or min(w, h) < 1 or x + w > width or y + h > height:
            raise UsageError(
                f"a region of {w} x {h} px at column {x}, row {y} of frames of "
                f"{width} x {height} px",
                "X,Y,W,H within the frame",
            )
        said = []
        if (first, stop) != (0, len(whole)):
            said.append(f"Frames {first} to {stop - 1} of {len(whole)} are used, counted from 0.")
        if (w, h) != (width, height):
            said.append(f"Of frames of {width} x {height} px, {w} x {h} px at ({x}, {y}) are used.")
        times = whole.timestamps_s
        super().__init__(
            replace(
                facts,
                frames=stop - first,
                shape=(h, w),
                declared=promised - first,
                remarks=(*facts.remarks, *said),
                timestamps_s=None if times is None else times[first:stop] - times[first],
            )
        )
        self.acquisition = whole.acquisition
        self._whole, self._first = whole, first
        self._window = (slice(y, y + h), slice(x, x + w))

    @property
    def damaged_frames(self) -> tuple[int, ...]:
        """Frames met so far that could not be decoded whole."""
        first, stop = self._first, self._first + len(self)
        return tuple(n - first for n in self._whole.damaged_frames if first <= n < stop)

    def get_frame(self, ind: int) -> pims.Frame:
        """Read one frame, as `Recording.get_frame` does."""
        index = int(ind)
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a recording of {len(self)} frames")
        frame = self._whole.get_frame(self._first + index)
        return pims.Frame(frame[self._window].copy(), frame_no=index, metadata=frame.metadata)

    def about(self) -> RecordingInfo:
        """Describe the part without its hash."""
        notes = self._whole.about().notes
        return super().about().model_copy(update={"notes": notes})

    def _digest(self) -> str:
        """Hash the whole: the file is what can be found again."""
        return self._whole._digest()


def part(recording: Any, frames: str | None, roi_px: Region | None) -> Any:
    """Take a part of a recording; the recording itself where nothing is asked for."""
    if frames is None and roi_px is None:
        return recording
    return PartRecording(recording, frames or ":", roi_px)

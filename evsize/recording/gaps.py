"""A recording whose dropped frames have their place: what was not filmed is a gap, not a step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pims

from evsize.recording.base import Recording
from evsize.recording.times import find_uneven
from evsize.results import RecordingInfo

LONGEST_GAP = 10
"""Places that a gap takes at most: far fewer end every track as well."""


class TimedRecording(Recording):
    """The frames of a recording at their places in time.

    Where the file's own times leave room for frames that were dropped, as many places lie between
    the frames before and after (at most `LONGEST_GAP`); each shows the frame before and carries
    ``metadata["corrupt"] = True``. Closing it leaves the recording open.

    Parameters
    ----------
    whole : Recording
        The recording.
    missed_after : dict of int to int
        Frames after which others were dropped, and how many.
    """

    def __init__(self, whole: Recording, missed_after: dict[int, int]) -> None:
        self._whole = whole
        self._places = [
            (number, not n)
            for number in range(len(whole))
            for n in range(1 + min(missed_after.get(number, 0), LONGEST_GAP))
        ]
        super().__init__(replace(whole.facts, frames=len(self._places)))
        self.acquisition = whole.acquisition
        self._latest: pims.Frame | None = None

    def get_frame(self, ind: int) -> pims.Frame:
        """Read one frame, as `Recording.get_frame` does."""
        index = int(ind)
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a recording of {len(self)} frames")
        number, filmed = self._places[index]
        if self._latest is None or self._latest.frame_no != number:
            self._latest = self._whole.get_frame(number)
        frame = self._latest
        metadata = frame.metadata if filmed else {"corrupt": True}
        return pims.Frame(frame.copy(), frame_no=index, metadata=metadata)

    def about(self) -> RecordingInfo:
        """Describe the recording, frames counted as the file does."""
        about = self._whole.about()
        text = (
            f"In the tables frames are counted by time: {len(self) - len(self._whole)} numbers "
            "stand for frames that were dropped."
        )
        return about.model_copy(update={"remarks": [*about.remarks, text]})

    def _digest(self) -> str:
        return self._whole._digest()


def by_time(recording: Any) -> Any:
    """Give dropped frames their place; the recording itself where none was dropped."""
    missed_after = find_uneven(getattr(recording, "timestamps_s", None))[0]
    return TimedRecording(recording, missed_after) if missed_after else recording

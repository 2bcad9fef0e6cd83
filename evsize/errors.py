"""The errors a user can meet; each says what was found, what was needed and what to do."""

from __future__ import annotations

import errno
from typing import ClassVar

_NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class EvsizeError(Exception):
    """Base of every error that evsize raises on purpose.

    Parameters
    ----------
    found : str
        What was met.
    needed : str
        What would have been right.
    advice : str
        What the user can do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, found: str, needed: str = "", advice: str = "") -> None:
        self.found, self.needed, self.advice = found, needed, advice
        parts = [found, f"needed: {needed}" if needed else "", advice]
        super().__init__("; ".join(" ".join(part.split()) for part in parts if part))

    def __reduce__(self) -> tuple[type[EvsizeError], tuple[str, str, str]]:
        return type(self), (self.found, self.needed, self.advice)


class UsageError(EvsizeError):
    """Wrong usage or settings: nothing was computed (exit code 2)."""

    exit_code = 2


class MissingSettingsError(UsageError):
    """Values without which no size can be given are missing."""


class OutputError(UsageError):
    """The result cannot be written where it was asked for, or stands there already."""


class RecordingError(EvsizeError):
    """The recording cannot be read or sized (exit code 4)."""

    exit_code = 4


class TooFewFramesError(RecordingError):
    """A recording with too few frames to follow anything."""


class ResultError(EvsizeError):
    """A result folder that cannot be read (exit code 4)."""

    exit_code = 4


def is_disk_full(error: BaseException) -> bool:
    """Whether there was no room for a result."""
    return isinstance(error, OSError) and error.errno in _NO_SPACE


def describe(error: BaseException) -> tuple[str, int]:
    """Return what to say about an error, in one line, and the exit code."""
    if isinstance(error, EvsizeError):
        return str(error), error.exit_code
    if is_disk_full(error):
        return "the disk is full; needed: room for the result; free some or choose another -o", 2
    if isinstance(error, MemoryError):
        return "not enough memory; close other programs or use a larger machine", 1
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return f"internal error, {what}; run again with --debug and report what it shows", 1

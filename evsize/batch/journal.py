"""What happened to each recording, as it happened: JSON lines, only ever added to."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from evsize.errors import OutputError, is_disk_full


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one line that nothing can be written; a full disk has a line of its own."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}",
            "a folder that can be written",
            "then run the same command again: finished results are kept",
        ) from error


class Journal:
    """A file of events; what a killed run left half-written is closed off, never changed.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        with writing(self._folder):
            self._stream = path.open("a+b")
            if self._stream.seek(0, os.SEEK_END):
                self._stream.seek(-1, os.SEEK_END)
                if self._stream.read(1) != b"\n":
                    self._stream.write(b"\n")

    def add(self, event: str, **facts: Any) -> None:
        """Add a line; facts that are empty are left out."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        known = {name: value for name, value in facts.items() if value not in ("", None)}
        line = json.dumps({"time": now, "event": event, **known})
        with writing(self._folder):
            self._stream.write(line.encode() + b"\n")
            self._stream.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._stream.close()
        except OSError:  # what could not be flushed was told when it was added
            if error is None:
                raise


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Events of a journal in their order; a line that a kill cut short is passed over."""
    events = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events

"""Other makers' result files in, evsize's tables out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evsize.errors import EvsizeError, ResultError
from evsize.vendors import nanosight, viewsizer, zetaview
from evsize.vendors.tables import VendorResult, Video
from evsize.vendors.text import decode

__all__ = ["READERS", "VendorReader", "VendorResult", "Video", "acquisition_of", "read"]

HEAD_BYTES = 65536


@dataclass(frozen=True)
class VendorReader:
    """One kind of file: what it is called, how it begins and what reads it."""

    description: str
    recognises: Callable[[str], bool]
    read: Callable[[Path], VendorResult]


def _has(columns: Sequence[str]) -> Callable[[str], bool]:
    return lambda head: all(name in head.split("\n", 1)[0] for name in columns)


READERS: Mapping[str, VendorReader] = {
    "nanosight_summary": VendorReader(
        "NanoSight ExperimentSummary", nanosight.is_summary, nanosight.read_summary
    ),
    "nanosight_particles": VendorReader(
        "NanoSight ParticleData", _has(nanosight.PARTICLE_COLUMNS), nanosight.read_particles
    ),
    "nanosight_tracks": VendorReader(
        "NanoSight AllTracks", _has(nanosight.TRACK_COLUMNS), nanosight.read_tracks
    ),
    "nanosight_old_tracks": VendorReader(
        "NanoSight AllTracks, older layout",
        _has(nanosight.OLD_TRACK_COLUMNS),
        nanosight.read_old_tracks,
    ),
    "viewsizer_videos": VendorReader(
        "ViewSizer videos", viewsizer.is_videos, viewsizer.read_videos
    ),
    "viewsizer_bins": VendorReader("ViewSizer bins", viewsizer.is_bins, viewsizer.read_bins),
    "zetaview": VendorReader("ZetaView report", zetaview.is_zetaview, zetaview.read_report),
}
"""The readers by kind of file; the first that recognises a file reads it."""


def _head(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return decode(stream.read(HEAD_BYTES))
    except OSError as error:
        raise ResultError(
            f"cannot read {path}: {error.strerror}", "a vendor's table of results"
        ) from error


def read(path: str | Path) -> VendorResult:
    """Read a result of another maker's software.

    Parameters
    ----------
    path : path
        A file of one of the kinds in `READERS`.

    Returns
    -------
    VendorResult
        A `Video` a recording: distribution and summary in evsize's tables, dilution applied once.

    Raises
    ------
    ResultError
        If it is of no known kind, or broken.
    """
    path = Path(path)
    head = _head(path)
    for reader in READERS.values():
        if not reader.recognises(head):
            continue
        try:
            return reader.read(path)
        except EvsizeError:
            raise
        except Exception as error:  # a broken table breaks its reader in any way it likes
            raise ResultError(
                f"{path} begins as a {reader.description} and cannot be read "
                f"({type(error).__name__}: {' '.join(str(error).split())[:100]})",
                "the whole table, as the instrument wrote it",
                "export it again",
            ) from error
    kinds = ", ".join(reader.description for reader in READERS.values())
    raise ResultError(f"{path} is no vendor's result that evsize knows", kinds)


def acquisition_of(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Acquisition values that a file beside a recording has for it; none where it has none.

    Parameters
    ----------
    path : Path
        Any text file.
    names : sequence of str
        Names under which the recording may be known.
    """
    try:
        head = _head(path)
        if nanosight.is_summary(head):
            return nanosight.acquisition_of(head, names, path.stem)
        if path.stem in names and zetaview.is_zetaview(head):
            return zetaview.acquisition_of(head)
    except (ResultError, ValueError, IndexError):
        return {}
    return {}

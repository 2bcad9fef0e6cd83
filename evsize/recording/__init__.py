"""A path or array in, a lazy recording with its acquisition out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evsize.errors import RecordingError, TooFewFramesError
from evsize.recording.array import ArrayRecording, SequenceRecording
from evsize.recording.base import Recording
from evsize.recording.checks import reading
from evsize.recording.depth import find_depth
from evsize.recording.gaps import by_time
from evsize.recording.images import FolderRecording
from evsize.recording.magic import (
    IMAGES,
    ND2,
    NPY,
    TIFF,
    VIDEOS,
    describe,
    kind_of_bytes,
    read_head,
)
from evsize.recording.nd2_file import Nd2Recording
from evsize.recording.numpy_file import NpyRecording, ZarrRecording, is_zarr
from evsize.recording.part import part
from evsize.recording.raw_avi import RawAviRecording
from evsize.recording.sidecar import checked, combine, read_sidecars
from evsize.recording.tiff import TiffRecording
from evsize.recording.video import UndecodableError, VideoRecording

__all__ = ["READERS", "Reader", "Recording", "by_time", "open_recording", "part"]

KINDS = "a TIFF stack, an AVI, MP4, MOV or MKV film, an ND2 file, or a folder of images"


@dataclass(frozen=True)
class Reader:
    """One family of files: what it is called, what it takes and what opens it."""

    description: str
    kinds: tuple[str, ...]
    open: Callable[[Path], Recording]


def open_film_file(path: Path) -> Recording:
    """Open a film through FFmpeg, or as plain grey pixels where FFmpeg does not know them."""
    try:
        return VideoRecording(path)
    except UndecodableError:
        if kind_of_bytes(read_head(path)) != "avi":
            raise
        return RawAviRecording(path)


READERS: Mapping[str, Reader] = {
    "tiff": Reader(
        "TIFF stacks: plain, ImageJ, OME, Micro-Manager, BigTIFF", (TIFF,), TiffRecording
    ),
    "video": Reader("AVI, MP4, MOV, MKV, WMV, Phantom Cine", VIDEOS, open_film_file),
    "images": Reader("a folder of PNG, TIFF, JPEG or BMP images", ("folder",), FolderRecording),
    "nd2": Reader("Nikon ND2, with the nd2 package", (ND2,), Nd2Recording),
    "npy": Reader("NumPy .npy files", (NPY,), NpyRecording),
    "zarr": Reader("zarr folders, with the zarr package", ("zarr",), ZarrRecording),
}
"""The readers by family; a kind is named by `magic.kind_of_bytes`, never by an extension."""


def open_recording(
    source: Any,
    *,
    pixel_size_um: float | None = None,
    frame_rate_hz: float | None = None,
    exposure_ms: float | None = None,
    temperature_c: float | None = None,
    medium: str | None = None,
    viscosity_mpas: float | None = None,
    depth_um: float | None = None,
    dilution: float | None = None,
) -> Recording:
    """Open a recording without reading its frames.

    What is given here counts before what stands beside the file (see `sidecar.find_sidecars`), and
    that before what the file itself says.

    Parameters
    ----------
    source : path, ndarray of shape (frames, height, width), or pims.FramesSequence
        A TIFF stack, a film, a folder of images, or frames that are in memory.
    pixel_size_um : float, optional
        Side of a pixel in the sample, um.
    frame_rate_hz : float, optional
        Frames a second, 1/s.
    exposure_ms : float, optional
        Time the shutter is open in a frame, ms.
    temperature_c : float, optional
        Temperature of the sample, degC.
    medium : str, optional
        Suspending liquid: water, pbs, ...
    viscosity_mpas : float, optional
        Dynamic viscosity at that temperature, mPa s.
    depth_um : float, optional
        Thickness of the illuminated layer between its 1/e^2 points, um.
    dilution : float, optional
        Factor by which the sample was diluted.

    Returns
    -------
    Recording
        A lazy sequence of grey frames; close it, or use it in a ``with``.

    Raises
    ------
    RecordingError
        If there is nothing there, or nothing that can be read as a recording.
    TooFewFramesError
        If it has fewer than two frames.
    UsageError
        If an acquisition value is out of its range or the sidecar has an unknown key.

    Examples
    --------
    >>> import numpy as np
    >>> recording = open_recording(np.zeros((3, 4, 5), np.uint8), frame_rate_hz=25)
    >>> len(recording), recording.frame_shape, recording.white_level
    (3, (4, 5), 255.0)
    >>> recording.acquisition.sources
    {'frame_rate_hz': 'given'}
    """
    given = checked(
        {
            "pixel_size_um": pixel_size_um,
            "frame_rate_hz": frame_rate_hz,
            "exposure_ms": exposure_ms,
            "temperature_c": temperature_c,
            "medium": medium,
            "viscosity_mpas": viscosity_mpas,
            "depth_um": depth_um,
            "dilution": dilution,
        },
        "open_recording",
    )
    layers: Mapping[str, Mapping[str, Any]] = {}
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        reader = find_reader(path)
        layers, doubts = read_sidecars(path)
        recording = with_notes(reader.open(path), doubts)
    else:
        recording = open_in_memory(source)
    try:
        recording.acquisition = combine(recording.acquisition, {**layers, "given": given})
        require_frames(recording)
        find_depth(recording)
    except BaseException:
        recording.close()
        raise
    return recording


def find_reader(path: Path) -> Reader:
    """Choose the reader of a path by its content.

    Raises
    ------
    RecordingError
        If there is none, saying what was found instead.
    TooFewFramesError
        If it is a single image.
    """
    with reading(path):
        if path.is_dir():
            return READERS["zarr" if is_zarr(path) else "images"]
        if not path.exists():
            raise RecordingError(f"there is no {path}", KINDS, "check the path")
        if not path.is_file():
            raise RecordingError(f"{path} is no file or folder", KINDS)
        head = read_head(path)
    kind = kind_of_bytes(head)
    for reader in READERS.values():
        if kind in reader.kinds:
            return reader
    if not head:
        raise RecordingError(f"{path} is empty", KINDS, "copy it again from the instrument")
    if kind in IMAGES:
        raise TooFewFramesError(
            f"{path} is a single image", "at least 2 frames", "give the folder of images"
        )
    found = f"{path} is a file of another kind: {kind or describe(head)}"
    raise RecordingError(found, KINDS, "export the recording as TIFF or AVI")


def with_notes(recording: Recording, notes: Sequence[str]) -> Recording:
    """Add what is odd about the files beside a recording."""
    facts = recording.facts
    recording.facts = replace(facts, notes=(*facts.notes, *notes))
    return recording


def open_in_memory(source: Any) -> Recording:
    """Wrap an array or a sequence of another library.

    Raises
    ------
    RecordingError
        If it is neither.
    """
    if hasattr(source, "frame_shape") and hasattr(source, "__getitem__"):
        return SequenceRecording(source)
    if isinstance(source, np.ndarray) or all(
        hasattr(source, name) for name in ("shape", "dtype", "__getitem__")
    ):
        return ArrayRecording(source)
    raise RecordingError(
        f"a {type(source).__name__} is no recording",
        f"{KINDS}, an array (frames, height, width) or a pims sequence",
    )


def promised(recording: Recording) -> str:
    """Say that the file promises more than it holds."""
    declared = recording.facts.declared or 0
    if declared <= len(recording):
        return ""
    return f"the file promises {declared}: it was cut, copy it again from the instrument"


def require_frames(recording: Recording) -> None:
    """Refuse a recording without two frames or whose first cannot be read.

    Raises
    ------
    TooFewFramesError
        If nothing could move in it.
    RecordingError
        If no frame near its start can be decoded.
    """
    count = len(recording)
    if count < 2:
        has = "no whole frame" if count == 0 else "one frame only"
        raise TooFewFramesError(
            f"{recording.facts.path} has {has}",
            "at least 2 frames",
            promised(recording),
        )
    recording.get_frame(0)

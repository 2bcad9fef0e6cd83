"""TIFF stacks: plain, ImageJ, OME and BigTIFF, page by page or as one block."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import COMPRESSION, PHOTOMETRIC, TiffFile

from evsize.errors import EvsizeError, RecordingError
from evsize.recording.base import Facts, Recording
from evsize.recording.checks import (
    DamagedFrameError,
    check_size,
    check_type,
    file_sha256,
    reading,
    white_level,
)
from evsize.recording.tiff_metadata import declared_frames, read_metadata, significant_bits

PLANES = ("YX", "YXS", "SYX")
AXIS_NAMES = {"Z": "depth (Z)", "C": "channels (C)", "I": "images", "Q": "unnamed"}


@dataclass(frozen=True)
class Layout:
    """Where the frames lie in the file.

    Attributes
    ----------
    pages : sequence
        A page a frame; one page for all of them where they are one block.
    offset : int or None
        First byte of the block.
    frames, declared : int
        Frames that are whole, and those that the file promises.
    axes : str
        Of the recording as a whole, for example ``TYX``.
    """

    pages: Sequence[Any]
    offset: int | None
    frames: int
    declared: int
    axes: str


class TiffRecording(Recording):
    """Frames of a TIFF file.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    RecordingError
        If it is broken, declares absurd dimensions or is not one plane a time point.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as stack, reading(path), library_messages() as messages:
            tif = stack.enter_context(TiffFile(path))
            page: Any = tif.pages[0]
            check_size(path, page.imagelength, page.imagewidth)
            if page.axes not in PLANES:
                raise RecordingError(f"{path} has pages with axes {page.axes}", "one plane a page")
            dtype = check_type(path, np.dtype(page.dtype or "V"))
            layout = find_layout(path, tif, page)
            bits = significant_bits(tif) or int(np.max(page.bitspersample))
            metadata, source, notes = read_metadata(tif)
            facts = Facts(
                path=str(path),
                format=f"{kind_of(tif)}, {dtype}, {compression_of(page)}",
                frames=layout.frames,
                shape=(page.imagelength, page.imagewidth),
                dtype=dtype,
                bit_depth=bits,
                white_level=white_level(dtype, bits),
                notes=(*layout_notes(layout, tif, page), *notes, *message_notes(messages)),
                metadata=metadata,
                metadata_source=source,
            )
            super().__init__(facts, stack.pop_all())
        self._file = tif.filehandle
        self._layout = layout
        self._page_shape = page.shape
        self._page_dtype = np.dtype(f"{tif.byteorder}{dtype.char}")
        self._planar = page.axes == "SYX"

    def _read(self, index: int) -> NDArray[Any]:
        pixels = self._block(index) if self._layout.offset is not None else self._page(index)
        return np.moveaxis(pixels, 0, -1) if self._planar else pixels

    def _block(self, index: int) -> NDArray[Any]:
        assert self._layout.offset is not None
        pixels = np.empty(self._page_shape, self._page_dtype)
        self._file.seek(self._layout.offset + index * pixels.nbytes)
        if self._file.readinto(pixels) < pixels.nbytes:
            raise DamagedFrameError
        return pixels

    def _page(self, index: int) -> NDArray[Any]:
        page = self._layout.pages[index]
        if not is_whole(page, self._file.size):
            raise DamagedFrameError
        try:
            with library_messages():
                return np.asarray(page.asarray())
        except EvsizeError:
            raise
        except Exception as error:
            if "imagecodecs" in str(error):
                raise RecordingError(
                    f"{self.facts.path} is compressed ({compression_of(page)})",
                    "the imagecodecs package",
                    "pip install imagecodecs, or save the stack uncompressed",
                ) from error
            raise DamagedFrameError from error

    def _digest(self) -> str:
        return file_sha256(Path(self.facts.path))


def kind_of(tif: TiffFile) -> str:
    """Name the dialect."""
    if tif.is_ome:
        return "OME-TIFF"
    if tif.is_imagej:
        return "ImageJ TIFF"
    return "BigTIFF" if tif.is_bigtiff else "TIFF"


def compression_of(page: Any) -> str:
    """Name how a page is compressed."""
    try:
        name = COMPRESSION(page.compression).name.lower()
    except ValueError:
        return f"compression {page.compression}"
    return "uncompressed" if name == "none" else name


def find_layout(path: Path, tif: TiffFile, page: Any) -> Layout:
    """Find the frames, trusting bytes more than what the metadata promise.

    A stack written as one block keeps its length in the metadata alone, so that a cut file
    promises more than it holds; a cut chain of pages, on the other hand, loses the metadata, and
    libraries then read its first page as all there is.

    Raises
    ------
    RecordingError
        If frames have more than one axis besides height and width.
    """
    series = tif.series[0]
    outer = [(a, n) for a, n in zip(series.axes, series.shape, strict=True) if a not in "YXS"]
    long = [(a, n) for a, n in outer if n > 1]
    if len(long) > 1:
        raise RecordingError(
            f"{path} is a stack of {' x '.join(f'{n} {a}' for a, n in long)}",
            "one plane a time point",
            "save one channel and one depth by itself",
        )
    axes = "".join(a for a, _ in long) + page.axes
    counted = int(np.prod([n for _, n in outer], dtype=np.int64)) if outer else 1
    declared = max(counted, declared_frames(tif))
    pages = len(tif.pages)
    if page.is_contiguous and page.fillorder == 1 and (series.dataoffset or pages == 1):
        offset = int(series.dataoffset or page.dataoffsets[0])
        if not (counted == 1 and pages > 1):
            fits = max(0, tif.filehandle.size - offset) // max(1, int(page.nbytes))
            return Layout([page], offset, min(declared, fits), declared, axes)
    if counted == 1 and pages > 1:
        alike = [p for p in tif.pages if p.shape == page.shape and p.dtype == page.dtype]
        return Layout(alike, None, count_whole(alike, tif), max(declared, len(alike)), axes)
    listed = list(series.pages)
    return Layout(listed, None, count_whole(listed, tif), max(declared, len(listed)), axes)


def count_whole(pages: Sequence[Any], tif: TiffFile) -> int:
    """Count the pages up to the last one whose bytes are all there."""
    count = len(pages)
    while count and not is_whole(pages[count - 1], tif.filehandle.size):
        count -= 1
    return count


def is_whole(page: Any, file_size: int) -> bool:
    """Whether all bytes of a page lie within the file."""
    if page is None or not page.dataoffsets:
        return False
    pairs = zip(page.dataoffsets, page.databytecounts, strict=True)
    return all(offset > 0 and count > 0 and offset + count <= file_size for offset, count in pairs)


def layout_notes(layout: Layout, tif: TiffFile, page: Any) -> list[str]:
    """Say what is odd about where the frames lie and how they are stored."""
    notes = []
    if layout.frames < layout.declared:
        notes.append(
            f"The file promises {layout.declared} frames and holds {layout.frames}: it was cut."
        )
    first = layout.axes[0] if len(layout.axes) > len(page.axes) else "T"
    if first in ("Z", "C"):
        notes.append(f"The file calls its frames {AXIS_NAMES[first]}; read as time points.")
    extra = len(tif.series) - 1
    used = layout.frames if layout.offset is not None else len(layout.pages)
    if extra and used < len(tif.pages):
        notes.append(f"The file holds {extra} more image series; only the first is read.")
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        notes.append("The file stores white as zero; its grey levels are taken as they stand.")
    if page.photometric == PHOTOMETRIC.PALETTE:
        notes.append("The file has a colour table; its values are taken as grey levels.")
    if "S" in page.axes:
        notes.append(f"Frames are stored with {page.samplesperpixel} channels: read as grey.")
    if np.dtype(page.dtype).kind == "f":
        notes.append("Grey levels are real numbers: saturated pixels cannot be told.")
    return notes


def message_notes(messages: Sequence[str]) -> list[str]:
    """Pass on the first complaint of the library."""
    if not messages:
        return []
    return [f"The TIFF structure is damaged or unusual ({len(messages)} oddities): {messages[0]}."]


@contextmanager
def library_messages() -> Iterator[list[str]]:
    """Collect what tifffile would log, for as long as this lasts."""
    messages: list[str] = []
    logger = logging.getLogger("tifffile")

    def keep(record: logging.LogRecord) -> bool:
        messages.append(" ".join(record.getMessage().split())[:200])
        return False

    logger.addFilter(keep)
    try:
        yield messages
    finally:
        logger.removeFilter(keep)

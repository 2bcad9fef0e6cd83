"""TIFF stacks: plain, ImageJ, OME and BigTIFF, page by page or as one block."""

from __future__ import annotations

import logging
import math
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
from evsize.recording.tiff_metadata import declared_frames, ome_sizes, read_metadata

PLANES = ("YX", "YXS", "SYX")
AXIS_NAMES = {"Z": "depths (Z)", "C": "channels (C)", "R": "positions", "P": "positions"}


@dataclass(frozen=True)
class Layout:
    """Where the frames lie in the file.

    Attributes
    ----------
    pages : sequence
        A page a frame; one page for all of them where they are one block.
    offset : int or None
        First byte of the block.
    planes : ndarray of int, (frames,)
        For each whole frame its number in the block or among the pages.
    declared : int
        Frames that the file promises.
    axes : str
        Of the recording as a whole, for example ``TYX``.
    left_out : str
        Planes that are not read, for people.
    """

    pages: Sequence[Any]
    offset: int | None
    planes: NDArray[np.int64]
    declared: int
    axes: str
    left_out: str = ""

    def of_frames(self, tif: TiffFile) -> list[Any]:
        """Pages of the frames one by one, where the file has one for each."""
        pages: Any = self.pages if self.offset is None else tif.pages
        return [pages[int(n)] for n in self.planes if n < len(pages)]


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
            said = read_metadata(tif, lambda: layout.of_frames(tif), len(layout.planes))
            bits = said.bits or int(np.max(page.bitspersample))
            facts = Facts(
                path=str(path),
                format=f"{kind_of(tif)}, {dtype}, {compression_of(page)}",
                frames=len(layout.planes),
                shape=(page.imagelength, page.imagewidth),
                dtype=dtype,
                bit_depth=bits,
                white_level=white_level(dtype, bits),
                declared=layout.declared,
                notes=(*layout_notes(layout, tif, page), *said.notes, *message_notes(messages)),
                remarks=layout_remarks(page),
                metadata=said.values,
                timestamps_s=said.times_s,
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
        self._file.seek(self._layout.offset + int(self._layout.planes[index]) * pixels.nbytes)
        if self._file.readinto(pixels) < pixels.nbytes:
            raise DamagedFrameError
        return pixels

    def _page(self, index: int) -> NDArray[Any]:
        page = self._layout.pages[int(self._layout.planes[index])]
        if not is_whole(page):
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
    if tif.is_micromanager:
        return "Micro-Manager TIFF"
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
        If no axis of several can be time.
    """
    series = tif.series[0]
    outer = [(a, int(n)) for a, n in zip(series.axes, series.shape, strict=True) if a not in "YXS"]
    counted = math.prod(n for _, n in outer)
    pages = len(tif.pages)
    one_block = page.is_contiguous and page.fillorder == 1 and (series.dataoffset or pages == 1)
    if counted == 1 and pages > 1:
        sizes = [f"{n} {a}" for a, n in ome_sizes(tif).items() if n > 1]
        if len(sizes) > 1:
            raise RecordingError(
                f"{path} is a damaged stack of {' x '.join(sizes)}",
                "a whole file, or one plane a time point",
                "copy it again from the instrument",
            )
        alike = [p for p in tif.pages if p.shape == page.shape and p.dtype == page.dtype]
        declared = max(declared_frames(tif), len(alike))
        return Layout(alike, None, whole_planes(np.arange(len(alike)), alike), declared, page.axes)
    time = time_axis(path, outer)
    planes = plane_numbers(outer, time)
    others = [f"{n} {AXIS_NAMES.get(a, a)}" for a, n in outer if n > 1 and a != time]
    axes = (time if len(planes) > 1 else "") + page.axes
    declared = len(planes) if others else max(len(planes), declared_frames(tif))
    left_out = " and ".join(others)
    if one_block:
        offset = int(series.dataoffset or page.dataoffsets[0])
        fits = max(0, tif.filehandle.size - offset) // max(1, int(page.nbytes))
        held = np.arange(min(declared, fits)) if not others else planes[planes < fits]
        return Layout([page], offset, held, declared, axes, left_out)
    listed = list(series.pages)
    return Layout(listed, None, whole_planes(planes, listed), declared, axes, left_out)


def time_axis(path: Path, outer: Sequence[tuple[str, int]]) -> str:
    """Choose the axis of the frames: T, or the only one that is longer than 1.

    Raises
    ------
    RecordingError
        If there are several and none is T.
    """
    long = [a for a, n in outer if n > 1]
    if len(long) < 2 or "T" in long:
        return "T" if "T" in long else "".join(long)
    raise RecordingError(
        f"{path} is a stack of {' x '.join(f'{n} {a}' for a, n in outer if n > 1)} without times",
        "one plane a time point",
        "save one channel and one depth by itself",
    )


def plane_numbers(outer: Sequence[tuple[str, int]], time: str) -> NDArray[np.int64]:
    """Numbers of the planes along the axis of time, at the start of all others."""
    numbers = np.arange(math.prod(n for _, n in outer)).reshape([n for _, n in outer])
    chosen = numbers[tuple(slice(None) if a == time else 0 for a, _ in outer)]
    return np.atleast_1d(chosen).astype(np.int64)


def whole_planes(planes: NDArray[np.int64], pages: Sequence[Any]) -> NDArray[np.int64]:
    """Cut the planes after the last one whose bytes are all there."""
    count = min(len(planes), int(np.searchsorted(planes, len(pages))))
    while count and not is_whole(pages[planes[count - 1]]):
        count -= 1
    return planes[:count]


def is_whole(page: Any) -> bool:
    """Whether all bytes of a page lie within its file."""
    if page is None or not page.dataoffsets:
        return False
    size = page.parent.filehandle.size
    pairs = zip(page.dataoffsets, page.databytecounts, strict=True)
    return all(offset > 0 and count > 0 and offset + count <= size for offset, count in pairs)


def layout_notes(layout: Layout, tif: TiffFile, page: Any) -> list[str]:
    """Say what is odd about where the frames lie and how they are stored."""
    notes = []
    if layout.left_out:
        notes.append(f"The file holds {layout.left_out}; only the first of them is read.")
    first = layout.axes[0] if len(layout.axes) > len(page.axes) else "T"
    if first in ("Z", "C"):
        notes.append(f"The file calls its frames {AXIS_NAMES[first]}; read as time points.")
    extra = len(tif.series) - 1
    used = len(layout.planes) if layout.offset is not None else len(layout.pages)
    if extra and used < len(tif.pages):
        notes.append(f"The file holds {extra} more image series; only the first is read.")
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        notes.append("The file stores white as zero; its grey levels are taken as they stand.")
    if page.photometric == PHOTOMETRIC.PALETTE:
        notes.append("The file has a colour table; its values are taken as grey levels.")
    if np.dtype(page.dtype).kind == "f":
        notes.append("Grey levels are real numbers: saturated pixels cannot be told.")
    return notes


def layout_remarks(page: Any) -> tuple[str, ...]:
    """Say how the frames are stored."""
    if "S" not in page.axes:
        return ()
    return (f"Frames are stored with {page.samplesperpixel} channels: read as grey.",)


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

"""A folder of images, one a frame, in the natural order of their names."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tifffile import TiffFile

from evsize.errors import EvsizeError, RecordingError
from evsize.recording.base import Facts, Recording
from evsize.recording.checks import (
    DamagedFrameError,
    check_size,
    check_type,
    files_sha256,
    reading,
    white_level,
)
from evsize.recording.magic import IMAGES, TIFF, kind_of_bytes, read_head
from evsize.recording.tiff import library_messages

GREY_MODES = {"L": np.uint8, "I;16": np.uint16, "I;16B": np.uint16, "I;16L": np.uint16}
COLOUR_MODES = ("RGB", "RGBA", "LA", "P", "PA")


@dataclass(frozen=True)
class ImageHeader:
    """What an image says of itself before its pixels are decoded."""

    kind: str
    mode: str
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    bit_depth: int


class FolderRecording(Recording):
    """Frames from the images of a folder; files that are no images are passed over and noted.

    Parameters
    ----------
    folder : Path
        The folder; folders in it are not looked into.

    Raises
    ------
    RecordingError
        If it holds no images, or images of different size or depth.
    """

    def __init__(self, folder: Path) -> None:
        files, others = list_images(folder)
        if not files:
            raise RecordingError(
                f"no images in the folder {folder} ({len(others)} other files{some(others)})",
                "PNG, TIFF, JPEG or BMP images, one a frame",
                "give the recording itself, or the folder that holds the images",
            )
        header = read_header(files[0])
        for file in files[1:]:
            check_alike(files[0], header, file, read_header(file))
        super().__init__(
            Facts(
                path=str(folder),
                format=f"folder of {header.kind.upper()} images, {header.mode}, {header.dtype}",
                frames=len(files),
                shape=header.shape,
                dtype=header.dtype,
                bit_depth=header.bit_depth,
                white_level=white_level(header.dtype, header.bit_depth),
                notes=jpeg_notes(header),
                remarks=tuple(folder_remarks(header, others)),
            )
        )
        self._files = files

    def _read(self, index: int) -> NDArray[Any]:
        return read_image(self._files[index])

    def _digest(self) -> str:
        return files_sha256(self._files, Path(self.facts.path))


def natural_order(file: Path) -> tuple[list[tuple[int, int | str]], str]:
    """Sort key that puts ``frame2`` before ``frame10``."""
    parts = re.split(r"(\d+)", file.name.casefold())
    return [(0, int(p)) if p.isdecimal() else (1, p) for p in parts if p], file.name


def list_images(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the images of a folder in natural order and the names of its other files."""
    images, others = [], []
    with reading(folder):
        for file in sorted(folder.iterdir(), key=natural_order):
            if file.name.startswith(".") or not file.is_file():
                continue
            if kind_of_bytes(read_head(file)) in IMAGES:
                images.append(file)
            else:
                others.append(file.name)
    return images, others


def some(names: Sequence[str]) -> str:
    """Spell out the first of many names."""
    if not names:
        return ""
    return f": {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"


def jpeg_notes(header: ImageHeader) -> tuple[str, ...]:
    """Say what the kind of image does to grey levels."""
    if header.kind != "jpeg":
        return ()
    return ("JPEG images: compression changed the grey levels before evsize saw them.",)


def folder_remarks(header: ImageHeader, others: Sequence[str]) -> list[str]:
    """Say what was passed over and how the images are stored."""
    remarks = []
    if others:
        remarks.append(f"{len(others)} files that are no images were passed over{some(others)}.")
    if header.mode in COLOUR_MODES:
        remarks.append(f"Images are stored as {header.mode}: read as grey.")
    return remarks


def check_alike(first: Path, header: ImageHeader, file: Path, other: ImageHeader) -> None:
    """Refuse an image that cannot be a frame of the same recording.

    Raises
    ------
    RecordingError
        Naming the file that differs.
    """
    if (header.shape, header.dtype) == (other.shape, other.dtype):
        return
    (h, w), (h2, w2) = header.shape, other.shape
    raise RecordingError(
        f"{file} has {w2} x {h2} px ({other.dtype}), {first.name} has {w} x {h} px "
        f"({header.dtype})",
        "images of one size and type",
        "move the other images out of the folder",
    )


def read_header(file: Path) -> ImageHeader:
    """Read size and type of an image without decoding it.

    Raises
    ------
    RecordingError
        If it is broken, or of a kind that has no grey levels.
    """
    kind = kind_of_bytes(read_head(file))
    with reading(file):
        return tiff_header(file) if kind == TIFF else pillow_header(file, kind)


def tiff_header(file: Path) -> ImageHeader:
    """Size and type of a TIFF image; a stack is refused."""
    with library_messages(), TiffFile(file) as tif:
        page: Any = tif.pages[0]
        check_size(file, page.imagelength, page.imagewidth)
        if len(tif.pages) > 1 or page.axes not in ("YX", "YXS"):
            raise RecordingError(
                f"{file} is a stack of {len(tif.pages)} pages",
                "one image a file",
                "analyse the stack itself, or a folder of single images",
            )
        dtype = check_type(file, np.dtype(page.dtype or "V"))
        mode = "grey" if page.axes == "YX" else "RGB"
        shape = (page.imagelength, page.imagewidth)
        return ImageHeader(TIFF, mode, shape, dtype, int(np.max(page.bitspersample)))


def pillow_header(file: Path, kind: str) -> ImageHeader:
    """Size and type of a PNG, JPEG or BMP image."""
    with open_image(file) as image:
        check_size(file, image.height, image.width)
        deep = kind == "png" and read_head(file)[24:25] == b"\x10"
        wide = image.mode in GREY_MODES and GREY_MODES[image.mode] is np.uint16
        if image.mode == "I" and deep:  # how older versions of Pillow name 16-bit grey
            wide = True
        elif image.mode not in (*GREY_MODES, *COLOUR_MODES) or (deep and not wide):
            raise RecordingError(
                f"{file} is an image of kind {image.mode}{' with 16 bits a channel' * deep}",
                "grey images, or RGB(A) with 8 bits a channel",
                "save the images as grey PNG or TIFF",
            )
        dtype = np.dtype(np.uint16 if wide else np.uint8)
        return ImageHeader(kind, image.mode, (image.height, image.width), dtype, dtype.itemsize * 8)


def open_image(file: Path) -> Image.Image:
    """Open an image; its size is checked by us, not by a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(file)


def read_image(file: Path) -> NDArray[Any]:
    """Decode an image: (h, w), or (h, w, channels) where it is stored in colour.

    Raises
    ------
    DamagedFrameError
        If it cannot be decoded.
    """
    try:
        if kind_of_bytes(read_head(file)) == TIFF:
            with library_messages(), TiffFile(file) as tif:
                return np.asarray(tif.asarray(key=0))
        with open_image(file) as image:
            if image.mode in ("P", "PA"):
                return np.array(image.convert("RGB"))
            pixels = np.array(image)
            return pixels.astype(np.uint16) if image.mode == "I" else pixels
    except EvsizeError:
        raise
    except FileNotFoundError as error:
        raise RecordingError(f"{file} has gone", "every image of the folder") from error
    except Exception as error:
        if "imagecodecs" in str(error):
            raise RecordingError(
                f"{file} is compressed in a way that needs another package",
                "the imagecodecs package",
                "pip install imagecodecs, or save the images uncompressed",
            ) from error
        raise DamagedFrameError from error

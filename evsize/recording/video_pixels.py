"""Native pixels of a decoded frame: no conversion ever touches a grey level."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from evsize.errors import RecordingError
from evsize.recording.grey import grey_table, to_grey

LIMITED, FULL = 1, 2
"""FFmpeg's values of `color_range`; 0 is "not said"."""

# components a pixel, and which of them are grey, or red, green and blue
PACKED: dict[str, tuple[int, tuple[int, ...]]] = {
    "rgb24": (3, (0, 1, 2)),
    "bgr24": (3, (2, 1, 0)),
    "rgba": (4, (0, 1, 2)),
    "rgb0": (4, (0, 1, 2)),
    "bgra": (4, (2, 1, 0)),
    "bgr0": (4, (2, 1, 0)),
    "argb": (4, (1, 2, 3)),
    "0rgb": (4, (1, 2, 3)),
    "abgr": (4, (3, 2, 1)),
    "0bgr": (4, (3, 2, 1)),
    "rgb48": (3, (0, 1, 2)),
    "bgr48": (3, (2, 1, 0)),
    "rgba64": (4, (0, 1, 2)),
    "bgra64": (4, (2, 1, 0)),
    "ya8": (2, (0,)),
    "ya16": (2, (0,)),
    "yuyv422": (2, (0,)),
    "yvyu422": (2, (0,)),
    "uyvy422": (2, (1,)),
}
CHROMA_TOLERANCE = 4
"""Levels by which chroma may differ from neutral in a film that counts as grey."""


@dataclass(frozen=True)
class PixelFormat:
    """How to find grey levels in the planes of a frame."""

    kind: Literal["plane", "packed", "palette", "planar_rgb"]
    dtype: np.dtype[Any]
    bits: int
    step: int = 1
    channels: tuple[int, ...] = (0,)
    luma: bool = False


@dataclass(frozen=True)
class Levels:
    """Type, depth and largest grey level of a film, and what was assumed about them."""

    dtype: np.dtype[Any]
    bit_depth: int
    white: float
    note: str = ""
    remarks: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def pixel_format(name: str, bits: int) -> PixelFormat:
    """Find out how to read a pixel format of FFmpeg.

    Parameters
    ----------
    name : str
        FFmpeg's name of it, for example ``gray12le``.
    bits : int
        Bits of its first component.

    Raises
    ------
    RecordingError
        If its grey levels cannot be read as they are.
    """
    base = re.sub(r"[lb]e$", "", name)
    order = ">" if name.endswith("be") else "<"
    dtype = np.dtype("u1") if bits <= 8 else np.dtype(f"{order}u2")
    if name == "pal8":
        return PixelFormat("palette", np.dtype("u1"), 8)
    if base in PACKED:
        step, channels = PACKED[base]
        return PixelFormat("packed", dtype, bits, step, channels, luma=base[-3:] == "422")
    if re.fullmatch(r"gbra?p\d*", base):
        return PixelFormat("planar_rgb", dtype, bits)
    if re.fullmatch(r"gr[ae]y\d*", base):
        return PixelFormat("plane", dtype, bits)
    if re.fullmatch(r"yuva?j?4\d\dp\d*|nv(12|21|16|24|42)", base):
        return PixelFormat("plane", dtype, bits, luma=True)
    raise RecordingError(
        f"a film with pixels of the kind {name}",
        "grey, palettised, YUV or RGB pixels with at least 8 bits a channel",
        "save it as an uncompressed grey AVI or as TIFF",
    )


def format_of(frame: VideoFrame) -> PixelFormat:
    """Pixel format of a decoded frame."""
    return pixel_format(frame.format.name, frame.format.components[0].bits)


def levels_of(frame: VideoFrame) -> Levels:
    """Find depth and white level: in limited range white is 235 of 255, and scaled up with it."""
    pixels = format_of(frame)
    name, said = frame.format.name, int(frame.color_range)
    full = said == FULL or name.startswith("yuvj") or not (pixels.luma or said == LIMITED)
    white = 2**pixels.bits - 1 if full else 235 << (pixels.bits - 8)
    note, remarks = "", []
    if not full:
        text = f"Grey levels are in the limited range of films: white is {white}"
        if said == LIMITED:
            remarks.append(f"{text}.")
        else:
            note = f"{text} (assumed: the film does not say)."
    elif pixels.kind in ("packed", "planar_rgb") and len(pixels.channels) != 1:
        remarks.append(f"Frames are stored in colour ({name}): read as grey.")
    dtype = pixels.dtype.newbyteorder("=")
    return Levels(dtype, pixels.bits, float(white), note, tuple(remarks))


def grey_pixels(frame: VideoFrame) -> tuple[NDArray[Any], bool]:
    """Copy the grey levels of a frame.

    Returns
    -------
    grey : ndarray, (h, w)
        Native byte order.
    coloured : bool
        Whether red, green and blue differed, so that the luminance was taken.
    """
    how = format_of(frame)
    if how.kind == "palette":
        return from_palette(frame)
    if how.kind == "planar_rgb":  # planes are stored as green, blue, red
        planes = [plane(frame, number, how.dtype)[..., 0] for number in (2, 0, 1)]
        grey, coloured = to_grey(np.stack(planes, axis=-1))
    else:
        chosen = plane(frame, 0, how.dtype, how.step)[..., list(how.channels)]
        grey, coloured = to_grey(chosen)
    return np.array(grey, dtype=how.dtype.newbyteorder("=")), coloured


def from_palette(frame: VideoFrame) -> tuple[NDArray[Any], bool]:
    """Look up the palette's grey levels; colours count where pixels use them."""
    numbers = plane(frame, 0, np.dtype("u1"))[..., 0]
    entries = np.frombuffer(bytes(frame.planes[1]), np.uint32, count=256)
    palette = np.stack([(entries >> shift) & 255 for shift in (16, 8, 0)], -1).astype(np.uint8)
    table, coloured = grey_table(palette)
    if coloured:
        used = np.unique(numbers)
        coloured = grey_table(palette[used])[1]
    if np.array_equal(table, np.arange(256)):
        return numbers.copy(), False
    return table[numbers], coloured


def plane(frame: VideoFrame, number: int, dtype: np.dtype[Any], step: int = 1) -> NDArray[Any]:
    """View a plane as (height, width, step); lines stored from the bottom up are turned."""
    memory: Any = frame.planes[number]
    line = memory.line_size
    return np.ndarray(
        (memory.height, memory.width, step),
        dtype,
        buffer=memory,
        offset=(memory.height - 1) * -line if line < 0 else 0,
        strides=(line, dtype.itemsize * step, dtype.itemsize),
    )


def film_has_colour(frame: VideoFrame) -> bool:
    """Whether the chroma of a planar film is more than compression noise."""
    if not re.match(r"yuv", frame.format.name) or len(frame.planes) < 3:
        return False
    how = format_of(frame)
    neutral, tolerance = 1 << (how.bits - 1), CHROMA_TOLERANCE << (how.bits - 8)
    deviations = [
        np.abs(plane(frame, number, how.dtype).astype(np.int32) - neutral) for number in (1, 2)
    ]
    return any(float(np.mean(d)) > tolerance for d in deviations)

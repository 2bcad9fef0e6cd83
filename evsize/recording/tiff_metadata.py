"""What a TIFF file says of its scale, time and length."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import TiffFile, TiffFileError, xml2dict

from evsize.recording.sidecar import plausible
from evsize.recording.times import rate_of, stated_times

UM = {
    "nm": 1e-3,
    "um": 1.0,
    "\u00b5m": 1.0,
    "\u03bcm": 1.0,
    "\\u00b5m": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
}
SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "\u00b5s": 1e-6,
    "us": 1e-6,
    "min": 60.0,
}
RELATIVE = 1e-6


@dataclass(frozen=True)
class Said:
    """What a TIFF file says of its frames.

    Attributes
    ----------
    values : dict of str to dict
        Acquisition values for each place they stand in, the least trusted first.
    times_s : ndarray, (frames,), or None
        Time of each frame since the first, s.
    bits : int or None
        Bits a pixel that carry grey levels.
    notes : tuple of str
        What was not used and why.
    """

    values: Mapping[str, Mapping[str, Any]]
    times_s: NDArray[np.float64] | None = None
    bits: int | None = None
    notes: tuple[str, ...] = ()


BROKEN = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    ArithmeticError,
    SyntaxError,
    TiffFileError,
)
"""What reading metadata that were cut or overwritten may raise."""


def read_metadata(tif: TiffFile, pages: Callable[[], Sequence[Any]], frames: int) -> Said:
    """Read scale, times and depth where the file gives them with their units.

    Parameters
    ----------
    tif : TiffFile
        The file.
    pages : callable
        Gives a page a frame; called only where each page says something of its own.
    frames : int
        Number of frames.
    """
    values: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    found: dict[str, Any] = {}
    dialects: list[tuple[bool, str, Callable[[], Dialect]]] = [
        (tif.is_imagej, "ImageJ metadata", lambda: imagej_values(tif)),
        (tif.is_ome, "OME metadata", lambda: ome_values(ome_pixels(tif), frames)),
        (tif.is_micromanager, "Micro-Manager metadata", lambda: mm_values(tif, pages(), frames)),
    ]
    for applies, source, read in dialects:
        if not applies:
            continue
        try:
            said, extra, odd = read()
        except BROKEN:
            notes.append(f"The {source} of the file cannot be read: not used.")
            continue
        values[source], doubts = plausible(said)
        found |= {name: value for name, value in extra.items() if value is not None}
        notes += [*odd, *doubts]
    bits = found.get("bits")
    page: Any = tif.pages[0]
    depth = bits if bits is not None and 1 < bits <= page.dtype.itemsize * 8 else None
    return Said(values, found.get("times_s"), depth, tuple(notes))


Dialect = tuple[dict[str, Any], dict[str, Any], list[str]]
"""Acquisition values; ``times_s`` and ``bits`` where known; what was not used."""


def ome_pixels(tif: TiffFile) -> dict[str, Any]:
    """Return the attributes of the first Pixels element; empty where there is none."""
    tree = xml2dict(tif.ome_metadata or "<OME/>")
    image = (tree.get("OME") or {}).get("Image") or {}
    first = image[0] if isinstance(image, list) else image
    pixels = first.get("Pixels") or {}
    return pixels if isinstance(pixels, dict) else {}


def ome_sizes(tif: TiffFile) -> dict[str, int]:
    """Time points, depths and channels that OME metadata promise."""
    try:
        pixels = ome_pixels(tif) if tif.is_ome else {}
        return {axis: max(1, int(pixels.get(f"Size{axis}", 1))) for axis in "TZC"}
    except BROKEN:
        return {}


def ome_values(pixels: dict[str, Any], frames: int) -> Dialect:
    """Scale, times and depth of a Pixels element; OME's default units are um and s."""
    values: dict[str, Any] = {}
    notes = []
    x, y = pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeY")
    unit = UM.get(str(pixels.get("PhysicalSizeXUnit", "um")))
    if x and unit:
        if y and abs(float(x) - float(y)) > RELATIVE * float(x):
            notes.append(f"The file's pixels are not square ({x} and {y}): size not used.")
        else:
            values["pixel_size_um"] = float(x) * unit
    times, exposure = ome_planes(pixels, frames)
    values |= rate_of(times)
    step, unit = pixels.get("TimeIncrement"), SECONDS.get(str(pixels.get("TimeIncrementUnit", "s")))
    if step and unit:
        values["frame_rate_hz"] = 1 / (float(step) * unit)
    if exposure is not None:
        values["exposure_ms"] = exposure
    bits = int(pixels.get("SignificantBits") or 0) or None
    return values, {"times_s": times, "bits": bits}, notes


def ome_planes(
    pixels: dict[str, Any], frames: int
) -> tuple[NDArray[np.float64] | None, float | None]:
    """Times (s) and exposure (ms) of the planes of the first channel and depth."""
    planes = pixels.get("Plane") or []
    planes = planes if isinstance(planes, list) else [planes]
    first = [p for p in planes if not int(p.get("TheC", 0)) and not int(p.get("TheZ", 0))]
    timed = {
        int(p["TheT"]): float(p["DeltaT"]) * SECONDS[str(p.get("DeltaTUnit", "s"))]
        for p in first
        if "DeltaT" in p
    }
    whole = sorted(timed) == list(range(len(timed)))
    times = stated_times([timed[n] for n in sorted(timed)], frames) if timed and whole else None
    exposures = {
        float(p["ExposureTime"]) * SECONDS[str(p.get("ExposureTimeUnit", "s"))] * 1e3
        for p in first
        if "ExposureTime" in p
    }
    return times, exposures.pop() if len(exposures) == 1 else None


def mm_values(tif: TiffFile, pages: Sequence[Any], frames: int) -> Dialect:
    """Scale, exposure, times and depth that Micro-Manager writes beside each frame."""
    first: Any = tif.pages[0]
    said = first.tags["MicroManagerMetadata"].value
    values: dict[str, Any] = {}
    if float(said.get("PixelSizeUm", 0)) > 0:
        values["pixel_size_um"] = float(said["PixelSizeUm"])
    if float(said.get("Exposure-ms", 0)) > 0:
        values["exposure_ms"] = float(said["Exposure-ms"])
    times = None
    if len(pages) >= frames:
        texts = (page.aspage().tags.get("MicroManagerMetadata") for page in pages[:frames])
        elapsed = [tag.value.get("ElapsedTime-ms") for tag in texts if tag is not None]
        times = stated_times(np.array(elapsed, dtype=float) / 1e3, frames)
    values |= rate_of(times)
    bits = int(said.get("BitDepth", 0)) or None
    return values, {"times_s": times, "bits": bits}, []


def imagej_values(tif: TiffFile) -> Dialect:
    """Pixel size and frame rate of an ImageJ stack."""
    said: dict[str, Any] = tif.imagej_metadata or {}
    tags: Any = tif.pages[0].tags
    values: dict[str, Any] = {}
    notes = []
    unit = UM.get(str(said.get("unit", "")).strip().lower())
    if unit and "XResolution" in tags and "YResolution" in tags:
        (a, b), (c, d) = tags["XResolution"].value, tags["YResolution"].value
        x, y = b / a * unit, d / c * unit
        if abs(x - y) > RELATIVE * x:
            notes.append(f"The file's pixels are not square ({x:g} and {y:g} um): size not used.")
        else:
            values["pixel_size_um"] = float(f"{x:.9g}")  # a ratio of integers: drop its noise
    seconds = SECONDS.get(str(said.get("tunit", "s")).strip().lower())
    if said.get("finterval") and seconds:
        values["frame_rate_hz"] = 1 / (float(said["finterval"]) * seconds)
    elif said.get("fps"):
        notes.append(
            f"The file states {float(said['fps']):g} frames/s, the rate of playback: not used."
        )
    return values, {}, notes


def declared_frames(tif: TiffFile) -> int:
    """Frames that the metadata promise, 0 where they say nothing."""
    if tif.is_imagej:
        count = (tif.imagej_metadata or {}).get("images", 0)
        return int(count) if isinstance(count, int) else 0
    if tif.is_ome:
        return math.prod(ome_sizes(tif).values())
    shaped = tif.shaped_metadata
    if shaped and len(shaped) == 1:
        shape = shaped[0].get("shape") or ()
        page: Any = tif.pages[0]
        inner = len(page.shape)
        count = 1
        for n in shape[: max(0, len(shape) - inner)]:
            count *= int(n)
        return count
    return 0

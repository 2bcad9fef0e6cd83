"""What a TIFF file says of its scale, time and length."""

from __future__ import annotations

from typing import Any

from tifffile import TiffFile, xml2dict

from evsize.recording.sidecar import plausible

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


def read_metadata(tif: TiffFile) -> tuple[dict[str, Any], str, list[str]]:
    """Read pixel size and frame rate where the file gives them with their units.

    Returns
    -------
    values : dict
        By their names in `Acquisition`.
    source : str
        Where they stand.
    notes : list of str
        What was not used and why.
    """
    try:
        if tif.is_ome:
            source, (values, notes) = "OME metadata", ome_values(ome_pixels(tif))
        elif tif.is_imagej:
            source, (values, notes) = "ImageJ metadata", imagej_values(tif)
        else:
            return {}, "", []
    except (ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError, SyntaxError):
        return {}, "", ["The metadata of the file cannot be read: not used."]
    values, doubts = plausible(values)
    return values, source, notes + doubts


def ome_pixels(tif: TiffFile) -> dict[str, Any]:
    """Return the attributes of the first Pixels element; empty where there is none."""
    tree = xml2dict(tif.ome_metadata or "<OME/>")
    image = (tree.get("OME") or {}).get("Image") or {}
    first = image[0] if isinstance(image, list) else image
    pixels = first.get("Pixels") or {}
    return pixels if isinstance(pixels, dict) else {}


def ome_values(pixels: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Pixel size and frame rate of a Pixels element; OME's default units are um and s."""
    values: dict[str, Any] = {}
    notes = []
    x, y = pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeY")
    unit = UM.get(str(pixels.get("PhysicalSizeXUnit", "um")))
    if x and unit:
        if y and abs(float(x) - float(y)) > RELATIVE * float(x):
            notes.append(f"The file's pixels are not square ({x} and {y}): size not used.")
        else:
            values["pixel_size_um"] = float(x) * unit
    step, unit = pixels.get("TimeIncrement"), SECONDS.get(str(pixels.get("TimeIncrementUnit", "s")))
    if step and unit:
        values["frame_rate_hz"] = 1 / (float(step) * unit)
    return values, notes


def imagej_values(tif: TiffFile) -> tuple[dict[str, Any], list[str]]:
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
    return values, notes


def declared_frames(tif: TiffFile) -> int:
    """Frames that the metadata promise, 0 where they say nothing."""
    if tif.is_imagej:
        count = (tif.imagej_metadata or {}).get("images", 0)
        return int(count) if isinstance(count, int) else 0
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


def significant_bits(tif: TiffFile) -> int | None:
    """Bits that carry grey levels, where OME metadata say so."""
    if not tif.is_ome:
        return None
    try:
        bits = int(ome_pixels(tif).get("SignificantBits") or 0)
    except (ValueError, TypeError, AttributeError, SyntaxError):
        return None
    page: Any = tif.pages[0]
    return bits if 1 < bits <= page.dtype.itemsize * 8 else None

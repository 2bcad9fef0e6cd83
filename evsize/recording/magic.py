"""What a file is, by its first bytes."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 64
TIFF = "tiff"
IMAGES = (TIFF, "png", "jpeg", "bmp")
ND2, CINE, NPY = "Nikon ND2", "Phantom Cine", "NumPy array"
VIDEOS = ("avi", "mp4", "matroska", "asf", CINE)

STARTS: dict[bytes, str] = {
    b"II*\0": TIFF,
    b"MM\0*": TIFF,
    b"II+\0": TIFF,
    b"MM\0+": TIFF,
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"BM": "bmp",
    b"\x1aE\xdf\xa3": "matroska",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"\xda\xce\xbe\x0a": ND2,
    b"CI\x2c\0": CINE,
    b"\x89HDF": "HDF5",
    b"PK\x03\x04": "ZIP archive",
    b"\x1f\x8b": "gzip archive",
    b"\x93NUMPY": NPY,
    b"GIF8": "GIF",
    b"%PDF": "PDF",
}
QUICKTIME_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file."""
    with path.open("rb") as stream:
        return stream.read(HEAD_BYTES)


def kind_of_bytes(head: bytes) -> str:
    """Name what begins with these bytes; empty where they say nothing."""
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in QUICKTIME_ATOMS:
        return "mp4"
    return next((kind for start, kind in STARTS.items() if head.startswith(start)), "")


def describe(head: bytes) -> str:
    """Say for a person what a file of an unknown kind begins with."""
    text = head[:16].decode("ascii", "replace")
    if head and all(c.isprintable() or c in "\r\n\t" for c in text):
        return f"text, beginning {text.split(chr(10))[0].strip()!r}"
    return f"beginning with the bytes {head[:8].hex(' ')}"

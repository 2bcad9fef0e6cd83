"""Cameras of 8, 10, 12 or 14 bits whose frames are stored in 16: where is white?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evsize.recording.base import Recording

SAMPLES = 8
CAMERA_BITS = (8, 10, 12, 14)
PLATEAU_PIXELS = 3
"""Pixels at the very top of a smaller depth that count as saturated and not as chance."""


def find_depth(recording: Recording) -> None:
    """Correct depth and white level of 16-bit frames by what a few of them hold.

    Pixels in the lowest bits of 16 stop at the camera's own white; pixels in the highest bits leave
    the lowest ones empty. Where neither shows, the depth stays that of the file.

    Parameters
    ----------
    recording : Recording
        Its `facts` are replaced where they were wrong.
    """
    facts = recording.facts
    if facts.dtype != np.uint16 or facts.bit_depth != 16 or facts.white_level != 65535:
        return
    chosen = np.unique(np.linspace(0, len(recording) - 1, SAMPLES).astype(int))
    frames = [np.asarray(recording[int(n)]) for n in chosen]
    found = stored_low(frames) or stored_high(frames)
    if found is None:
        return
    bits, white = found
    note = f"Grey levels are those of a {bits}-bit camera: white is {white} (found in the frames)."
    recording.facts = replace(
        facts, bit_depth=bits, white_level=float(white), remarks=(*facts.remarks, note)
    )


def stored_low(frames: list[np.ndarray]) -> tuple[int, int] | None:
    """Bits and white level where the brightest pixels pile up at the top of fewer bits."""
    top = max(int(frame.max()) for frame in frames)
    for bits in CAMERA_BITS:
        white = 2**bits - 1
        if top == white:
            piled = sum(int((frame == white).sum()) for frame in frames)
            return (bits, white) if piled >= PLATEAU_PIXELS else None
    return None


def stored_high(frames: list[np.ndarray]) -> tuple[int, int] | None:
    """Bits and white level where the lowest bits are never used."""
    used = 0
    for frame in frames:
        used |= int(np.bitwise_or.reduce(frame, axis=None))
    if used < 2**15:  # the highest bit is not used either: nothing was shifted up
        return None
    for bits in CAMERA_BITS:
        empty = 2 ** (16 - bits) - 1
        if not used & empty:
            return bits, 65535 - empty
    return None

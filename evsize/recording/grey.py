"""Colour frames to grey: exactly where they are grey, by luminance where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LUMINANCE = (299, 587, 114)
"""Thousandths of red, green and blue, ITU-R BT.601."""


def luminance(red: NDArray[Any], green: NDArray[Any], blue: NDArray[Any]) -> NDArray[Any]:
    """Weighted mean of three channels in their own type, integers rounded exactly."""
    if red.dtype.kind == "u" and red.dtype.itemsize <= 2:
        whole = [
            c.astype(np.uint32) * np.uint32(w)
            for w, c in zip(LUMINANCE, (red, green, blue), strict=True)
        ]
        total: NDArray[Any] = (whole[0] + whole[1] + whole[2] + np.uint32(500)) // 1000
        return total.astype(red.dtype)
    real = [
        c.astype(np.float64) * (w / 1000)
        for w, c in zip(LUMINANCE, (red, green, blue), strict=True)
    ]
    mixed: NDArray[Any] = real[0] + real[1] + real[2]
    return (mixed if red.dtype.kind == "f" else np.rint(mixed)).astype(red.dtype)


def to_grey(pixels: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """Make one channel of one, two (grey, alpha), three (RGB) or four (RGB, alpha).

    Parameters
    ----------
    pixels : ndarray, (h, w, channels)
        An image; alpha is ignored.

    Returns
    -------
    grey : ndarray, (h, w)
        A channel as it is where all are equal, the luminance otherwise.
    coloured : bool
        Whether they differed.
    """
    red = pixels[..., 0]
    if pixels.shape[-1] < 3:
        return red, False
    green, blue = pixels[..., 1], pixels[..., 2]
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return red, False
    return luminance(red, green, blue), True


def grey_table(palette: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """Grey level of each entry of a palette.

    Parameters
    ----------
    palette : ndarray of uint8, (n, 3)
        Red, green and blue of each entry.

    Returns
    -------
    table : ndarray of uint8, (n,)
        Its grey levels.
    coloured : bool
        Whether any entry has a colour.
    """
    return to_grey(palette)

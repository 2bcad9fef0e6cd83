"""One frame with the spots and tracks drawn on it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from evsize.results import Detections, Tracks

SPOT = (255, 176, 0)
TRACK = (100, 143, 255)
"""Orange and blue that stay apart without colour vision."""
TAIL_FRAMES = 15
SMALLEST_WIDTH_PX = 640


def draw(detections: Detections, tracks: Tracks, pixel_size_um: float) -> NDArray[np.uint8] | None:
    """Draw the preview frame: rings for spots, lines for where tracks came from.

    Returns
    -------
    ndarray of uint8, (height, width, 3), or None
        None where no frame was kept. Small frames are enlarged by a whole factor.
    """
    frame = detections.preview
    if frame is None:
        return None
    factor = max(1, -(-SMALLEST_WIDTH_PX // detections.width_px))
    grey = stretch(np.asarray(frame, dtype=np.float64))
    picture = Image.fromarray(np.kron(grey, np.ones((factor, factor), np.uint8))).convert("RGB")
    pen = ImageDraw.Draw(picture)
    now = detections.preview_frame
    for points in _tails(tracks.table, now, pixel_size_um):
        pen.line([tuple((point + 0.5) * factor) for point in points], fill=TRACK, width=1)
    window = detections.choices.get("window_px")
    radius = max(4.0, float(window.value) / 2 if window and window.value else 4.0)
    spots = detections.table[detections.table["frame"] == now]
    for x, y in spots[["x_px", "y_px"]].to_numpy():
        low = ((x + 0.5 - radius) * factor, (y + 0.5 - radius) * factor)
        high = ((x + 0.5 + radius) * factor, (y + 0.5 + radius) * factor)
        pen.ellipse([low, high], outline=SPOT)
    return np.asarray(picture, dtype=np.uint8)


def stretch(frame: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Grey levels of 0 to 255 that show what is in a frame, or in several alike."""
    low, high = np.percentile(frame, [0.5, 99.9])
    return np.asarray(255 * np.clip((frame - low) / max(high - low, 1.0), 0, 1), dtype=np.uint8)


def _tails(table: pd.DataFrame, now: int, pixel_size_um: float) -> list[NDArray[np.float64]]:
    alive = table.loc[table["frame"] == now, "track_id"]
    recent = table[table["track_id"].isin(alive) & table["frame"].between(now - TAIL_FRAMES, now)]
    return [
        part[["x_um", "y_um"]].to_numpy() / pixel_size_um
        for _, part in recent.groupby("track_id")
        if len(part) > 1
    ]

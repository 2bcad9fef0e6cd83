"""Pictures of what was found: one frame, and a strip of followed particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from evsize.results import Detections, Frames, Tracks

SPOT = (255, 176, 0)
TRACK = (100, 143, 255)
"""Orange and blue that stay apart without colour vision."""
TAIL_FRAMES = 15
SMALLEST_WIDTH_PX = 640
GROUND, LETTERS = (20, 24, 27), (230, 233, 234)

STRIP_FRAMES, STRIP_PARTICLES = 8, 4
CELL_PX = 110
"""Side of a picture in the strip, about."""
FEWEST_PX, MOST_PX = 24, 120
"""Side of what is cut out of a frame, px of the recording."""
TITLE_PX, NAME_PX, GAP_PX = 26, 76, 3

WHITE_SNR = 12.0
"""Noise standard deviations above the ground at which a picture is white."""


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
    picture = _enlarged(stretch(np.asarray(frame, dtype=np.float64)), factor)
    pen = ImageDraw.Draw(picture)
    now = detections.preview_frame
    for points in _tails(tracks.table, now, pixel_size_um):
        pen.line([tuple((point + 0.5) * factor) for point in points], fill=TRACK, width=1)
    window = detections.choices.get("window_px")
    radius = max(4.0, float(window.value) / 2 if window and window.value else 4.0)
    spots = detections.table[detections.table["frame"] == now]
    for x, y in spots[["x_px", "y_px"]].to_numpy():
        _ring(pen, (x + 0.5) * factor, (y + 0.5) * factor, radius * factor)
    return np.asarray(picture, dtype=np.uint8)


def stretch(frame: NDArray[np.float64], contrast: float = 1.0) -> NDArray[np.uint8]:
    """Grey levels of 0 to 255 that show what is in a frame, or in several alike.

    A few bright spots are white, so that faint ones beside them show. A `contrast` above 1 shows
    still fainter ones.
    """
    low, middle, most, high = np.percentile(frame, [0.5, 50, 95, 99.9])
    noise = float(np.std(frame[frame <= most]))  # a median deviation of few grey levels may be 0
    if noise > 0:
        high = min(high, middle + WHITE_SNR * noise)
    scaled = contrast * (frame - low) / max(high - low, 1.0)
    return np.asarray(255 * np.clip(scaled, 0, 1), dtype=np.uint8)


def _tails(table: pd.DataFrame, now: int, pixel_size_um: float) -> list[NDArray[np.float64]]:
    alive = table.loc[table["frame"] == now, "track_id"]
    recent = table[table["track_id"].isin(alive) & table["frame"].between(now - TAIL_FRAMES, now)]
    return [
        part[["x_um", "y_um"]].to_numpy() / pixel_size_um
        for _, part in recent.groupby("track_id")
        if len(part) > 1
    ]


@dataclass(frozen=True)
class Followed:
    """One particle of the strip.

    Attributes
    ----------
    diameter_nm : float
        Of its track alone.
    path : dict of int to ndarray, (2,)
        Column and row by frame, px.
    """

    diameter_nm: float
    path: dict[int, NDArray[np.float64]]


def draw_strip(
    recording: Frames, tracks: Tracks, particles: pd.DataFrame, pixel_size_um: float
) -> NDArray[np.uint8] | None:
    """Draw a few particles in successive frames, each in a row, with their paths so far.

    Parameters
    ----------
    recording : Frames
        Whose frames were tracked; a few of them are read.
    tracks : Tracks
        Positions.
    particles : DataFrame
        Tracks that were sized, with their diameters.
    pixel_size_um : float
        Side of a pixel, um.

    Returns
    -------
    ndarray of uint8, (height, width, 3), or None
        None where no track was sized.
    """
    used = tracks.table[tracks.table["track_id"].isin(particles["track_id"])]
    if not len(used):
        return None
    first, count = _stretch_of_frames(used, len(tracks.frames))
    shown = used[used["frame"].between(first, first + count - 1)]
    followed = _choose(shown, particles, count, pixel_size_um)
    if not followed:
        return None
    side = _side_px(followed)
    factor = max(1, round(CELL_PX / side))
    numbers = range(first, first + count)
    frames = [np.asarray(recording[number], dtype=np.float64) for number in numbers]
    cell = side * factor + GAP_PX
    height = TITLE_PX + cell * len(followed) + TITLE_PX
    picture = Image.new("RGB", (NAME_PX + cell * count, height), GROUND)
    for row, one in enumerate(followed):
        cells = _cells(one, frames, numbers, side, factor)
        for column, made in enumerate(cells):
            picture.paste(made, (NAME_PX + cell * column, TITLE_PX + cell * row))
    times = tracks.frames["t_s"].to_numpy()[first : first + count]
    _label(picture, followed, times - times[0], cell, factor / pixel_size_um)
    return np.asarray(picture, dtype=np.uint8)


def _stretch_of_frames(used: pd.DataFrame, n_frames: int) -> tuple[int, int]:
    """First frame and number of frames in which most particles are seen throughout.

    Of equal stretches that nearest to the middle of the recording; shorter than `STRIP_FRAMES`
    only where no track lasts that long.
    """
    ends = used.groupby("track_id")["frame"].agg(["min", "max"]).to_numpy()
    count = int(min(STRIP_FRAMES, (ends[:, 1] - ends[:, 0]).max() + 1))
    change = np.zeros(n_frames + 1, dtype=np.int64)
    lasting = ends[ends[:, 1] - ends[:, 0] + 1 >= count]
    np.add.at(change, lasting[:, 0], 1)
    np.add.at(change, lasting[:, 1] - count + 2, -1)  # the last start from which it still lasts
    seen = np.cumsum(change)[:n_frames]
    best = np.flatnonzero(seen == seen.max())
    return int(best[np.abs(best - n_frames / 2).argmin()]), count


def _choose(
    shown: pd.DataFrame, particles: pd.DataFrame, count: int, pixel_size_um: float
) -> list[Followed]:
    """Take particles seen from the first frame to the last, spread over the sizes, not the ends."""
    ends = shown.groupby("track_id")["frame"].agg(["min", "max"])
    throughout = ends.index[ends["max"] - ends["min"] + 1 >= count]
    known = particles[particles["track_id"].isin(throughout)]
    known = known.sort_values(["diameter_nm", "track_id"], kind="stable")
    if not len(known):  # a track that lasts long enough may miss the frame that begins the stretch
        return []
    shares = (np.arange(STRIP_PARTICLES) + 0.5) / STRIP_PARTICLES
    places = (shares * len(known)).astype(int)
    chosen = known.iloc[np.unique(places)]
    rows = {key: part for key, part in shown.groupby("track_id") if key in set(chosen["track_id"])}
    return [
        Followed(
            float(nm),
            dict(
                zip(
                    rows[key]["frame"].tolist(),
                    rows[key][["x_um", "y_um"]].to_numpy() / pixel_size_um,
                    strict=True,
                )
            ),
        )
        for key, nm in zip(chosen["track_id"], chosen["diameter_nm"], strict=True)
    ]


def _side_px(followed: Sequence[Followed]) -> int:
    """Side of the cut-outs, the same for all so that wanderings can be compared."""
    reach = max(float(np.ptp(list(one.path.values()), axis=0).max()) for one in followed)
    return int(np.clip(np.ceil(reach) + 16, FEWEST_PX, MOST_PX))


def _cells(
    one: Followed,
    frames: Sequence[NDArray[np.float64]],
    numbers: range,
    side: int,
    factor: int,
) -> list[Image.Image]:
    """Cut the particle out of each frame; the window stays where it is."""
    path = np.array(list(one.path.values()))
    corner = np.floor((path.min(axis=0) + path.max(axis=0) + 1 - side) / 2).astype(int)
    cuts = stretch(np.stack([_cut(frame, corner, side) for frame in frames]))
    cells = []
    for number, cut in zip(numbers, cuts, strict=True):
        picture = _enlarged(cut, factor)
        pen = ImageDraw.Draw(picture)
        here = [(one.path[n] - corner + 0.5) * factor for n in numbers if n in one.path]
        passed = here[: sum(n <= number for n in one.path)]
        if len(passed) > 1:
            pen.line([tuple(point) for point in passed], fill=TRACK, width=2)
        if number in one.path:
            x, y = passed[-1]
            _ring(pen, x, y, 6.0 * factor)
        cells.append(picture)
    return cells


def _cut(frame: NDArray[np.float64], corner: NDArray[np.int64], side: int) -> NDArray[np.float64]:
    """Cut a square out of a frame; beyond the edge the edge is repeated."""
    height, width = frame.shape
    rows = np.clip(np.arange(corner[1], corner[1] + side), 0, height - 1)
    columns = np.clip(np.arange(corner[0], corner[0] + side), 0, width - 1)
    square: NDArray[np.float64] = frame[np.ix_(rows, columns)]
    return square


def _label(
    picture: Image.Image,
    followed: Sequence[Followed],
    times_s: NDArray[np.float64],
    cell: int,
    px_per_um: float,
) -> None:
    """Write times above, diameters beside, and a scale below."""
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    for column, time in enumerate(times_s):
        place = (NAME_PX + cell * (column + 0.5), TITLE_PX / 2)
        pen.text(place, f"{1e3 * time:.0f} ms", fill=LETTERS, font=font, anchor="mm")
    for row, one in enumerate(followed):
        place = (NAME_PX - 8, TITLE_PX + cell * (row + 0.5))
        pen.text(place, f"{one.diameter_nm:.0f} nm", fill=LETTERS, font=font, anchor="rm")
    longest_um = 0.8 * cell / px_per_um
    step = 10.0 ** np.floor(np.log10(longest_um))
    scale_um = step * next(times for times in (5, 2, 1) if step * times <= longest_um)
    y, start = picture.height - TITLE_PX / 2, NAME_PX
    pen.line([(start, y), (start + scale_um * px_per_um, y)], fill=LETTERS, width=3)
    place = (start + scale_um * px_per_um + 8, y)
    pen.text(place, f"{scale_um:g} um", fill=LETTERS, font=font, anchor="lm")


def _enlarged(grey: NDArray[np.uint8], factor: int) -> Image.Image:
    return Image.fromarray(np.kron(grey, np.ones((factor, factor), np.uint8))).convert("RGB")


def _ring(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    pen.ellipse([(x - radius, y - radius), (x + radius, y + radius)], outline=SPOT)

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import evsize
from evsize.preview import CELL_PX, GAP_PX, NAME_PX, SPOT, TITLE_PX, TRACK, draw_strip
from evsize.results import Tracks
from evsize.tables import FRAMES, PARTICLES, TRACKS
from tests.conftest import ROOT

PIXEL_UM = 0.2
N_FRAMES = 20


def positions(*paths: dict[int, tuple[float, float]]) -> Tracks:
    """Tracks of given paths: column and row, px, by frame."""
    rows = [
        (key, frame, *xy) for key, path in enumerate(paths) for frame, xy in sorted(path.items())
    ]
    key, frame, x, y = np.array(rows).reshape(-1, 4).T
    table = TRACKS.empty().reindex(range(len(rows))).assign(flags=0, brightness=1.0)
    table = TRACKS.validate(
        table.assign(
            track_id=key, frame=frame, t_s=frame / 25, x_um=x * PIXEL_UM, y_um=y * PIXEL_UM
        )
    )
    number = np.arange(N_FRAMES)
    empty = FRAMES.empty().reindex(number).assign(flags=0, detections=0)
    frames = FRAMES.validate(empty.assign(frame=number, t_s=number / 25))
    return Tracks(table, np.zeros((len(table), 2)), 0, frames, 1.0, {})


def sized(*diameters_nm: float) -> pd.DataFrame:
    n = len(diameters_nm)
    table = PARTICLES.empty().reindex(range(n)).assign(frames=9, first_frame=0, flags=0)
    return table.assign(track_id=range(n), diameter_nm=diameters_nm)


def film(tracks: Tracks, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    """One bright pixel where each track is."""
    frames = np.full((N_FRAMES, *shape), 100, np.uint16)
    for row in tracks.table.itertuples():
        frames[row.frame, round(row.y_um / PIXEL_UM), round(row.x_um / PIXEL_UM)] = 1000
    return frames


def walk(first: int, last: int, x: float, y: float, step: float = 1.0) -> dict[int, tuple]:
    return {frame: (x + step * (frame - first), y) for frame in range(first, last + 1)}


def draw(tracks: Tracks, *diameters_nm: float) -> np.ndarray:
    picture = draw_strip(film(tracks), tracks, sized(*diameters_nm), PIXEL_UM)
    assert picture is not None
    return picture


def where(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns of a colour."""
    return np.argwhere((picture == colour).all(axis=-1))


def test_each_row_follows_a_particle() -> None:
    """Rings are around the bright pixel of their frame, to the width of a pixel of the film."""
    tracks = positions(walk(5, 12, 40, 30), walk(3, 15, 20, 20, 0.0))
    picture = draw(tracks, 90.0, 200.0)
    side = 7 + 16
    factor = round(CELL_PX / side)
    cell = (24 if side < 24 else side) * factor + GAP_PX
    assert picture.shape == (2 * TITLE_PX + 2 * cell, NAME_PX + 8 * cell, 3)
    for row in range(2):
        for column in range(8):
            top, left = TITLE_PX + row * cell, NAME_PX + column * cell
            part = picture[top : top + cell - GAP_PX, left : left + cell - GAP_PX]
            ring = where(part, SPOT)
            bright = where(part, (255, 255, 255))
            middle = (ring.min(axis=0) + ring.max(axis=0)) / 2
            assert len(bright)
            assert np.abs(bright.mean(axis=0) - middle).max() < factor
    assert len(where(picture[: TITLE_PX + cell], TRACK)) > len(
        where(picture[TITLE_PX + cell :], TRACK)
    )  # the second never moved


def test_a_missed_frame_has_no_ring() -> None:
    path = walk(2, 9, 40, 30)
    del path[4]
    picture = draw(positions(path), 90.0)
    cell = (picture.shape[1] - NAME_PX) // 8
    rings = where(picture[:, NAME_PX:], SPOT)[:, 1] // cell
    assert set(rings) == set(range(8)) - {2}


def test_the_stretch_in_which_most_are_seen() -> None:
    """From frame 8 to 15 three are seen throughout, elsewhere two or fewer."""
    tracks = positions(
        walk(0, 15, 10, 10), walk(8, 15, 40, 30), walk(8, 19, 60, 40), walk(0, 6, 60, 10)
    )
    picture = draw(tracks, 90.0, 100.0, 110.0, 120.0)
    cell = (picture.shape[1] - NAME_PX) // 8
    assert (picture.shape[0] - 2 * TITLE_PX) // cell == 3


@pytest.mark.parametrize("last", [3, 4, 10])
def test_short_tracks_and_the_edge(last: int) -> None:
    picture = draw(positions(walk(3, last, 0, 59)), 90.0)
    cell = (picture.shape[1] - NAME_PX) // min(last - 2, 8)
    assert cell == (picture.shape[0] - 2 * TITLE_PX)


def test_nothing_sized_is_no_strip() -> None:
    tracks = positions(walk(3, 9, 20, 20))
    assert draw_strip(film(tracks), tracks, sized(), PIXEL_UM) is None


def test_a_recording_has_its_strip() -> None:
    settings = evsize.Settings.model_validate(
        {"recording": {"frames": "0:40"}, "sizing": {"n_bootstrap": 0}}
    )
    result = evsize.analyze(ROOT / "sample_videos" / "beads_100nm.tif", settings)
    assert result.strip is not None
    assert result.strip.dtype == np.uint8
    assert len(where(result.strip, SPOT)) > 100

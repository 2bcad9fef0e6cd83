"""The stage as a whole: what comes out, whatever goes in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evsize.detection import ENGINES, detect
from evsize.errors import RecordingError
from evsize.physics import Conditions
from evsize.settings import DetectionSettings
from evsize.tables import DETECTIONS, FRAMES, Flag
from tests.detection.drawing import Film, add_spots, draw_film, flux_for_snr, match

NANOSIGHT = Conditions(0.166, 1 / 25, 0.5, 22.0, 0.955)


def settings(engine: str, **values: object) -> DetectionSettings:
    return DetectionSettings.model_validate({"engine": engine, **values})


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_spots_are_found_where_they_were_drawn(engine: str) -> None:
    film, truth = draw_film(np.random.default_rng(1), 24, (160, 224), snr=15)
    result = detect(film, settings(engine), conditions=NANOSIGHT)
    assert list(result.table.columns) == DETECTIONS.names
    assert list(result.frames.columns) == FRAMES.names
    strong = result.table[(result.table["flags"] & int(Flag.WEAK)) == 0]
    n_found = 0
    for frame, xy in enumerate(truth):
        rows = strong[strong["frame"] == frame]
        found, _ = match(rows[["x_px", "y_px"]].to_numpy(), xy, 1.5)
        n_found += len(found)
    n_true = sum(len(xy) for xy in truth)
    assert n_found >= 0.99 * n_true
    assert len(strong) - n_found <= 24
    assert result.choices["polarity"].value == "bright"
    assert result.choices["spot_sd_px"].value == pytest.approx(np.hypot(1.5, 12**-0.5), rel=0.1)
    assert all(value.source for value in result.choices.values())
    assert result.frames["t_s"].iloc[5] == pytest.approx(0.2)
    assert np.array_equal(result.preview, film[12])


def test_dark_spots_are_recognised(engine: str) -> None:
    film, truth = draw_film(np.random.default_rng(2), 24, (160, 224), snr=15, level=120, sign=-1)
    result = detect(film, settings(engine), conditions=NANOSIGHT)
    assert result.choices["polarity"].value == "dark"
    rows = result.table[result.table["frame"] == 7]
    found, _ = match(rows[["x_px", "y_px"]].to_numpy(), truth[7], 1.5)
    assert len(found) >= len(truth[7]) - 1
    assert (rows["brightness"] > 0).mean() > 0.9


def test_a_blank_gives_next_to_nothing(engine: str) -> None:
    rng = np.random.default_rng(3)
    frames = np.clip(np.rint(rng.normal(20, 2.5, (40, 240, 320))), 0, 255).astype(np.uint8)
    result = detect(Film(frames), settings(engine), conditions=NANOSIGHT)
    strong = (result.table["flags"] & int(Flag.WEAK)) == 0
    assert strong.sum() / 40 < 1.5
    assert result.frames["false_detections"].mean() < 1.5
    assert result.frames["noise"].median() == pytest.approx(2.5, rel=0.05)
    assert result.frames["background"].median() == pytest.approx(20, abs=0.2)


def test_nothing_found_is_an_empty_table_with_every_column(engine: str) -> None:
    frames = np.full((5, 64, 64), 7, np.uint8)
    result = detect(Film(frames), settings(engine))
    assert list(result.table.columns) == DETECTIONS.names
    assert len(result.table) == 0
    assert list(result.frames["detections"]) == [0] * 5
    assert "fewer than" in result.choices["background"].source
    duplicate = (result.frames["flags"] & int(Flag.DUPLICATE_FRAME)) != 0
    assert list(duplicate) == [False, True, True, True, True]
    assert result.frames["t_s"].isna().all()


def test_a_recording_without_frames_is_refused() -> None:
    with pytest.raises(RecordingError, match="without frames"):
        detect(Film(np.empty((0, 64, 64), np.uint8)))


def test_edge_saturated_and_crowded_spots_are_marked(engine: str) -> None:
    rng = np.random.default_rng(4)
    frames = np.empty((3, 128, 128), np.uint8)
    flux = flux_for_snr(25, 1.5, 3)
    xy = np.array([[2.0, 60.0], [40.0, 30.0], [60.0, 100.0], [66.5, 100.0], [100.0, 60.0]])
    bright = np.array([1.0, 30.0, 1.0, 1.0, 1.0]) * flux
    for k in range(3):
        image = rng.normal(30, 3, (128, 128))
        add_spots(image, xy, 1.5, bright)
        frames[k] = np.clip(np.rint(image), 0, 255)
    result = detect(Film(frames), settings(engine, spot_sd_px=1.5), conditions=NANOSIGHT)
    rows = result.table[result.table["frame"] == 1].reset_index(drop=True)
    found, which = match(rows[["x_px", "y_px"]].to_numpy(), xy, 1.5)
    mask = int(Flag.EDGE | Flag.SATURATED | Flag.CROWDED)
    flags = {int(t): int(rows["flags"][f]) & mask for f, t in zip(found, which, strict=True)}
    expected = {0: Flag.EDGE, 1: Flag.SATURATED, 2: Flag.CROWDED, 3: Flag.CROWDED, 4: 0}
    if engine == "trackpy":  # a plain centre of mass lies between neighbours: one spot or two
        expected = {n: flag for n, flag in expected.items() if n in flags or n not in (2, 3)}
    assert flags == expected


def test_frames_are_not_changed_and_the_same_run_gives_the_same_table(engine: str) -> None:
    film, _ = draw_film(np.random.default_rng(5), 22, (96, 96), snr=10)
    before = film.frames.copy()
    film.frames.flags.writeable = False
    first = detect(film, settings(engine))
    second = detect(film, settings(engine))
    assert np.array_equal(before, film.frames)
    assert first.table.equals(second.table)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_the_scale_of_grey_levels_does_not_matter(engine: str, dtype: type) -> None:
    film, _ = draw_film(np.random.default_rng(6), 22, (96, 128), snr=12)
    scaled = Film((film.frames.astype(float) * 100).astype(dtype), 25500)
    # one width for both: the estimate may round to another window
    chosen = settings(engine).model_copy(update={"spot_sd_px": 1.5})
    plain, other = detect(film, chosen).table, detect(scaled, chosen).table
    # far above the thresholds, where rounding of the noise decides nothing
    strong = [t[t["snr"] > 7] for t in (plain, other)]
    assert len(strong[0]) == len(strong[1])
    assert strong[1]["brightness"].median() == pytest.approx(
        100 * strong[0]["brightness"].median(), rel=0.05
    )


def test_real_dark_spots_of_bulk_water(engine: str, shared_data: Path) -> None:
    from PIL import Image

    files = sorted((shared_data / "bulk_water").glob("*.png"))[::6]
    frames = np.stack([np.asarray(Image.open(f))[..., 0] for f in files])
    result = detect(
        Film(frames), settings(engine), conditions=Conditions(0.3509, 1 / 24, 1.0, 22.0, 0.955)
    )
    assert result.choices["polarity"].value == "dark"
    assert 450 < result.frames["detections"].median() < 750

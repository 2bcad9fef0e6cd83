"""Two spots in one are told from the smear of a moving particle."""

from __future__ import annotations

import numpy as np

from evsize.detection.plan import make_plan
from evsize.detection.spots import Spots
from evsize.detection.table import MERGED_SMEAR, mark_spots
from evsize.physics import Conditions
from evsize.settings import DetectionSettings
from evsize.tables import Flag
from tests.detection.drawing import draw_film

OPEN = Conditions(0.166, 1 / 25, 1.0, 22.0, 0.955)


def test_a_bright_spot_may_be_less_long_than_a_faint_one() -> None:
    film, _ = draw_film(np.random.default_rng(81), 20, (128, 160), snr=20, noise=3.0, level=40)
    plan = make_plan(film, DetectionSettings(), OPEN, 50.0)
    spot, smear = plan.parameters.spot_sd_px, plan.parameters.smear_sd_px
    snr = np.array([10.0, 25.0, 25.0, 2500.0, 2500.0])
    # 100 times the light: at least 100^(1/6) the diameter, 100^(1/12) = 0.68 of the smear
    middle = np.hypot(MERGED_SMEAR * smear * 0.75, spot)
    length = np.array([9.0, 0.8, 9.0, 0.65, 1.0]) * middle
    places = np.full(5, 60.0)
    spots = Spots(places, places, snr, snr, np.full(5, 0.1), length)
    frame = np.zeros((128, 160), np.uint8)
    merged = (mark_spots(spots, frame, plan, 255.0) & int(Flag.MERGED)) > 0
    assert merged.tolist() == [False, False, True, False, True]


def test_particles_that_smear_are_not_taken_for_two() -> None:
    """Of the random paths of one size, less than one in a thousand is longer than the limit."""
    rng = np.random.default_rng(82)
    path = np.cumsum(rng.normal(size=(20000, 60, 2)), axis=1)
    path -= path.mean(axis=1, keepdims=True)
    square = np.einsum("nki,nkj->nij", path, path) / 60
    long, short = np.linalg.eigvalsh(square).T[::-1]
    length = np.sqrt(long - short) / np.sqrt(square[:, 0, 0].mean())
    # 20 of 20,000, and 4 standard errors of that
    assert (length > MERGED_SMEAR).sum() < 20 + 4 * np.sqrt(20)

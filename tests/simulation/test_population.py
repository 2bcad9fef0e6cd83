"""Populations as text, and the numbers drawn from them."""

import numpy as np
import pytest

from evsize.errors import UsageError
from evsize.simulation import Component, nanosight, parse_population, population_text
from evsize.simulation.particles import Particles


def test_text_is_read_and_written_back():
    components = parse_population("100nm:200, 250 nm : 30,120nm~0.25:50")
    assert components == (
        Component(diameter_nm=100, number=200),
        Component(diameter_nm=250, number=30),
        Component(diameter_nm=120, number=50, sd_ln=0.25),
    )
    assert parse_population(population_text(components)) == components
    assert parse_population("") == ()


@pytest.mark.parametrize(
    "text", ["100", "100nm", "100nm:", "100um:3", "100nm:3,,", "1.2.3nm:4", "2nm:5", "100nm~9:5"]
)
def test_what_cannot_be_read_names_the_part_and_gives_an_example(text):
    with pytest.raises(UsageError, match="100nm:200,250nm:30") as raised:
        parse_population(text)
    assert text in str(raised.value)


def test_number_in_the_box_is_poisson():
    scene = nanosight("100nm:20", height_px=64, width_px=64, photons_at_100nm=1.0)
    boxes = [Particles(scene, np.random.default_rng(seed)) for seed in range(400)]
    numbers = np.array([len(box.diameter_nm) for box in boxes])
    mean = scene.concentration_per_ml * boxes[0].box.volume_ml
    # Standard errors of mean and variance of a Poisson number.
    assert abs(numbers.mean() - mean) < 4 * np.sqrt(mean / 400)
    assert abs(numbers.var(ddof=1) - mean) < 4 * np.sqrt((2 * mean**2 + mean) / 400)
    fixed = Particles(scene.changed(number_fluctuates=False), np.random.default_rng(0))
    assert len(fixed.diameter_nm) == round(mean)


def test_concentration_is_number_over_illuminated_volume():
    scene = nanosight("100nm:30,200nm:10", height_px=100, width_px=200, depth_um=12.0)
    volume_um3 = 100 * 200 * 0.166**2 * 12
    assert scene.concentration_per_ml == pytest.approx(40 / volume_um3 * 1e12)


def test_log_normal_component():
    n = 20000
    drawn = np.log(
        Component(diameter_nm=120, number=1, sd_ln=0.25).draw_nm(n, np.random.default_rng(1))
    )
    assert abs(drawn.mean() - np.log(120)) < 4 * 0.25 / np.sqrt(n)
    assert abs(drawn.std() - 0.25) < 4 * 0.25 / np.sqrt(2 * n)

"""The sample recordings that come with evsize."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from evsize.simulation import matched_filter_snr, population_text, simulate
from evsize.simulation.samples import SAMPLES, bead_scene, blank_scene, mixture_scene

FOLDER = Path(__file__).resolve().parents[2] / "sample_videos"


def test_samples_are_small():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 25e6


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_is_what_its_recipe_makes(name):
    sample = SAMPLES[name]
    with tifffile.TiffFile(FOLDER / f"{name}.tif") as tiff:
        assert tiff.series[0].shape == (sample.n_frames, 240, 320)
        first = np.stack([page.asarray() for page in tiff.pages[:3]])
    made = [frame for frame, _ in simulate(sample.scene(), 3, sample.seed).iter_frames()]
    # Other processors may round the last bit of an exponential differently.
    assert np.mean(first != np.stack(made)) < 1e-3
    truth = tomllib.loads((FOLDER / f"{name}.toml").read_text())["truth"]
    assert truth["population"] == population_text(sample.scene().population)
    assert truth["seed"] == sample.seed


def test_brightness_of_the_samples():
    assert matched_filter_snr(bead_scene(), 100) == pytest.approx(40)
    assert matched_filter_snr(mixture_scene(), 100) == pytest.approx(30)
    assert blank_scene().population == ()

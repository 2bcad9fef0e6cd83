"""Peaks that are no spots: where they are found, and how many are kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import maximum_filter

from evsize.detection import detect, faint
from evsize.detection.filtering import matched_filter
from evsize.detection.maxima import maxima_and_minima
from evsize.detection.spots import Filtered, Parameters, Spots
from evsize.detection.threshold import noise_density, noise_peaks_per_px
from evsize.physics import Conditions
from evsize.simulation import in_memory, nanosight
from evsize.tables import Flag
from evsize.tracking import link
from tests.detection.drawing import Film

SD = 2.0
NUMBERS = Parameters(1.5, 1.5, SD, 4.5, 4.0, 8, 5.0, 1.9, 7.0, 1.0, (1.0, 1.0))


def filtered(image: np.ndarray) -> Filtered:
    """A filtered frame with its maxima above 2."""
    return Filtered(image, maxima_and_minima(image, 2.0, 9.0, 20000)[0])


def filtered_spot(x: float, y: float, snr: float) -> Filtered:
    """A frame behind the filter that shows one spot of the filter's width."""
    rows, cols = np.mgrid[:48, :64]
    image = np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / (4 * SD**2))
    return filtered((snr * image).astype(np.float32))


def test_a_faint_peak_is_where_the_spot_is() -> None:
    found = faint.find_faint(filtered_spot(30.3, 20.8, 3.5), (2.2, 4.0), Spots.none(), 8)
    # a parabola through a Gaussian of 2.8 px errs by less than 0.02 px
    assert found.x_px == pytest.approx([30.3], abs=0.02)
    assert found.y_px == pytest.approx([20.8], abs=0.02)
    assert found.snr == pytest.approx([3.5], rel=0.02)


def test_what_is_a_spot_or_its_flank_is_left_out() -> None:
    image = filtered_spot(30.0, 20.0, 3.5)
    assert not len(faint.find_faint(image, (2.2, 3.0), Spots.none(), 8).snr)
    one = np.ones(1)
    near = Spots(27.0 * one, 25.0 * one, 6.0 * one, one, one, one)
    assert not len(faint.find_faint(image, (2.2, 4.0), near, 8).snr)
    assert len(faint.find_faint(image, (2.2, 4.0), near, 4).snr) == 1


def test_maxima_and_minima_are_the_highest_and_the_lowest_of_their_neighbours() -> None:
    noise = np.random.default_rng(4).normal(0, 1, (150, 201)).astype(np.float32)
    image = matched_filter(noise, SD)
    high, low = maxima_and_minima(image, 1.5, 2.0, 5000)
    assert len(high[0]) > len(low[0]) > 20
    for found, upright, threshold in ((high, image, 1.5), (low, -image, 2.0)):
        top = (upright == maximum_filter(upright, 3)) & (upright > threshold)
        assert np.array_equal(found, np.nonzero(top))
    (rows, _), none = maxima_and_minima(image, 1.5, np.inf, 10)
    assert np.array_equal(rows, high[0][:10])
    assert not len(none[0])


def test_density_is_the_slope_of_the_number_of_noise_peaks() -> None:
    for snr in (2.5, 3.0, 4.0):
        h = 1e-4
        slope = noise_peaks_per_px(snr - h, SD) - noise_peaks_per_px(snr + h, SD)
        at = noise_density(np.array([snr], np.float32), SD)[0]
        assert at == pytest.approx(slope / (2 * h), rel=1e-5)


def test_noise_has_as_many_peaks_as_stated() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, (1000, 1000)).astype(np.float32)
    found = faint.find_faint(filtered(matched_filter(noise, SD)), (2.8, 9.0), Spots.none(), 8)
    expected = 1e6 * noise_peaks_per_px(2.8, SD)
    # Poisson noise, and 3 % for a filter that ends at 2.2 deviations
    assert len(found.snr) == pytest.approx(expected, abs=4 * math.sqrt(expected) + 0.03 * expected)


def test_the_number_kept_is_bounded() -> None:
    assert faint.lowest_snr(640 * 480, 1000, NUMBERS) == pytest.approx(faint.LOWEST_SNR)
    for n_px, n_frames in ((4_000_000, 1000), (640 * 480, 100_000)):
        lowest = faint.lowest_snr(n_px, n_frames, NUMBERS)
        kept = n_px * noise_peaks_per_px(lowest, SD)
        assert kept <= 1.001 * faint.MOST_A_FRAME
        assert kept * n_frames <= 1.001 * faint.MOST_PEAKS


def test_nothing_is_kept_where_particles_hardly_smear() -> None:
    still = NUMBERS._replace(smear_sd_px=0.4 * NUMBERS.spot_sd_px)
    assert faint.lowest_snr(640 * 480, 1000, still) == math.inf
    image = filtered_spot(30.0, 20.0, 3.5)
    assert not len(faint.find_faint(image, (math.inf, 4.0), Spots.none(), 8).snr)


def test_filled_positions_are_marked_and_counted() -> None:
    scene = nanosight("80nm:25", height_px=240, width_px=320, exposure_ms=30.0)
    frames, _ = in_memory(scene, 120, 17)
    where: Conditions = scene.conditions
    found, again = (detect(Film(frames), conditions=where, jobs=jobs) for jobs in (1, 2))
    assert found.faint is not None
    assert again.faint is not None
    assert np.array_equal(found.faint.x_px, again.faint.x_px)
    tracks = link(found, where)
    table = tracks.table
    filled = (table["flags"].to_numpy() & int(Flag.FILLED)) > 0
    assert 0 < filled.mean() < 0.2
    assert tracks.diagnostics["filled_share"] == pytest.approx(filled.mean())
    assert (table["snr"][filled] < found.choices["weak_threshold_snr"].value).all()
    # inside tracks only
    same = np.diff(table["track_id"]) == 0
    assert same[:-1][filled[1:-1]].all()
    assert same[1:][filled[1:-1]].all()
    assert not filled[[0, -1]].any()

"""Particles laid on frames: their light, their paths, and finding them again."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness import injection, recovery
from evsize.completeness.optics import Optics

OPTICS = Optics(depth_um=10.0, focus_px2=3.0, widening_px2_um2=0.9, filter_sd_px=2.0, noise=1.0)
STAGE = injection.Stage((16.0, 12.0), 3.0, 0.1, 0.04, 0.02)


def particles(n, d_um2_s=4.0, half_um=5.0, brightness=500.0, seed=0):
    rng = np.random.default_rng(seed)
    return injection.Particles(
        np.full(n, 100.0),
        np.full(n, brightness),
        np.full(n, d_um2_s),
        rng.random((n, 3)),
        np.full(n, half_um),
    )


def test_paths_diffuse_in_the_box_as_brownian_paths_do():
    flow = np.zeros((60, 2))
    path = injection.move(particles(400), STAGE, flow, 4, np.random.default_rng(1))
    mean = path.mean(axis=2)
    assert np.abs(mean[..., 2]).max() <= 5.0 + 1e-9
    # steps of exposure averages: 2 D dt (1 - 2R) with R = (open/dt)/6 (Berglund 2010)
    step = np.diff(mean[..., :2], axis=0)
    step = step[np.all(np.abs(step) < 6, axis=-1)]  # wrapped around the box
    expected = 2 * 4.0 * 0.04 * (1 - 2 * 0.5 / 6)
    assert step.var() == pytest.approx(expected, rel=4 * np.sqrt(2 / step.size) + 0.01)
    # depths stay uniform between the reflecting walls
    assert mean[-1, :, 2].var() == pytest.approx(100 / 12, rel=4 * 0.9 / np.sqrt(400))


def test_flow_carries_particles():
    still = particles(5, d_um2_s=1e-9)
    path = injection.move(still, STAGE, np.full((10, 2), 0.05), 4, np.random.default_rng(1))
    step = np.diff(path.mean(axis=2)[..., :2], axis=0)
    assert np.allclose(step, 0.05, atol=1e-3)


@pytest.mark.parametrize(("sign", "dtype"), [(1, np.uint8), (-1, np.uint8), (1, np.float32)])
def test_light_is_added_to_a_copy_within_the_range_of_the_camera(sign, dtype):
    frame = np.full((120, 160), 100, dtype)
    camera = injection.Camera(sign, 1e9, 255.0)
    made = injection.Particles(
        np.array([100.0, 300.0]),
        np.array([900.0, 60000.0]),
        np.array([1e-9, 1e-9]),
        np.array([[0.3, 0.5, 0.5], [0.7, 0.5, 0.5]]),
        np.array([1.0, 1.0]),
    )
    path = injection.move(made, STAGE, np.zeros((1, 2)), 4, np.random.default_rng(0))[0]
    laid = injection.lay_on(frame, path, made, OPTICS, STAGE, camera, np.random.default_rng(1))
    assert laid.dtype == dtype
    assert np.all(frame == 100)
    difference = sign * (laid.astype(float) - 100)
    faint = difference[:, :80].sum()
    # rounding to whole levels: half a level on some 150 pixels, without bias
    assert faint == pytest.approx(900.0, abs=60 if dtype == np.uint8 else 1)
    if dtype == np.uint8:
        assert laid.max() == (255 if sign > 0 else 100)
        assert laid.min() == (100 if sign > 0 else 0)


def test_faint_skirts_survive_the_rounding_to_whole_levels():
    frame = np.full((240, 320), 20, np.uint8)
    camera = injection.Camera(1, 1e9, 255.0)
    # three um out of focus: a spot 3.3 px wide, nowhere above 0.5 of a level
    one = injection.Particles(
        np.array([100.0]), np.array([60.0]), np.array([1e-9]), np.full((1, 3), 0.5), np.array([3.0])
    )
    path = np.full((1, 1, 3), [16.0, 12.0, 3.0])
    rng = np.random.default_rng(3)
    added = [
        injection.lay_on(frame, path, one, OPTICS, STAGE, camera, rng).astype(float).sum()
        - frame.sum(dtype=float)
        for _ in range(200)
    ]
    light = 60.0 * np.exp(OPTICS.log_light(np.array(3.0)))
    assert light / (2 * np.pi * OPTICS.variance_px2(np.array(3.0))) < 0.5
    # each level is rounded by chance, with a variance of at most its fraction: four errors
    assert np.mean(added) == pytest.approx(light, abs=4 * np.sqrt(light / 200) + 0.01 * light)


def test_light_to_work_in_is_used_up():
    light = np.zeros((120, 160))
    frame = np.full((120, 160), 50, np.uint8)
    many = particles(40, half_um=8.0)
    path = injection.move(many, STAGE, np.zeros((3, 2)), 4, np.random.default_rng(1))
    camera = injection.Camera(1, 3.0, 255.0)
    for k in range(3):
        given, fresh = (
            injection.lay_on(
                frame, path[k], many, OPTICS, STAGE, camera, np.random.default_rng(k), where
            )
            for where in (light, None)
        )
        assert np.array_equal(given, fresh)
        assert np.any(given != frame)
        assert not light.any()


def test_recovery_is_one_to_one_and_leaves_the_film_its_own():
    injected = np.array([[[10.0, 10.0], [50.0, 50.0]], [[11.0, 10.0], [80.0, 80.0]]])
    frame = np.array([0, 0, 0, 1, 1])
    spots = np.array([[10.2, 10.1], [10.9, 10.1], [53.9, 50.0], [11.1, 10.0], [80.1, 80.0]])
    before_frame, before = np.array([0, 1]), np.array([[54.0, 50.0], [80.05, 80.02]])
    owner = recovery.match(frame, spots, injected, before_frame, before, np.array([5.0, 5.0]))
    assert owner.tolist() == [0, -1, -1, 0, -1]
    assert (
        len(recovery.match(frame[:0], spots[:0], injected, before_frame, before, np.ones(2))) == 0
    )


def test_depth_seen_falls_with_brightness_and_smear():
    light, smear = np.array([5.0, 50.0, 500.0]), np.zeros(3)
    reach = OPTICS.visible_to_um(light, smear, 4.5)
    # the faintest is below the threshold even in focus
    assert reach[0] == 0
    assert np.all(np.diff(reach) > 0)
    assert np.all(OPTICS.visible_to_um(light, smear + 5, 4.5) <= reach)
    assert OPTICS.snr(reach[2:], light[2:], smear[2:])[0] == pytest.approx(4.5, rel=0.1)

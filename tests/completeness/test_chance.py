"""The depth of view from particles whose chance of being followed is known."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness import chance
from evsize.completeness.optics import Optics
from evsize.completeness.plan import SEEN_SHARE, smear_px2
from evsize.physics import Conditions

OPTICS = Optics(depth_um=10.0, focus_px2=3.0, widening_px2_um2=0.9, filter_sd_px=2.0, noise=1.0)
WATER = Conditions(0.166, 0.04, 0.5, 22.0, 0.95)
THRESHOLD = 4.5
SIZES = np.array([90.0, 110.0, 150.0, 200.0, 300.0])
N, FRAMES = 300, 48


def log_light(diameter_nm):
    return np.log(140.0) + 6 * np.log(diameter_nm / 100)


def true_chance(z_um, diameter_nm, log_brightness):
    """Steep in the SNR; bright ones are lost now and then, spots far from focus more often."""
    snr = OPTICS.snr(z_um, np.exp(log_brightness), smear_px2(diameter_nm, WATER))
    seen = 1 / (1 + np.exp(-6 * np.log(snr / 6.0))) * (snr > SEEN_SHARE * THRESHOLD)
    return 0.95 * seen * np.exp(-0.01 * np.abs(z_um)) * (diameter_nm / 100) ** -0.1


def true_depth(diameter_nm):
    z = np.linspace(0, 15, 2001)
    return 2 * np.trapezoid(true_chance(z, diameter_nm, log_light(diameter_nm)), z)


def injected(rng, scatter=0.0):
    """Particles that diffuse in depth, some of whose frames are followed."""
    diameter = np.exp(rng.uniform(np.log(60), np.log(400), N))
    brightness = np.exp(log_light(diameter) + scatter * rng.standard_normal(N))
    step = np.sqrt(2 * 440.0 / diameter * 0.04)
    z = rng.uniform(-9, 9, N) + np.cumsum(step * rng.standard_normal((FRAMES, N)), axis=0)
    p = true_chance(z, np.broadcast_to(diameter, z.shape), np.log(brightness))
    particle = np.broadcast_to(np.arange(N), z.shape)
    looks = chance.Looks(particle.ravel(), z.ravel(), (rng.random(z.shape) < p).ravel())
    return looks, diameter, brightness


def test_depth_is_found_within_its_own_error():
    truth = np.log([true_depth(np.array(d)) for d in SIZES])
    off, errors = [], []
    for seed in range(8):
        fitted = chance.fit(*injected(np.random.default_rng(seed)), OPTICS, WATER, THRESHOLD)
        found, error = fitted.log_depth(SIZES, log_light(SIZES), 0.0)
        spread = np.sqrt((error**2).sum(axis=1))
        off.append(found - truth)
        errors.append(spread)
    # 14,400 frames, half of them out of view, over five sizes or so: each known to 2 or 3 %
    assert np.all(np.mean(errors, axis=0) < 0.04)
    # the splines round off the bend of the curve, 1 or 2 % of the depth; beside that three errors
    # of the mean of eight seeds
    off, spread = np.array(off), np.array(errors)
    assert np.all(np.abs(off.mean(axis=0)) < 0.02 + 3 * spread.mean(axis=0) / np.sqrt(8))
    # and the spread over the seeds is what is said, 40 values telling it to 11 %
    assert 0.4 < np.std(off - off.mean(axis=0)) / np.sqrt(np.mean(spread**2)) < 1.4


def test_scatter_of_the_brightness_is_averaged_over():
    fitted = chance.fit(*injected(np.random.default_rng(1)), OPTICS, WATER, THRESHOLD)
    size = np.array([85.0])
    light = log_light(size)
    alike, _ = fitted.log_depth(size, light, 0.0)
    scattered, _ = fitted.log_depth(size, light, 0.5)
    draws = light + 0.5 * np.random.default_rng(0).standard_normal(2000)
    each, _ = fitted.log_depth(np.full(2000, 85.0), draws, 0.0)
    # near the limit the depth bends upwards: five nodes against 2,000 draws, known to 2 %
    assert scattered[0] > alike[0]
    assert np.exp(scattered[0]) == pytest.approx(np.exp(each).mean(), rel=0.1)


def test_frames_that_repeat_each_other_tell_less():
    looks, diameter, brightness = injected(np.random.default_rng(2))
    # each particle followed in all of its frames or in none, as its first one says
    first = looks.followed[:N]
    alike = chance.Looks(looks.particle, np.tile(looks.z_um[:N], FRAMES), np.tile(first, FRAMES))
    apart = chance.fit(looks, diameter, brightness, OPTICS, WATER, THRESHOLD)
    same = chance.fit(alike, diameter, brightness, OPTICS, WATER, THRESHOLD)
    # FRAMES copies of one look are one look
    assert same.design_effect == pytest.approx(FRAMES, rel=0.3)
    assert apart.design_effect < 3


def test_nothing_followed_anywhere_is_a_depth_near_zero():
    looks, diameter, brightness = injected(np.random.default_rng(3))
    nothing = looks._replace(followed=np.zeros(len(looks.particle), bool))
    fitted = chance.fit(nothing, diameter, brightness, OPTICS, WATER, THRESHOLD)
    found, _ = fitted.log_depth(SIZES, log_light(SIZES), 0.0)
    assert np.all(np.exp(found) < 0.1)

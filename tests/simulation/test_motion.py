"""Paths against the theory of Brownian motion seen through a shutter."""

import numpy as np
import pytest
from scipy import stats

from evsize.errors import UsageError
from evsize.simulation import nanosight, simulate_tracks
from evsize.simulation.particles import Particles, flow_displacement_um


def seen_positions(scene, n_frames, seed):
    """Exposure-averaged positions (frames, particles, 3) of the particles first in the view.

    The choice depends on the first position alone, and the margin keeps them from the sides: no
    bias.
    """
    particles = Particles(scene, np.random.default_rng(seed))
    start = particles._xy_um
    size_um = np.array([scene.width_px, scene.height_px]) * scene.pixel_size_um
    chosen = np.all((start > 0) & (start < size_um), axis=1)
    seen = []
    for frame in range(n_frames):
        seen.append(particles.expose(frame / scene.frame_rate_hz).xyz_um.mean(axis=1)[chosen])
        particles.settle()
    assert np.all(np.isfinite(seen))
    return np.array(seen), chosen


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("substeps", [2, 8])
def test_steps_of_exposure_averaged_positions(fraction, substeps):
    # Berglund 2010: <dx^2> = 2 D dt (1 - 2R), <dx_n dx_n+1> = 2 D dt R, for any number of parts.
    scene = nanosight(
        "100nm:4000", exposure_ms=40 * fraction, substeps=substeps, photons_at_100nm=1.0
    )
    positions, _ = seen_positions(scene, 3, 5)
    steps = np.diff(positions[:, :, :2], axis=0).reshape(2, -1)
    one = 2 * scene.conditions.diffusion_um2_s(100) / 25
    blur = fraction / 6
    n = steps.shape[1]
    variance, covariance = one * (1 - 2 * blur), one * blur
    for axis_steps in steps:
        assert abs(np.mean(axis_steps**2) / variance - 1) < 4 * np.sqrt(2 / n)
    error = np.sqrt((variance**2 + covariance**2) / n)
    assert abs(np.mean(steps[0] * steps[1]) - covariance) < 4 * error


def test_mean_squared_displacement_grows_as_two_d_t():
    scene = nanosight("300nm:2000", exposure_ms=0, photons_at_100nm=1.0)
    positions, _ = seen_positions(scene, 6, 2)
    d_um2_s = scene.conditions.diffusion_um2_s(300)
    for lag in range(1, 6):
        moved = (positions[lag] - positions[0])[:, :2].ravel()
        chi2 = np.sum(moved**2) / (2 * d_um2_s * lag / 25)
        assert 1e-4 < stats.chi2.cdf(chi2, moved.size) < 1 - 1e-4


def test_z_stays_uniform_between_its_walls():
    scene = nanosight("60nm:700", depth_um=2.0, substeps=2, photons_at_100nm=1.0)
    particles = Particles(scene, np.random.default_rng(3))
    for frame in range(60):  # several times the time to diffuse through the box
        paths = particles.expose(frame / 25)
        particles.settle()
    half = particles.box.half_height_um
    z_um = paths.xyz_um[:, 0, 2]
    assert np.all(np.abs(z_um) <= half)
    assert stats.kstest(z_um, "uniform", (-half, 2 * half)).pvalue > 1e-4


def test_density_stays_uniform_under_flow():
    scene = nanosight("100nm:600", flow_um_s=(80.0, 0.0), photons_at_100nm=1.0, substeps=1)
    particles = Particles(scene, np.random.default_rng(4))
    box = particles.box
    for frame in range(45):  # once round
        particles.expose(frame / 25)
        particles.settle()
        if frame in (20, 44):
            place = (particles._xy_um + box.margin_um) / box.length_um
            assert stats.kstest(place[:, 0], "uniform").pvalue > 1e-4
            assert stats.kstest(place[:, 1], "uniform").pvalue > 1e-4
    assert np.all(particles.identity == -1)


def test_flow_moves_all_alike():
    still = nanosight("400nm:300", photons_at_100nm=1.0)
    moving = still.changed(flow_um_s=(16.0, -5.0), pulse_um_s=(4.0, 0.0), pulse_hz=2.0)
    positions, chosen = seen_positions(moving, 2, 6)
    step = (positions[1] - positions[0])[:, :2]
    # A sinusoidal pulse from rest: the mean over the shutter of its integral (trapezoids).
    fine_s = np.linspace(0, 0.02, 2001)
    expected = (
        flow_displacement_um(moving, fine_s + 0.04) - flow_displacement_um(moving, fine_s)
    ).mean(axis=0)
    sd = np.sqrt(2 * still.conditions.diffusion_um2_s(400) / 25)
    assert np.all(np.abs(step.mean(axis=0) - expected) < 4 * sd / np.sqrt(chosen.sum()))
    assert expected[1] == pytest.approx(-5 * 0.04)
    speed = 16 + 4 * np.sin(4 * np.pi * fine_s)
    assert flow_displacement_um(moving, fine_s[-1:])[0, 0] == pytest.approx(
        np.trapezoid(speed, fine_s), rel=1e-6
    )


def test_jump_and_box():
    scene = nanosight("100nm:50", photons_at_100nm=1.0)
    particles = Particles(scene, np.random.default_rng(0))
    before = particles._xy_um.copy()
    particles.identity[:] = 7
    particles.shift(1.0, 0.0)
    stayed = particles.identity == 7
    assert np.allclose((particles._xy_um - before)[stayed], (1.0, 0.0))
    assert 0 < np.sum(~stayed) < 20


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_tracks_alone(fraction):
    d_um2_s, noise_um, n_tracks = 4.0, 0.1, 4000
    tracks = simulate_tracks(
        d_um2_s, 6, 0.04, fraction, noise_um, np.random.default_rng(8), n_tracks=n_tracks
    )
    assert tracks.shape == (n_tracks, 6, 2)
    steps = np.diff(tracks, axis=1)
    one, blur = 2 * d_um2_s * 0.04, fraction / 6
    variance = one * (1 - 2 * blur) + 2 * noise_um**2
    covariance = one * blur - noise_um**2
    correlation = covariance / variance
    n = steps.size
    spread = np.sqrt(2 * (1 + 2 * correlation**2) / n)
    assert abs(np.mean(steps**2) / variance - 1) < 4 * spread
    products = steps[:, 1:] * steps[:, :-1]
    error = variance * np.sqrt((1 + 4 * correlation**2) / products.size)
    assert abs(products.mean() - covariance) < 4 * error
    far = (steps[:, 2:] * steps[:, :-2]).ravel()
    assert abs(far.mean()) < 4 * variance * np.sqrt((1 + 2 * correlation**2) / far.size)


def test_tracks_of_many_sizes():
    d_um2_s = np.array([1.0, 4.0])
    tracks = simulate_tracks(d_um2_s, 20001, 0.04, 0.0, 0.0, np.random.default_rng(1))
    found = np.mean(np.diff(tracks, axis=1) ** 2, axis=(1, 2)) / 0.08
    assert np.all(np.abs(found / d_um2_s - 1) < 4 * np.sqrt(2 / 40000))
    with pytest.raises(UsageError):
        simulate_tracks(1.0, 5, 0.04, 1.5, 0.0, np.random.default_rng(1))

"""Frames that show a particle are those in which it moved little: the likelihood knows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from evsize.diffusion import estimate_diffusion, sight, tridiagonal
from evsize.results import Value
from evsize.settings import DiffusionSettings
from evsize.tables import Flag
from tests.theory.brownian import conditions, maximum, tracks_of

D, DT, NOISE_UM = 4.0, 0.04, 0.05
KNOWN = DiffusionSettings(loc_sd_nm=1e3 * NOISE_UM)
SPOT_SNR, FAINT_SNR = 4.0, 2.2


def choices_of(answer_sd_um, spot_snr=SPOT_SNR, faint_snr=FAINT_SNR):
    where = conditions(1.0)
    numbers = {
        "answer_sd_px": answer_sd_um / where.pixel_size_um,
        "spot_snr": spot_snr,
        "faint_snr": faint_snr,
    }
    return {name: Value(value=value, source="test") for name, value in numbers.items()}


def seen_particles(rng, exposure, snr_at_rest, answer_sd_um, n_tracks=2500, n_frames=16, fine=60):
    """Mean positions and SNRs of particles that smear; (tracks, frames, 2) and (tracks, frames).

    The SNR is that of the brightest of the points of a lattice about the mean position, on an
    image blurred by the way within the exposure, with unit noise.
    """
    step = rng.normal(0, np.sqrt(2 * D * DT / fine), (n_tracks, n_frames * fine, 2))
    way = np.cumsum(step, axis=1).reshape(n_tracks, n_frames, fine, 2)
    way = way[:, :, : round(exposure * fine)]
    mean = way.mean(axis=2)
    offset = np.linspace(-1.5, 1.5, 7) * answer_sd_um
    answer = np.zeros((n_tracks, n_frames))
    for x in offset:
        for y in offset:
            apart = way - mean[:, :, None] - np.array([x, y])
            square = np.square(apart).sum(axis=3) / answer_sd_um**2
            answer = np.maximum(answer, np.exp(-0.5 * square).mean(axis=2))
    xy = mean + rng.normal(0, NOISE_UM, mean.shape)
    return xy, snr_at_rest * answer + rng.standard_normal(answer.shape)


@pytest.mark.parametrize(("exposure", "answer_sd_um"), [(0.75, 0.45), (1.0, 0.45), (1.0, 0.6)])
def test_d_is_unbiased_where_smeared_frames_are_missed(exposure, answer_sd_um):
    """Tracks end at the first frame below the threshold, at an SNR at rest of 1.4 times it.

    What is left: the lattice finds the highest answer to within 3 % of its fall below 1, and
    3,000 drawn paths tell the moments to 1/sqrt(3000), both of a bias of about a tenth.
    """
    where = conditions(exposure)
    rng = np.random.default_rng(3)
    xy, snr = seen_particles(rng, exposure, 5.6, answer_sd_um)
    seen = np.cumprod(snr > SPOT_SNR, axis=1).astype(bool)
    seen[:, 0] &= seen[:, 1]  # a lone position has no step
    made = tracks_of(xy, seen=seen)
    made = replace(made, table=made.table.assign(snr=snr[seen].astype(np.float32)))
    grid = D * np.geomspace(0.4, 2.5, 801)
    best = {}
    for known in ({}, choices_of(answer_sd_um)):
        least = KNOWN.model_copy(update={"min_positions": 3})
        tracks = replace(made, choices=known, search_radius_um=np.inf)
        found = estimate_diffusion(tracks, where, least, d_um2_s=grid)
        best[bool(known)], error = maximum(found.log_likelihood.sum(axis=0), grid)
    lost = 1 - best[False] / D
    assert lost > 4 * error / D  # the test has teeth
    assert best[True] / D == pytest.approx(1, abs=4 * error / D + 0.1 * lost)


def test_bright_particles_and_short_exposures_are_left_as_they_are():
    rng = np.random.default_rng(4)
    grid = np.geomspace(0.1, 20, 30)
    xy, _ = seen_particles(rng, 1.0, 50.0, 0.45, n_tracks=20)
    for exposure, snr in ((1.0, 60.0), (0.0, 5.0)):
        made = tracks_of(xy)
        made = replace(made, table=made.table.assign(snr=np.float32(snr)))
        log_l = [
            estimate_diffusion(
                replace(made, choices=known), conditions(exposure), KNOWN, d_um2_s=grid
            ).log_likelihood
            for known in ({}, choices_of(0.45))
        ]
        assert log_l[1] == pytest.approx(log_l[0], abs=1e-3)


@given(st.floats(3.0, 5.0), st.floats(0.0, 2.0))
@settings(max_examples=10, deadline=None)
def test_all_ways_of_being_seen_together_tell_nothing(spot_snr, below):
    """Law of total expectation; ``RARE`` for each way is all that may be missing."""
    share, _, path = sight._draw(spot_snr, spot_snr - below)
    total = np.einsum("kws,kwms->kms", share, path)
    assert np.abs(share.sum(axis=1) - 1).max() < 1e-12
    assert np.abs(total).max() < 3 * sight.RARE * np.abs(path).max()
    # what is seen as a spot moved less than what is missed, the more so the longer it smears
    assert (path[1:, sight.SPOT] <= path[1:, sight.MISSED] + 1e-12).all()


def test_a_wide_smear_never_makes_small_particles_as_likely_as_any():
    """A spot bounds the way within its exposure: without more, D could be as large as it liked."""
    rng = np.random.default_rng(5)
    xy, snr = seen_particles(rng, 1.0, 6.0, 0.45, n_tracks=300, n_frames=8)
    made = tracks_of(xy)
    made = replace(made, table=made.table.assign(snr=np.maximum(snr, 4.01).ravel()))
    grid = D * np.geomspace(1, 40, 30)
    tracks = replace(made, choices=choices_of(0.45))
    log_l = estimate_diffusion(tracks, conditions(1.0), KNOWN, d_um2_s=grid).log_likelihood
    assert (np.diff(log_l.sum(axis=0)[8:]) < 0).all()
    assert np.median(log_l[:, -1] - log_l.max(axis=1)) < -8


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_the_likelihood_is_that_of_the_covariance_written_out(seed):
    rng = np.random.default_rng(seed)
    n, blur, d = 6, rng.uniform(0, 1 / 6), np.array([0.5, 3.0])
    span = rng.integers(1, 4, n - 1)
    variance = rng.uniform(0.001, 0.01, n)
    step = rng.normal(0, 0.5, (n - 1, 2))
    paths = sight.Moments(
        rng.uniform(-0.3, 0.3, (2, 3, 2)),
        rng.uniform(-0.5, 0.3, (2, 3, 2)),
        rng.uniform(0, 1, (3, 2)),
        rng.integers(0, 3, n),
        rng.integers(0, 2, n),
    )
    start = np.array([0, n])
    found = tridiagonal.log_likelihood(step, span, start, variance, d, DT, blur, paths)[0]
    for k in range(2):
        h = paths.half[paths.way, paths.strength, k]
        c = paths.halves[paths.way, paths.strength, k]
        u = paths.missed[paths.strength[:-1], k]
        # two ends of (1/3) of the exposure 6 R, whole exposures missed, and the time in between
        frames = 2 * blur * (2 + h[:-1] + h[1:]) + (1 - 6 * blur) * span
        frames = frames + 6 * blur * (span - 1) * (1 + u)
        matrix = np.diag(2 * d[k] * DT * frames + variance[:-1] + variance[1:])
        beside = 2 * d[k] * DT * blur * (1 + c[1:-1]) - variance[1:-1]
        matrix += np.diag(beside, 1) + np.diag(beside, -1)
        expected = multivariate_normal(cov=matrix).logpdf(step.T).sum()
        assert found[k] == pytest.approx(expected)


def test_a_step_in_doubt_cuts_the_likelihood_in_two():
    rng = np.random.default_rng(6)
    xy, _ = seen_particles(rng, 1.0, 50.0, 0.45, n_tracks=1, n_frames=12)
    grid = np.geomspace(1, 20, 9)
    made = tracks_of(xy)
    flags = made.table["flags"].to_numpy().copy()
    flags[6] |= Flag.UNSURE
    marked = replace(made, table=made.table.assign(flags=flags))
    cut = replace(made, table=made.table.assign(track_id=[0] * 6 + [1] * 6))
    log_l = [
        estimate_diffusion(tracks, conditions(1.0), KNOWN, d_um2_s=grid).log_likelihood.sum(axis=0)
        for tracks in (marked, cut, made)
    ]
    assert log_l[0] == pytest.approx(log_l[1])
    assert np.abs(log_l[2] - log_l[1]).max() > 0.1

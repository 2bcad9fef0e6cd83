"""Steps that change from frame to frame: nothing for Brownian motion, found where planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evsize.diffusion import segments
from evsize.simulation import simulate_tracks


def steps_of(xy):
    n_tracks, n_positions = xy.shape[:2]
    track, frame = np.divmod(np.arange(n_tracks * n_positions), n_positions)
    return segments.cut(track, frame, xy.reshape(-1, 2))


def brownian(seed):
    rng = np.random.default_rng(seed)
    return simulate_tracks(4.0, 121, 0.04, 0.5, 0.05, rng, n_tracks=50)


def test_even_frames_vary_by_no_more_than_chance():
    # z is standard normal: its mean over 40 films is known to 1/sqrt(40)
    z = [segments.frame_variation(steps_of(brownian(seed)))[1] for seed in range(40)]
    assert abs(np.mean(z)) < 4 / np.sqrt(40)
    # and its spread to 1/sqrt(80); mean squares of 50 plane steps are skewed a little
    assert np.std(z) == pytest.approx(1, abs=4 / np.sqrt(80))


def test_every_twelfth_frame_jumping_is_found_with_its_period():
    steps = np.diff(brownian(1), axis=1, prepend=0.0)
    steps[:, ::12] *= 1.5
    variation, z, period = segments.frame_variation(steps_of(np.cumsum(steps, axis=1)))
    # every twelfth step has 2.25 times the mean square
    rows = np.where(np.arange(120) % 12 == 11, 2.25, 1.0)
    assert variation == pytest.approx(rows.std() / rows.mean(), rel=0.2)
    assert z > 5
    assert period % 12 == 0


def test_too_little_to_tell():
    few = segments.frame_variation(steps_of(brownian(1)[:1]))
    assert np.isnan(few).all()


def test_the_number_of_the_first_frame_does_not_matter():
    # a period of 15 frames, of which 30 steps show two: too few to call it one
    steps = np.diff(brownian(1)[:, :31], axis=1, prepend=0.0)
    steps[:, ::15] *= 2
    early = steps_of(np.cumsum(steps, axis=1))
    late = replace(early, frame=early.frame + 5000)
    assert segments.frame_variation(late) == pytest.approx(
        segments.frame_variation(early), nan_ok=True
    )

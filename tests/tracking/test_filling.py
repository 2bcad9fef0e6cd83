"""Gaps filled with faint peaks: the right ones, and without a bias of their own."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.tracking import filling, unseen

STEP_UM, PIXEL_UM, FILTER_PX = 0.6, 0.166, 2.3
LOWEST, HIGHEST = 2.2, 4.1
ERROR_UM = 0.2


def noise_density(snr: np.ndarray) -> np.ndarray:
    """Peaks of filtered noise a um^2 and unit of SNR (Adler 1981, section 6.3)."""
    width = FILTER_PX * PIXEL_UM
    return (snr**2 - 1) * np.exp(-(snr**2) / 2) / (2 * width**2) / (2 * np.pi) ** 1.5


def peaks_of(frames: list[np.ndarray]) -> filling.Peaks:
    """Peaks (x, y, SNR) of each frame, in order of y."""
    frames = [f[np.argsort(f[:, 1])] for f in frames]
    start = np.concatenate([[0], np.cumsum([len(f) for f in frames])])
    table = np.concatenate(frames)
    return filling.Peaks(
        start.astype(np.int64),
        np.ascontiguousarray(table[:, :2]),
        np.ascontiguousarray(table[:, 2]),
        np.log(noise_density(table[:, 2])),
        np.full(len(table), ERROR_UM**2),
        LOWEST,
        HIGHEST,
        PIXEL_UM,
    )


def one_gap(missed: int, after: tuple[float, float], snr: float = 4.0) -> filling.Gaps:
    """A gap behind frame 0 and the origin, without flow."""
    spans = np.arange(1, filling.LONGEST + 2)
    return filling.Gaps(
        np.array([0]),
        np.array([missed]),
        np.zeros((1, 2)),
        np.array([after]),
        np.zeros((1, filling.LONGEST + 1, 2)),
        STEP_UM**2 * spans[None, :].astype(float),
        np.array([snr]),
        np.array([1.5]),
    )


EMPTY = np.zeros((0, 3))


def test_the_peak_on_the_way_is_taken() -> None:
    frames = [EMPTY, np.array([[5.0, -5.0, 3.9], [0.5, 0.1, 3.4]]), EMPTY, EMPTY]
    assert filling.fill(one_gap(1, (1.0, 0.0)), peaks_of(frames)).tolist() == [[1, -1]]


def test_two_missed_frames_are_filled_together() -> None:
    first = np.array([[0.4, 0.0, 3.5], [-0.8, 0.9, 3.4]])
    second = np.array([[0.9, 0.1, 3.5]])
    frames = [EMPTY, first, second, EMPTY]
    assert filling.fill(one_gap(2, (1.2, 0.0)), peaks_of(frames)).tolist() == [[0, 2]]
    frames = [EMPTY, EMPTY, second, EMPTY]
    assert filling.fill(one_gap(2, (1.2, 0.0)), peaks_of(frames)).tolist() == [[-1, 0]]


def test_without_a_peak_near_by_the_gap_stays() -> None:
    frames = [EMPTY, np.array([[9.0, 0.0, 4.0]]), EMPTY, EMPTY]
    assert filling.fill(one_gap(1, (1.0, 0.0)), peaks_of(frames)).tolist() == [[-1, -1]]


def test_a_bright_particle_does_not_become_a_faint_peak() -> None:
    frames = [EMPTY, np.array([[0.5, 0.0, 2.5]]), EMPTY, EMPTY]
    gap = one_gap(1, (1.0, 0.0), snr=30.0)
    assert filling.fill(gap, peaks_of(frames)).tolist() == [[-1, -1]]


def test_peaks_go_with_the_flow() -> None:
    flow = np.array([[[3.0, 0.0], [6.0, 0.0], [9.0, 0.0]]])
    gap = one_gap(1, (7.0, 0.0))
    gap = filling.Gaps(gap.frame, gap.missed, gap.before_um, gap.after_um, flow, *_rest(gap))
    frames = [EMPTY, np.array([[0.5, 0.0, 3.4], [3.5, 0.0, 3.4]]), EMPTY, EMPTY]
    assert filling.fill(gap, peaks_of(frames)).tolist() == [[1, -1]]


def _rest(gap: filling.Gaps) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return gap.step_um2, gap.snr, gap.snr_sd


@pytest.mark.parametrize("missed", [1, 2])
def test_filled_positions_do_not_change_d(missed: int) -> None:
    """Frames lost by chance, filled among noise peaks, carry the D of the walk.

    Taking noise for the particle raises D, taking what is nearest to the way lowers it.
    """
    rng = np.random.default_rng(missed)
    n, length = 4000, missed + 5
    steps = rng.normal(0, STEP_UM, (n, length - 1, 2))
    path = np.concatenate([np.zeros((n, 1, 2)), np.cumsum(steps, axis=1)], axis=1)
    seen = path + rng.normal(0, 0.05, path.shape)
    lost = np.arange(2, 2 + missed)  # two positions stand before the gap, three behind it
    half = 12 * STEP_UM
    fine = np.linspace(LOWEST, HIGHEST, 400)
    cumulative = np.cumsum(noise_density(fine)) * (fine[1] - fine[0])
    frames = [EMPTY] * (n * length)
    for walk in range(n):
        for k in lost:
            number = rng.poisson(cumulative[-1] * (2 * half) ** 2)
            snr = np.interp(rng.uniform(0, cumulative[-1], number), cumulative, fine)
            noise = np.column_stack([rng.uniform(-half, half, (number, 2)) + path[walk, k], snr])
            own = rng.normal(3.5, 0.8)
            there = [(*(path[walk, k] + rng.normal(0, ERROR_UM, 2)), own)]
            frames[walk * length + k] = (
                np.concatenate([noise, there]) if LOWEST < own < HIGHEST else noise
            )
    spans = np.arange(1, filling.LONGEST + 2).astype(float)
    peaks = peaks_of(frames)
    gaps = filling.Gaps(
        np.arange(n) * length + 1,
        np.full(n, missed),
        np.ascontiguousarray(seen[:, 1]),
        np.ascontiguousarray(seen[:, 2 + missed]),
        np.zeros((n, filling.LONGEST + 1, 2)),
        STEP_UM**2 * np.tile(spans, (n, 1)),
        np.full(n, 3.5),
        np.full(n, 0.8),
    )
    chosen = filling.fill(gaps, peaks)[:, :missed]
    whole = np.all(chosen >= 0, axis=1)
    assert whole.mean() > 0.6
    seen[np.flatnonzero(whole)[:, None], lost] = peaks.xy_um[chosen[whole]]
    step = np.diff(seen[whole], axis=1)
    first, second = step[:, :-1], step[:, 1:]
    each = (0.25 * (first**2 + second**2) + first * second) / (STEP_UM**2 / 2)
    mean = each.mean(axis=(1, 2))
    error = mean.std(ddof=1) / np.sqrt(len(mean))
    # walks with a peak too faint are lost whatever they did: none of this depends on the steps
    assert float(mean.mean()) == pytest.approx(1, abs=4 * error)
    assert error < 0.02


def noise_frames(rng: np.random.Generator, n: int, half_um: float) -> list[np.ndarray]:
    """Frames of noise peaks alone, up to `half_um` from the origin."""
    fine = np.linspace(LOWEST, HIGHEST, 400)
    cumulative = np.cumsum(noise_density(fine)) * (fine[1] - fine[0])
    frames = []
    for number in rng.poisson(cumulative[-1] * (2 * half_um) ** 2, n):
        snr = np.interp(rng.uniform(0, cumulative[-1], number), cumulative, fine)
        frames.append(np.column_stack([rng.uniform(-half_um, half_um, (number, 2)), snr]))
    return frames


@pytest.mark.parametrize("missed", [1, 2])
def test_noise_lends_no_support_on_average(missed: int) -> None:
    """The mean of a likelihood ratio is 1 where its denominator is true."""
    n, stride = 10000, 4
    frames = [EMPTY] * (n * stride)
    drawn = noise_frames(np.random.default_rng(missed), n * missed, 18 * STEP_UM)
    for walk in range(n):
        frames[walk * stride + 1 : walk * stride + 1 + missed] = drawn[
            walk * missed : (walk + 1) * missed
        ]
    one = one_gap(missed, (0.5, 0.2), snr=3.0)
    gaps = filling.Gaps(
        np.arange(n) * stride,
        np.full(n, missed),
        *(np.repeat(each, n, axis=0) for each in (one.before_um, one.after_um, one.flow_um)),
        np.repeat(9 * one.step_um2, n, axis=0),
        np.full(n, 3.0),
        np.full(n, 0.7),
    )
    ratio = np.exp(filling.support(gaps, peaks_of(frames)))
    # beyond REACH lies a ten-thousandth of the paths
    error = ratio.std(ddof=1) / np.sqrt(n)
    assert ratio.mean() == pytest.approx(1, abs=4 * error + 2e-4 * missed)
    assert error < 0.03 * missed


def test_noise_does_not_tell_that_a_particle_is_still_there() -> None:
    n = 20000
    frames = noise_frames(np.random.default_rng(3), n, 6 * STEP_UM)
    strength = np.full(n, 4.0), np.full(n, 1.5)
    told = unseen.still_there(
        np.arange(n), np.zeros((n, 2)), strength, peaks_of(frames), STEP_UM**2
    )
    ratio = np.exp(told)
    error = ratio.std(ddof=1) / np.sqrt(n)
    assert ratio.mean() == pytest.approx(1, abs=4 * error + 2e-4)
    assert error < 0.02


def test_a_peak_near_by_tells_that_a_particle_is_still_there() -> None:
    frames = [np.array([[9.0, 9.0, 4.0]]), np.array([[0.3, 0.2, 3.6]])]
    xy, strength = np.zeros((4, 2)), (np.full(4, 4.0), np.full(4, 1.5))
    told = unseen.still_there(np.array([-1, 0, 1, 2]), xy, strength, peaks_of(frames), STEP_UM**2)
    # nothing is known of the frames before the first and behind the last
    assert told[0] == told[3] == 0
    assert told[1] < 0 < told[2]

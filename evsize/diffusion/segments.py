"""Tracks cut into steps, in arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps of all tracks, track after track.

    Attributes
    ----------
    start : ndarray of int, (tracks + 1,)
        First position of each track; the last entry is the number of positions.
    step_um : ndarray, (positions - tracks, 2)
        Steps between the positions seen, um.
    span : ndarray of int, (positions - tracks,)
        Frames that each step spans.
    frame : ndarray of int, (positions - tracks,)
        Frame in which each step starts.
    sure : ndarray of bool, (positions - tracks,)
        Whether it is rather one particle's than two's.
    """

    start: Ints
    step_um: Floats
    span: Ints
    frame: Ints
    sure: NDArray[np.bool_]

    @property
    def n_positions(self) -> Ints:
        """Positions of each track."""
        return np.diff(self.start)

    @property
    def first_step(self) -> Ints:
        """First step of each track, and the number of steps at the end."""
        return self.start - np.arange(len(self.start))

    @property
    def owner(self) -> Ints:
        """Track of each step."""
        return np.repeat(np.arange(len(self.start) - 1), self.n_positions - 1)

    @property
    def begin(self) -> Ints:
        """Position in which each step starts."""
        return np.arange(len(self.span)) + self.owner


def cut(
    track_id: Ints, frame: Ints, xy_um: Floats, unsure: NDArray[np.bool_] | None = None
) -> Steps:
    """Cut positions sorted by track and frame into steps.

    Parameters
    ----------
    track_id, frame : ndarray of int, (positions,)
        Track and frame of each position.
    xy_um : ndarray, (positions, 2)
        Positions, um.
    unsure : ndarray of bool, (positions,), optional
        Whether the step to each may be to another particle; by default none.
    """
    same = track_id[1:] == track_id[:-1]
    start = np.flatnonzero(np.concatenate([[True], ~same])) if len(track_id) else np.zeros(0, int)
    return Steps(
        np.append(start, len(track_id)).astype(np.int64),
        np.diff(xy_um, axis=0)[same],
        np.diff(frame)[same].astype(np.int64),
        frame[:-1][same].astype(np.int64),
        np.ones(int(same.sum()), bool) if unsure is None else ~unsure[1:][same],
    )


def copies(steps: Steps) -> NDArray[np.bool_]:
    """Tracks with exactly the steps of an earlier one: the same evidence a second time."""
    first = steps.first_step
    seen: set[tuple[bytes, bytes]] = set()
    result = np.zeros(len(steps.start) - 1, bool)
    for track in range(len(result)):
        part = slice(first[track], first[track + 1])
        key = steps.step_um[part].tobytes(), steps.span[part].tobytes()
        result[track] = key in seen and part.start < part.stop
        seen.add(key)
    return result


def track_moments(steps: Steps) -> tuple[Floats, Floats, Ints, Ints]:
    """Per-track moments of the steps that span one frame.

    Returns
    -------
    mean_square_um2, mean_product_um2 : ndarray, (tracks,)
        Mean over both axes of squared steps and of products of neighbouring steps; NaN without.
    n_squares, n_products : ndarray of int, (tracks,)
        Steps and pairs of steps behind them, per axis.
    """
    n_tracks = len(steps.start) - 1
    owner = steps.owner
    single = steps.span == 1
    square = (steps.step_um**2).mean(axis=1)
    pair = single[1:] & single[:-1] & (owner[1:] == owner[:-1])
    product = (steps.step_um[1:] * steps.step_um[:-1]).mean(axis=1)
    n_squares = np.bincount(owner[single], minlength=n_tracks)
    n_products = np.bincount(owner[1:][pair], minlength=n_tracks)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_square = np.bincount(owner[single], square[single], n_tracks) / n_squares
        mean_product = np.bincount(owner[1:][pair], product[pair], n_tracks) / n_products
    return mean_square, mean_product, n_squares.astype(np.int64), n_products.astype(np.int64)


def seen_variance(steps: Steps, loc_var_um2: Floats, blur: float) -> Floats:
    """Localisation variance of each track as its covariance estimate sees it, um^2.

    That estimate takes most of it from products of neighbouring steps, hence from the position
    between them: the ends of a track hardly count. For (positions,) variances; tracks without two
    neighbouring steps get the plain mean.
    """
    n_tracks = len(steps.start) - 1
    owner = steps.owner
    place = steps.begin
    single = steps.span == 1
    both = loc_var_um2[place] + loc_var_um2[place + 1]
    pair = single[1:] & single[:-1] & (owner[1:] == owner[:-1])
    middle = loc_var_um2[place[1:]]
    n_squares = np.bincount(owner[single], minlength=n_tracks)
    n_products = np.bincount(owner[1:][pair], minlength=n_tracks)
    of_position = np.repeat(np.arange(n_tracks), steps.n_positions)
    mean = np.bincount(of_position, loc_var_um2, n_tracks) / np.maximum(steps.n_positions, 1)
    square = np.bincount(owner[single], both[single], n_tracks) / np.maximum(n_squares, 1)
    product = np.bincount(owner[1:][pair], middle[pair], n_tracks) / np.maximum(n_products, 1)
    return np.asarray(np.where(n_products > 0, blur * square + (1 - 2 * blur) * product, mean))


def lagged_correlation(steps: Steps, lags: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Pooled correlation of steps `lag` apart, with its standard error for independent steps.

    Parameters
    ----------
    steps : Steps
        Only runs of steps that span one frame each are used.
    lags : tuple of int
        Lags, in frames.

    Returns
    -------
    correlation, standard_error : ndarray, (lags,)
        NaN where no pair of steps is that far apart.
    """
    owner = steps.owner
    run = np.concatenate([[0], np.cumsum(steps.span != 1)])[: len(owner)]
    single = steps.span == 1
    power = float((steps.step_um[single] ** 2).mean()) if single.any() else float("nan")
    correlation, error = [], []
    for lag in lags:
        a, b = slice(None, -lag), slice(lag, None)
        pair = (owner[a] == owner[b]) & (run[a] == run[b]) & single[a] & single[b]
        n = int(pair.sum())
        products = (steps.step_um[a][pair] * steps.step_um[b][pair]).mean(axis=1)
        correlation.append(float(products.mean()) / power if n else float("nan"))
        error.append(1 / np.sqrt(2 * n) if n else float("nan"))
    return np.array(correlation), np.array(error)


def lagged_displacement(steps: Steps, lags: tuple[int, ...]) -> Floats:
    """Pooled mean squared displacement of one axis over each lag, um^2 (NaN without data)."""
    owner = steps.owner
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(steps.step_um, axis=0)])
    time = np.concatenate([[0], np.cumsum(steps.span)])
    result = []
    for lag in lags:
        n = len(owner) - lag + 1
        if n <= 0:
            result.append(float("nan"))
            continue
        first, last = np.arange(n), np.arange(n) + lag
        good = (owner[first] == owner[last - 1]) & (time[last] - time[first] == lag)
        moved = path[last[good]] - path[first[good]]
        result.append(float((moved**2).mean()) if good.any() else float("nan"))
    return np.array(result)


def frame_variation(steps: Steps) -> tuple[float, float, float]:
    """Change of the mean squared step from frame to frame beyond chance.

    Frames that are evenly spaced in time and unaltered give every frame the same mean squared
    step; dropped, repeated, interpolated or compressed frames do not.

    Returns
    -------
    variation : float
        Standard deviation over frames beyond that of sampling, relative to the mean.
    z : float
        Excess of the variance over chance in units of its standard error.
    period_frames : float
        Period of the change, where it has one; NaN otherwise.
    """
    single = steps.span == 1
    square = (steps.step_um[single] ** 2).mean(axis=1)
    if len(square) < 200:
        return float("nan"), float("nan"), float("nan")
    number, frame = np.unique(steps.frame[single], return_inverse=True)
    count = np.bincount(frame)
    mean = np.bincount(frame, square) / count
    chance = square.var() / count
    enough = count >= 3
    if enough.sum() < 10:
        return float("nan"), float("nan"), float("nan")
    weight = count[enough] / count[enough].sum()
    overall = float(weight @ mean[enough])
    observed = float(weight @ (mean[enough] - overall) ** 2)
    expected = float(weight @ chance[enough])
    z = (observed - expected) / (expected * np.sqrt(2 / (enough.sum() - 1)))
    series = np.full(number[-1] - number[0] + 1, overall)
    series[number[enough] - number[0]] = mean[enough]
    variation = np.sqrt(max(observed - expected, 0.0)) / overall
    return float(variation), float(z), _period(series - overall)


def _period(series: Floats) -> float:
    """Lag (3 to 60) at which a series repeats itself best; NaN if it hardly does."""
    lags = np.arange(3, min(60, len(series) // 3))
    if not len(lags) or not series.any():
        return float("nan")
    power = float(series @ series)
    repeat = np.array([series[:-lag] @ series[lag:] for lag in lags]) / power
    best = int(np.argmax(repeat))
    return float(lags[best]) if repeat[best] > 0.2 else float("nan")

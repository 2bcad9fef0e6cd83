"""The times of frames, as far as a file states them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNEVEN = 0.25
"""Share of the usual interval by which a time may be off and still count as even.

Times are mostly those at which software received a frame. What they jitter by leaves the mean
squared step as it is; a frame that was really filmed elsewhere is off by more.
"""


def usual_interval_s(times_s: NDArray[np.float64]) -> float:
    """Median interval between frames, s; (n,) times, n >= 2."""
    return float(np.median(np.diff(times_s)))


def find_uneven(times_s: NDArray[np.float64] | None) -> tuple[dict[int, int], list[int] | None]:
    """Find dropped frames and those that came too early or too late.

    Parameters
    ----------
    times_s : ndarray, (n,), or None
        Time of each frame, s.

    Returns
    -------
    missed_after : dict of int to int
        Frames after which others would have had room, and how many.
    uneven : list of int or None
        Frames whose distance from the one before differs by more than `UNEVEN` of the usual
        interval from every whole number of intervals; None without times.
    """
    if times_s is None or len(times_s) < 3 or (usual := usual_interval_s(times_s)) <= 0:
        return {}, None
    steps = np.diff(times_s) / usual
    whole = np.maximum(np.rint(steps), 1)
    uneven = np.flatnonzero(np.abs(steps - whole) > UNEVEN) + 1
    missed = np.flatnonzero(whole > 1)
    return {int(n): int(whole[n]) - 1 for n in missed}, [int(n) for n in uneven]


def stated_times(values: ArrayLike, frames: int) -> NDArray[np.float64] | None:
    """Times of all frames since the first, s; None where they are not all there or do not rise.

    Parameters
    ----------
    values : array_like, (n,)
        What the file states, s.
    frames : int
        Frames of the recording.
    """
    times = np.asarray(values, dtype=np.float64)
    if frames < 2 or times.shape[0] < frames or not np.isfinite(times[:frames]).all():
        return None
    times = times[:frames] - times[0]
    return times if times[-1] > 0 and (np.diff(times) >= 0).all() else None


def rate_of(times_s: NDArray[np.float64] | None) -> dict[str, float]:
    """Frame rate that belongs to the usual interval; nothing without times."""
    if times_s is None or (usual := usual_interval_s(times_s)) <= 0:
        return {}
    return {"frame_rate_hz": float(f"{1 / usual:.9g}")}

"""Whether a recording looks the same from its beginning to its end."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PARTS = 5
FEWEST_FRAMES = 50
FEWEST_TRACKS = 20
BRIGHTER = 0.85
"""Quantile of the tracks' brightness that tells the light. The median lies near the threshold:
less light leaves fewer particles, and those about as bright."""
TRACKS_A_PARTICLE = 4
"""Tracks that one particle leaves in a fifth of a recording, at most, as a rule."""


def background_change(background: Floats, noise: Floats) -> float:
    """Change of the background between tenths of a recording, in sd of a pixel's noise.

    Parameters
    ----------
    background, noise : ndarray, (frames,)
        Median background and noise of each frame, grey levels; NaN where not known.

    Returns
    -------
    float
        NaN for fewer than `FEWEST_FRAMES` frames.
    """
    known = np.isfinite(background) & np.isfinite(noise) & (noise > 0)
    if known.sum() < FEWEST_FRAMES:
        return math.nan
    medians = [np.median(part) for part in np.array_split(background[known], 2 * PARTS)]
    return float((max(medians) - min(medians)) / np.median(noise[known]))


def spots_change(track: Ints, frame: Ints, snr: Floats, n_frames: int) -> dict[str, float]:
    """Change of the number and the brightness of spots between fifths of a recording.

    Parameters
    ----------
    track, frame : ndarray of int, (positions,)
        Track and frame of each position.
    snr : ndarray, (positions,)
        Its signal-to-noise ratio.
    n_frames : int
        Frames of the recording.

    Returns
    -------
    dict
        ``spot_number_change`` and ``spot_snr_change``, largest over smallest, and with ``_z`` by
        how many standard errors they differ; NaN where too few tracks tell.

    Notes
    -----
    Positions of a track come together, so a part with tracks of m_i positions has a number of
    sum m_i with variance sum m_i^2. Brightness is the quantile `BRIGHTER` over tracks, its error
    from the ranks of as many values as there are particles.
    """
    part = np.minimum(frame * PARTS // max(n_frames, 1), PARTS - 1)
    number, level = np.full((2, PARTS), math.nan), np.full((2, PARTS), math.nan)
    for k in range(PARTS):
        here = part == k
        _, of_track, m = np.unique(track[here], return_inverse=True, return_counts=True)
        if len(m) < FEWEST_TRACKS or n_frames < FEWEST_FRAMES:
            break
        number[:, k] = math.log(m.sum()), math.sqrt(TRACKS_A_PARTICLE * (m**2).sum()) / m.sum()
        of_tracks = np.bincount(of_track, np.log(np.maximum(snr[here], 1e-9))) / m
        # ranks within which the quantile of that many values lies to one standard error
        reach = math.sqrt(BRIGHTER * (1 - BRIGHTER) * TRACKS_A_PARTICLE / len(m))
        ranks = np.clip([BRIGHTER - reach, BRIGHTER, BRIGHTER + reach], 0, 1)
        low, middle, high = np.quantile(of_tracks, ranks)
        level[:, k] = middle, (high - low) / 2
    found: dict[str, float] = {}
    for name, (value, error) in (("spot_number_change", number), ("spot_snr_change", level)):
        if np.isnan(value).any():
            change, z = math.nan, math.nan
        else:
            most, least = int(value.argmax()), int(value.argmin())
            apart = float(value[most] - value[least])
            both = math.hypot(error[most], error[least])
            change, z = math.exp(apart), apart / both if both > 0 else 0.0
        found |= {name: change, f"{name}_z": z}
    return found

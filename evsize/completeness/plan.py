"""What is injected, where and when: decided before the first frame is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, qmc

from evsize.completeness.brightness import REFERENCE_NM, Law
from evsize.completeness.injection import Particles
from evsize.completeness.optics import Optics
from evsize.physics import Conditions

Floats = NDArray[np.float64]

FRAMES_A_STRETCH = 64
GUARD = 8
"""Frames at either end of a stretch that are not counted: tracks are cut there."""
COUNTED_AT_LEAST = 8
PARTICLES = 520
"""Laid on the frames in all: the depth of view is then known within some 3 %, and within 5 % where
few particles tell how brightness goes with size, so that those laid on are spread widely."""
FRAMES_SEARCHED = 1800
"""At the most, for a frame of `USUAL_PX`; fewer for larger frames, as they take longer."""
USUAL_PX = 640 * 480
THOROUGH = 5
VERSIONS = 4
"""Altered versions of each frame read, at the most."""
FEWEST_STRETCHES = 4
"""Before a frame is used twice."""
MOST_AT_A_TIME = PARTICLES // FEWEST_STRETCHES
MOST_BLOCKS = 4
"""Stretches are from no more of them: `detect` keeps the background of as many, so spread."""
ADDED_SHARE = 0.02
"""Share of the image within a window of an injected particle."""
ADDED_TO_SPOTS = 0.15
"""And, where spots are many, injected particles for each spot there is."""
BELOW_LIMIT = 1.5
"""Factor from the diameter expected to be just seen down to the smallest that is injected."""
ABOVE = 1.15
"""Factor from the brightest hundredth of what there is up to the largest."""
USUAL = 3.0
"""Up to so many times the diameter just seen, most of the particles are laid: the bright light of
large ones hides others, and more of them than there are would change the crowding."""
SHARE_OF_USUAL = 0.7
LIKE_OWN = 0.5
"""Share of the particles that are of the sizes of the recording's own: against these the widths
and the brightness of its own are held, and widths at one brightness differ with the size."""
SLOW = 3.0
"""Exponent of brightness against size below which brightness alone tells no range of sizes."""
FAR = 2.0
"""Factor from the sizes seen up to which particles are then laid on."""
ENDS = 0.01, 0.99
"""Shares of the particles seen that lie below these sizes."""
LEAST_SCATTER = 0.3
"""Scatter of ln(brightness) of what is laid on, at least: as unsure is the law before the pass."""
SEEN_SHARE = 0.6
"""Share of the threshold below which an SNR is never seen."""
BOX_STEPS = 6


@dataclass(frozen=True)
class Stretch:
    """Frames onto which particles are laid."""

    first: int
    n_frames: int
    guard: int


@dataclass(frozen=True)
class Effort:
    """How much is searched.

    Attributes
    ----------
    at_a_time : int
        Particles laid on a frame at once.
    n_stretches : int
        Stretches of frames.
    n_versions : int
        Altered versions of each, with particles of their own.
    """

    at_a_time: int
    n_stretches: int
    n_versions: int


def effort(
    length: int, frame_px: int, window_px: float, spots_per_frame: float, times: int = 1
) -> Effort:
    """How much to search: enough particles, but no more frames than there is time for.

    Parameters
    ----------
    length : int
        Frames of a stretch.
    frame_px : int
        Pixels of a frame.
    window_px : float
        Half width of the surroundings of a spot that no other may be in.
    spots_per_frame : float
        Of the recording itself.
    times : int
        1, or more for a more thorough pass.
    """
    at_a_time = number_at_a_time(frame_px, window_px, spots_per_frame)
    most = FRAMES_SEARCHED * min(1.0, (USUAL_PX / frame_px) ** 0.6) / length
    runs = times * min(most, PARTICLES / at_a_time)
    n_versions = int(np.clip(round(runs / FEWEST_STRETCHES), 1, VERSIONS))
    return Effort(at_a_time, max(FEWEST_STRETCHES, round(runs / n_versions)), n_versions)


def number_at_a_time(frame_px: int, window_px: float, spots_per_frame: float) -> int:
    """Particles laid on a frame at once: few enough not to change the crowding."""
    by_area = ADDED_SHARE * frame_px / (np.pi * window_px**2)
    return int(np.clip(max(by_area, ADDED_TO_SPOTS * spots_per_frame), 2, MOST_AT_A_TIME))


def stretch_length(blocks: list[range]) -> int:
    """Frames of a stretch: it lies within one of the blocks that share a background."""
    return min(FRAMES_A_STRETCH, *(len(block) for block in blocks))


def stretches(blocks: list[range], bad: NDArray[np.bool_], wanted: int) -> list[Stretch]:
    """Stretches over the whole recording, without damaged frames and scene cuts where possible.

    Parameters
    ----------
    blocks : list of range
        Frames that share a background.
    bad : ndarray of bool, (frames,)
        Frames to be avoided.
    wanted : int
        Their number; more where each block used has to have one.
    """
    length = stretch_length(blocks)
    guard = min(GUARD, max((length - COUNTED_AT_LEAST) // 2, 0))
    n_used = min(len(blocks), max(MOST_BLOCKS, wanted // 2))
    used = [blocks[int((k + 0.5) * len(blocks) / n_used)] for k in range(n_used)]
    found = []
    shares = np.diff(np.rint(np.linspace(0, wanted, len(used) + 1)).astype(int))
    unfit = np.concatenate([[0], np.cumsum(bad)])
    for block, share in zip(used, np.maximum(shares, 1), strict=True):
        starts = np.arange(block.start, block.stop - length + 1)
        clean = starts[unfit[starts + length] == unfit[starts]]
        starts = clean if len(clean) else starts
        places = np.linspace(0, len(starts) - 1, share + 2)[1:-1]
        found += [Stretch(int(starts[round(at)]), length, guard) for at in places]
    return found


@dataclass(frozen=True)
class Sizes:
    """Range of sizes that are injected, nm, and the smallest expected to be seen."""

    low_nm: float
    high_nm: float
    seen_nm: float


def sizes(
    optics: Optics,
    law: Law,
    conditions: Conditions,
    threshold: float,
    brightest: float,
    grid_nm: Floats,
    shares: Floats,
) -> Sizes:
    """Range of sizes worth injecting, from what optics and threshold let expect.

    Parameters
    ----------
    optics, law, conditions
        How bright each size is, and how it moves.
    threshold : float
        SNR of a spot that is just found.
    brightest : float
        ln(brightness in focus) up to which the recording may have particles.
    grid_nm : ndarray, (sizes,)
        Sizes to choose from, ascending.
    shares : ndarray, (sizes,)
        Share of each among the particles seen.
    """
    smear = smear_px2(grid_nm, conditions)
    at_focus = optics.snr(np.zeros(len(grid_nm)), np.exp(law.at(grid_nm)), smear)
    enough = np.flatnonzero(at_focus > threshold)
    seen = float(grid_nm[enough[0]]) if len(enough) else float(grid_nm[-1])
    if law.exponent < SLOW:
        reached = np.cumsum(shares) / shares.sum()
        first, last = (float(grid_nm[np.searchsorted(reached, share)]) for share in ENDS)
        high = min(last * FAR, float(grid_nm[-1]))
        seen = float(np.clip(seen, first / FAR, high / 2))
        return Sizes(max(seen / BELOW_LIMIT, float(grid_nm[0])), high, seen)
    largest = ABOVE * REFERENCE_NM * float(np.exp((brightest - law.level) / law.exponent))
    low = max(seen / BELOW_LIMIT, float(grid_nm[0]))
    return Sizes(low, min(max(largest, 2 * seen), float(grid_nm[-1])), seen)


def _log_diameters(wanted: Sizes, even: Floats, grid_nm: Floats, shares: Floats) -> Floats:
    """ln(diameter) for numbers spread evenly over 0 to 1: like the recording's own, then others."""
    inside = shares * ((grid_nm >= wanted.low_nm) & (grid_nm <= wanted.high_nm))
    like_own = LIKE_OWN if inside.sum() > 0 else 0.0
    others = _spread_out(wanted, np.clip((even - like_own) / (1 - like_own), 0, 1))
    if not like_own:
        return others
    reached = np.concatenate([[0.0], np.cumsum(inside) / inside.sum()])
    log_d = np.log(grid_nm)
    edges = np.concatenate([log_d[:1], (log_d[1:] + log_d[:-1]) / 2, log_d[-1:]])
    own = np.clip(
        np.interp(even / like_own, reached, edges), np.log(wanted.low_nm), np.log(wanted.high_nm)
    )
    return np.asarray(np.where(even < like_own, own, others))


def _spread_out(wanted: Sizes, even: Floats) -> Floats:
    log_low, log_high = np.log(wanted.low_nm), np.log(wanted.high_nm)
    log_usual = min(np.log(USUAL * wanted.seen_nm), log_high)
    usual = even < SHARE_OF_USUAL
    within = log_low + even / SHARE_OF_USUAL * (log_usual - log_low)
    all_over = log_low + (even - SHARE_OF_USUAL) / (1 - SHARE_OF_USUAL) * (log_high - log_low)
    return np.asarray(np.where(usual, within, all_over))


def draw(
    n: int,
    runs: int,
    wanted: Sizes,
    law: Law,
    optics: Optics,
    conditions: Conditions,
    threshold: float,
    rng: np.random.Generator,
    grid_nm: Floats,
    shares: Floats,
) -> list[Particles]:
    """Draw n particles for each run, sizes and places spread evenly over all runs together.

    Notes
    -----
    Sobol's sequence, scrambled. Each box is as high as its particle can be seen, and a few of its
    steps more: what enters view from beyond then comes from within the box.
    """
    total = 1 << int(np.ceil(np.log2(max(n * runs, 2))))
    spread = qmc.Sobol(5, scramble=True, rng=rng).random(total)[: n * runs]
    diameter = np.exp(_log_diameters(wanted, spread[:, 0], grid_nm, shares))
    scatter = max(law.scatter, LEAST_SCATTER) * norm.ppf(np.clip(spread[:, 4], 1e-4, 1 - 1e-4))
    brightness = np.exp(law.at(diameter) + scatter)
    d_um2_s = conditions.stokes_einstein_um3_s / diameter * 1e3
    smear = smear_px2(diameter, conditions)
    reach = optics.visible_to_um(brightness, smear, SEEN_SHARE * threshold)
    step = np.sqrt(2 * d_um2_s * conditions.frame_interval_s)
    half = np.maximum(reach, 0.1 * optics.depth_um) + BOX_STEPS * step
    return [
        Particles(diameter[k], brightness[k], d_um2_s[k], spread[k, 1:4], half[k])
        for k in np.array_split(rng.permutation(n * runs), runs)
    ]


def smear_px2(diameter_nm: Floats, conditions: Conditions) -> Floats:
    """Variance of a Brownian path of one exposure about its own mean, along an axis, px^2."""
    d_um2_s = conditions.stokes_einstein_um3_s / diameter_nm * 1e3
    open_s = conditions.exposure_fraction * conditions.frame_interval_s
    return np.asarray(d_um2_s * open_s / 3 / conditions.pixel_size_um**2)

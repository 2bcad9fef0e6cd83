"""What a few frames tell of the spots: bright or dark, and how wide."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evsize.detection.filtering import filter_noise, find_peaks, matched_filter
from evsize.detection.scaling import Image
from evsize.detection.threshold import noise_peaks_per_px

SCALES_PX = tuple(float(s) for s in 0.7 * 1.25 ** np.arange(11))
STRONG_SNR = 7.0
NARROW_SHARE = 0.2
WIDTH_ERROR = 1.5
FAINT_SNR = 4.5
FEWEST = 10
RING_REACH_SD = 6.0


class Candidates(NamedTuple):
    """Strong spots of one polarity over all sampled frames.

    Attributes
    ----------
    snr : ndarray, (n,)
        Largest matched-filter amplitude over the scales.
    sd_px : ndarray, (n,)
        The scale at which it is reached, px.
    isolated : ndarray of bool, (n,)
        Whether no other candidate is near enough to change it.
    place : ndarray of int, (n, 3)
        Frame, row and column.
    """

    snr: NDArray[np.float64]
    sd_px: NDArray[np.float64]
    isolated: NDArray[np.bool_]
    place: NDArray[np.int64]


def _best_scale(responses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale of the largest response, interpolated by a parabola in the logarithm of the scale."""
    best = np.clip(np.argmax(responses, axis=0), 1, len(SCALES_PX) - 2)
    column = np.arange(responses.shape[1])
    below, at, above = (responses[best + k, column] for k in (-1, 0, 1))
    curvature = below - 2 * at + above
    safe = np.where(curvature < 0, curvature, -1.0)
    shift = np.where(curvature < 0, 0.5 * (below - above) / safe, 0.0)
    log_step = np.log(SCALES_PX[1] / SCALES_PX[0])
    scale: NDArray[np.float64] = np.asarray(SCALES_PX)[best] * np.exp(
        np.clip(shift, -1, 1) * log_step
    )
    return scale


def find_candidates(scaled: list[Image]) -> Candidates:
    """Strong bright spots of any width in frames scaled to unit noise.

    A filter of standard deviation w answers a Gaussian spot of standard deviation s with
    2 s w / (s^2 + w^2) of the full amplitude, largest at w = s: the best scale is the width.
    """
    snr, sd, isolated, place = [], [], [], []
    for k, image in enumerate(scaled):
        responses = [matched_filter(image, s) for s in SCALES_PX]
        strongest = np.full(image.shape, -np.inf, np.float32)
        for response in responses:
            np.maximum(strongest, response / np.float32(filter_noise(response, 6)), out=strongest)
        y, x = find_peaks(strongest, STRONG_SNR, 4)
        if not len(y):
            continue
        # the width is read off the plain responses: noise that is correlated over pixels (video
        # compression) weighs on wide filters and would make every spot look narrow
        scale = _best_scale(np.array([response[y, x] for response in responses], np.float64))
        distance = np.hypot(x[:, None] - x, y[:, None] - y) + 1e9 * np.eye(len(x))
        edge = np.minimum.reduce([x, y, image.shape[1] - 1 - x, image.shape[0] - 1 - y])
        snr.append(strongest[y, x].astype(np.float64))
        sd.append(scale)
        isolated.append((distance.min(axis=1) > 5 * scale + 3) & (edge > 3 * scale))
        place.append(np.column_stack([np.full(len(y), k), y, x]))
    if not snr:
        nowhere = np.empty((0, 3), np.int64)
        return Candidates(np.empty(0), np.empty(0), np.empty(0, np.bool_), nowhere)
    return Candidates(*(np.concatenate(part) for part in (snr, sd, isolated, place)))


def decide_polarity(bright: Candidates, dark: Candidates) -> tuple[int, str]:
    """Sign of the spots, +1 bright or -1 dark, and the reason in words.

    Notes
    -----
    Spots of one sign have rings of the other, weaker: a peak with a stronger one of the other
    sign nearby does not count. Of the rest what counts is the number times the square of their
    strength, held at 20 noises so that one reflection does not outvote a hundred particles.
    """

    def evidence(spots: Candidates, others: Candidates) -> float:
        own = ~_beside_stronger(spots, others)
        return float(np.sum(np.minimum(spots.snr[own], 20.0) ** 2))

    n_bright, n_dark = len(bright.snr), len(dark.snr)
    if n_bright + n_dark == 0:
        return 1, "no strong spots of either sign: bright taken as usual"
    sign = 1 if evidence(bright, dark) >= evidence(dark, bright) else -1
    word = "bright" if sign > 0 else "dark"
    return sign, (
        f"{n_bright} bright and {n_dark} dark peaks above {STRONG_SNR:g} noises in the sampled "
        f"frames, the {word} ones stronger"
    )


def _beside_stronger(spots: Candidates, others: Candidates) -> NDArray[np.bool_]:
    """Whether one of the others, stronger, lies within its own reach of each spot."""
    apart = spots.place[:, None] - others.place
    distance = np.hypot(apart[..., 1], apart[..., 2])
    near = (apart[..., 0] == 0) & (distance < RING_REACH_SD * others.sd_px + 3)
    found: NDArray[np.bool_] = (near & (others.snr > spots.snr[:, None])).any(axis=1)
    return found


def faint_spot_sd(scaled: list[Image]) -> float | None:
    """Width of spots that are too faint to be measured singly, px; None where there are too few.

    A filter as wide as the spots lifts most of them above a threshold: the width is where the
    peaks are most in excess of those of noise alone.
    """
    excess = np.zeros(len(SCALES_PX))
    for k, sd in enumerate(SCALES_PX):
        for image in scaled:
            m = matched_filter(image, sd)
            y, _ = find_peaks(m / np.float32(filter_noise(m, 6)), FAINT_SNR, 4)
            excess[k] += len(y) - image.size * noise_peaks_per_px(FAINT_SNR, sd)
    if excess.max() < FEWEST:
        return None
    # counts of a few tens err by more than neighbouring scales differ
    smooth = np.convolve(np.sqrt(np.maximum(excess, 0.0)), (0.25, 0.5, 0.25), "same")
    return float(_best_scale(smooth[:, None])[0])


def choose_spot_sd(
    spots: Candidates, scaled: list[Image], default: float = 1.5
) -> tuple[float, str]:
    """Standard deviation of a spot in focus, px, and the reason in words.

    Parameters
    ----------
    spots : Candidates
        Strong spots.
    scaled : list of ndarray of float32
        The frames that they were found in, spots positive.
    default : float
        Taken where there are next to no spots, px.

    Notes
    -----
    Defocus and smear only widen a spot, and the faint ones, for which the filter has to be right,
    are seen near focus only: the narrow fifth of the widths is taken, not their middle.
    """
    inside = (spots.sd_px > SCALES_PX[0]) & (spots.sd_px < SCALES_PX[-1])
    use = spots.isolated & inside
    word = "isolated "
    if use.sum() < FEWEST <= inside.sum():
        use, word = inside, ""
    if use.sum() < FEWEST:
        few = f"only {int(use.sum())} strong spots to measure it on"
        faint = faint_spot_sd(scaled)
        if faint is None:
            return default, f"{few}: usual value taken"
        return round(faint, 2), f"{few}: the width of the filter that sees most of the faint ones"
    # the width of one spot errs by WIDTH_ERROR / SNR; a fifth of them is 0.84 errors too narrow
    correction = 1 + 0.84 * WIDTH_ERROR / float(np.median(spots.snr[use]))
    value = round(float(np.quantile(spots.sd_px[use], NARROW_SHARE)) * correction, 2)
    return (
        value,
        f"narrow fifth of the widths of {int(use.sum())} strong {word}spots in the sampled frames",
    )

"""Defocus of a recording: its own particles held against injected ones, whose defocus is known.

How SNR falls with brightness along tracks is measured alike in both. Rings around a spot keep its
core narrow where a Gaussian would widen, and blur widens the spot in focus: diffraction alone, from
which the injected particles have theirs, would mislead.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evsize.completeness.optics import Optics
from evsize.completeness.sheet import Sheet
from evsize.completeness.spots import Spots
from evsize.completeness.view import View
from evsize.completeness.widths import sharp_px2

Floats = NDArray[np.float64]

SHARPEST_PX2 = 0.2
FALL_SD = 0.15
"""Relative error of the fall that diffraction lets expect: rings keep a spot's core narrow."""
LEAST_FALL, MOST_FALL = 1.005, 3.0
LIKE = 0.5
"""ln(brightness) by which injected particles may lie outside the range of the recording's own."""


class Focus(NamedTuple):
    """Width of spots in focus, px^2.

    Attributes
    ----------
    own_px2, injected_px2 : float
        As they look: of the recording's particles, and of injected ones.
    true_px2 : float
        Of the recording's, without what the measurement of widths makes of them.
    """

    own_px2: float
    injected_px2: float
    true_px2: float


def in_focus(view: View, optics: Optics, sheet: Sheet, spots: Spots) -> Focus:
    """Hold the width in focus against that of injected particles, whose true one is known.

    Parameters
    ----------
    view : View
        What the recording's own tracks show.
    optics : Optics
        With which the injected particles were drawn.
    sheet : Sheet
        A calibrated width stays what it is.
    spots : Spots
        Of the injected particles' tracks.
    """
    whole = spots.part(~spots.saturated)
    own_px2 = view.widths.focus_px2
    if not len(whole.snr):
        return Focus(own_px2, optics.focus_px2, optics.focus_px2)
    look_px2 = sharp_px2(whole.variance_px2, whole.snr, optics.filter_sd_px)
    if sheet.focus_sd_um is not None:
        return Focus(look_px2, look_px2, optics.focus_px2)
    true_px2 = optics.focus_px2 + own_px2 - look_px2
    return Focus(own_px2, look_px2, max(true_px2, SHARPEST_PX2))


def compared(
    view: View, optics: Optics, sheet: Sheet, spots: Spots, n_positions: Floats
) -> tuple[Optics, Optics, str]:
    """Optics with the defocus of the recording.

    Parameters
    ----------
    view : View
        What the recording's own tracks show.
    optics : Optics
        With which the injected particles were drawn.
    sheet : Sheet
        A calibrated defocus stays what it is.
    spots : Spots
        Of the injected particles' tracks.
    n_positions : ndarray, (tracks,)
        Positions of those tracks.

    Returns
    -------
    Optics, Optics, str
        The best guess, another a standard error of the fall away, and what it is from, in words.
    """
    own = view.widths
    if sheet.widening_per_um is not None:
        return optics, optics, "the calibration"
    theirs, error = _as_bright(view, optics, spots, n_positions).fall()
    smear = view.smear_px2
    told, told_se, source = 0.0, np.inf, "diffraction"
    if own.fall is not None and theirs is not None and min(own.fall, theirs) > 0:
        told = float(np.log(own.fall / theirs))
        told_se = float(np.hypot(own.fall_se / own.fall, error / theirs))
        source = "how SNR falls with brightness along tracks"
    trust = FALL_SD**2 / (FALL_SD**2 + told_se**2)
    after = optics.fall(smear) * np.exp(trust * told)
    sd = FALL_SD * np.sqrt(1 - trust)
    best, other = (
        optics.with_fall(float(np.clip(fall_now, LEAST_FALL, MOST_FALL)), smear)
        for fall_now in (after, after * np.exp(-sd))
    )
    return best, other, source


def _as_bright(view: View, optics: Optics, spots: Spots, n_positions: Floats) -> Spots:
    """Injected tracks as bright as the recording's own: bright ones are followed farther out."""
    compared = np.unique(view.spots.never_saturated().owner)
    brightness = view.brightness(optics)[0][compared]
    brightness = brightness[np.isfinite(brightness)]
    if not len(brightness):
        return spots.part(np.zeros(len(spots.snr), np.bool_))
    low, high = np.quantile(brightness, [0.01, 0.99]) + np.array([-LIKE, LIKE])
    whole = spots.never_saturated()
    found = view.brightness(optics, spots, n_positions)[0]
    return whole.part(((found > low) & (found < high))[whole.owner])

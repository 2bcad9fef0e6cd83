"""Good spots of tracks, and the filter they were found with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.completeness import widths
from evsize.completeness.plan import smear_px2
from evsize.physics import Conditions
from evsize.results import Detections
from evsize.tables import Flag

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BAD = Flag.EDGE | Flag.CROWDED | Flag.MERGED | Flag.FILLED
SOME_SATURATED = 0.05
"""Share of a track's positions that may be saturated where its fall of SNR is to count."""


@dataclass(frozen=True)
class Spots:
    """Good positions of tracks: alone and inside.

    Attributes
    ----------
    owner : ndarray of int, (n,)
        Track of each, from 0.
    frame : ndarray of int, (n,)
    brightness, snr : ndarray, (n,)
    variance_px2 : ndarray, (n,)
        Of the spot, the motion expected of its track taken off.
    saturated : ndarray of bool, (n,)
        Whether some of its light is lost.
    """

    owner: Ints
    frame: Ints
    brightness: Floats
    snr: Floats
    variance_px2: Floats
    saturated: NDArray[np.bool_]

    def part(self, wanted: NDArray[np.bool_]) -> Spots:
        """Some of them."""
        return Spots(
            self.owner[wanted],
            self.frame[wanted],
            self.brightness[wanted],
            self.snr[wanted],
            self.variance_px2[wanted],
            self.saturated[wanted],
        )

    def never_saturated(self) -> Spots:
        """Those of tracks that hardly ever saturate.

        Of others only what is far from the focus is left: wide spots that hardly widen any more.
        """
        share = np.bincount(self.owner, self.saturated) / np.maximum(np.bincount(self.owner), 1)
        return self.part(~self.saturated & (share[self.owner] < SOME_SATURATED))

    def fall(self) -> tuple[float | None, float]:
        """How much ln(SNR) falls with ln(brightness) along their tracks, and its error."""
        return widths.fall(self.owner, self.frame, np.log(self.brightness), np.log(self.snr))


@dataclass(frozen=True)
class Filter:
    """The matched filter and the noise behind it.

    Attributes
    ----------
    sd_px : float
        Its width.
    noise : float
        Noise behind it, were its squares to sum to 1, grey levels.
    threshold, weak_threshold : float
        SNR that starts a track, and that continues one.
    window_px : float
        Half width of the localisation window.
    sign : int
        +1 for bright spots, -1 for dark ones.
    """

    sd_px: float
    noise: float
    threshold: float
    weak_threshold: float
    window_px: float
    sign: int

    @staticmethod
    def of(detections: Detections) -> Filter:
        """Read the choices of the detection."""

        def number(name: str) -> float:
            return float(detections.choices[name].value or 0.0)

        pixel_noise = float(detections.frames["noise"].median())
        sign = -1 if detections.choices["polarity"].value == "dark" else 1
        return Filter(
            number("filter_sd_px"),
            pixel_noise * number("filter_noise"),
            number("threshold_snr"),
            number("weak_threshold_snr"),
            number("window_px"),
            sign,
        )


def good_spots(
    table: pd.DataFrame,
    track_id: Ints,
    diameter_nm: Floats,
    found_by: Filter,
    conditions: Conditions,
) -> Spots:
    """Good positions of the tracks listed, whose diameters are known roughly."""
    place = pd.Series(np.arange(len(track_id)), index=track_id)
    owner = place.reindex(table["track_id"]).to_numpy()
    good = np.isfinite(owner) & ((table["flags"].to_numpy() & np.uint32(BAD)) == 0)
    good &= (table["brightness"].to_numpy() > 0) & (table["snr"].to_numpy() > 0)
    rows = table[good]
    owner = owner[good].astype(np.int64)
    light, snr = rows["brightness"].to_numpy(), rows["snr"].to_numpy()
    noise = np.full(len(rows), found_by.noise)
    variance = widths.spot_variance_px2(light, snr, noise, found_by.sd_px)
    variance -= smear_px2(diameter_nm, conditions)[owner]
    saturated = (rows["flags"].to_numpy() & np.uint32(Flag.SATURATED)) > 0
    return Spots(owner, rows["frame"].to_numpy(), light, snr, variance, saturated)

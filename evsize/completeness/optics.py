"""What a particle in the light sheet looks like: brightness and width against depth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COARSE = (1.0, 2.0, 4.0)
COARSE_ADVANTAGE = 1.2
"""A filter that is wider by one of `COARSE` has to answer so much better than the narrow one."""
FADED = 0.6
"""Fall of ln(light) from the focus to where the widening counts most."""
FARTHEST = 3.0
"""Depth in beam radii beyond which nothing is looked for: the light is down to exp(-18)."""


@dataclass(frozen=True)
class Optics:
    """Light sheet, defocus and detector.

    Attributes
    ----------
    depth_um : float
        Thickness of the Gaussian sheet between its 1/e^2 points, centred on the focal plane.
    focus_px2 : float
        Variance of a spot in focus, px^2.
    widening_px2_um2 : float
        Growth of that variance with the square of the depth, px^2/um^2.
    filter_sd_px : float
        Standard deviation of the matched filter, px.
    noise : float
        Noise behind the filter, of unit sum of squares, grey levels.
    """

    depth_um: float
    focus_px2: float
    widening_px2_um2: float
    filter_sd_px: float
    noise: float

    @property
    def fading_per_px2(self) -> float:
        """Fall of ln(brightness) for each px^2 by which defocus widens a spot."""
        return 2 / (self.depth_um / 2) ** 2 / self.widening_px2_um2

    def fall(self, smear_px2: float) -> float:
        """How much ln(SNR) falls as ln(light) does: 1, and as much more as spots widen."""
        z2_um2 = FADED * (self.depth_um / 2) ** 2 / 2
        total = self.focus_px2 + smear_px2 + self.filter_sd_px**2
        return float(1 + np.log1p(self.widening_px2_um2 * z2_um2 / total) / FADED)

    def with_fall(self, fall: float, smear_px2: float) -> Optics:
        """The same with the widening that gives this fall."""
        z2_um2 = FADED * (self.depth_um / 2) ** 2 / 2
        total = self.focus_px2 + smear_px2 + self.filter_sd_px**2
        widening = total * float(np.expm1(max(fall - 1, 0.0) * FADED)) / z2_um2
        return replace(self, widening_px2_um2=widening)

    def log_light(self, z_um: Floats) -> Floats:
        """Logarithm of the intensity of the sheet over that in its middle."""
        return np.asarray(-2 * (z_um / (self.depth_um / 2)) ** 2)

    def variance_px2(self, z_um: Floats) -> Floats:
        """Variance of a resting spot, px^2."""
        return np.asarray(self.focus_px2 + self.widening_px2_um2 * z_um**2)

    def snr(self, z_um: Floats, brightness: Floats, smear_px2: Floats) -> Floats:
        """Matched-filter SNR expected of a particle.

        Parameters
        ----------
        z_um, brightness, smear_px2 : ndarray
            Depth; sum over the spot in focus, grey levels; variance of the motion blur.
        """
        spread = self.variance_px2(z_um) + smear_px2
        widths = [(k, k * self.filter_sd_px) for k in COARSE]
        shares = [
            w / (np.sqrt(np.pi) * (w**2 + spread)) / (COARSE_ADVANTAGE if k > 1 else 1.0)
            for k, w in widths
        ]
        return np.asarray(
            brightness * np.exp(self.log_light(z_um)) / self.noise * np.maximum.reduce(shares)
        )

    def visible_to_um(self, brightness: Floats, smear_px2: Floats, snr: float) -> Floats:
        """Depth beyond which each particle's SNR stays below a value; 0 where it always does."""
        z_um = np.linspace(0, FARTHEST * self.depth_um / 2, 241)
        seen = self.snr(z_um, brightness[:, None], smear_px2[:, None]) > snr
        return np.asarray(np.where(seen, z_um, 0.0).max(axis=1))

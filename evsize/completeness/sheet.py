"""Where the shape and the thickness of the light sheet come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evsize.completeness.optics import Optics
from evsize.completeness.view import View
from evsize.physics import Conditions
from evsize.settings import InstrumentSettings

USUAL_DEPTH_UM = 12.0
"""Taken where nobody says how thick the sheet is: between those of the usual instruments."""
SHARES_ONLY = "shares only"
"""How the basis of a thickness that is a guess ends."""
ASSUMED_SE = 0.15
"""Relative error of a thickness from a data sheet."""
LEAST_WIDENING, MOST_WIDENING = 0.02, 0.6
"""Standard deviation of a far spot over its depth: apertures of 0.05 to 1."""


@dataclass(frozen=True)
class Sheet:
    """A Gaussian light sheet.

    Attributes
    ----------
    depth_um : float
        Thickness between the 1/e^2 points.
    relative_se : float
        Relative standard error of what is proportional to it.
    has_scale : bool
        Whether the thickness is more than a guess.
    widening_per_um : float or None
        Standard deviation of a far spot over its depth, um/um, where a calibration tells it.
    focus_sd_um : float or None
        Standard deviation of a resting spot in focus, where a calibration tells it.
    basis : str
        Where it comes from, in words.
    """

    depth_um: float
    relative_se: float
    has_scale: bool
    widening_per_um: float | None
    focus_sd_um: float | None
    basis: str

    @staticmethod
    def of(instrument: InstrumentSettings, depth_um: float | None) -> Sheet:
        """Choose: a calibration, else the thickness given, else a usual one."""
        calibrated = instrument.depth_um
        if calibrated is not None and instrument.concentration_per_ml is not None:
            return Sheet(
                calibrated,
                instrument.depth_relative_se,
                True,
                instrument.widening_per_um,
                instrument.focus_sd_um,
                f"light sheet {calibrated:.3g} um thick, calibrated with beads",
            )
        if depth_um is not None:
            return Sheet(
                depth_um,
                ASSUMED_SE,
                True,
                None,
                None,
                f"light sheet assumed Gaussian, {depth_um:g} um thick as given",
            )
        return Sheet(
            USUAL_DEPTH_UM,
            0.0,
            False,
            None,
            None,
            f"light sheet assumed Gaussian, {USUAL_DEPTH_UM:g} um thick since none was given: "
            f"{SHARES_ONLY}",
        )

    def optics(self, view: View, conditions: Conditions) -> Optics:
        """How particles look in this sheet.

        Without a calibration the widening is that of diffraction: the width in focus belongs to
        an aperture, hence to a widening. What the recording tells comes after the pass
        (`evsize.completeness.conclusion`).
        """
        pixel_um = conditions.pixel_size_um
        focus_px2 = view.widths.focus_px2
        if self.focus_sd_um is not None:
            # of large particles only those out of focus do not saturate, and these look wide
            focus_px2 = (self.focus_sd_um / pixel_um) ** 2
        aperture = float(
            np.clip(DIFFRACTION * GREEN_UM / (np.sqrt(focus_px2) * pixel_um), LEAST_APERTURE, 1.0)
        )
        widening = self.widening_per_um or float(np.tan(np.arcsin(aperture / WATER_INDEX)) / 2)
        widening = float(np.clip(widening, LEAST_WIDENING, MOST_WIDENING))
        return Optics(
            self.depth_um,
            focus_px2,
            (widening / pixel_um) ** 2,
            view.found_by.sd_px,
            view.found_by.noise,
        )


DIFFRACTION = 0.21
"""Standard deviation of a spot over wavelength / aperture (Zhang et al., Appl. Opt. 46 (2007))."""
GREEN_UM = 0.5
LEAST_APERTURE = 0.3
"""Of the objectives of these instruments: wider spots are blurred by more than diffraction."""
WATER_INDEX = 1.333

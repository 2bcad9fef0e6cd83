"""How thick the light sheet is: as thick as lets so many beads be seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evsize.completeness import measure
from evsize.errors import RecordingError, UsageError
from evsize.physics import Conditions
from evsize.results import Completeness, Detections, Frames, Likelihoods, Progress, Tracks
from evsize.settings import InstrumentSettings, Settings
from evsize.sizing.view import UM3_PER_ML

ROUNDS = 3
"""Times that particles are laid on the frames, each time in a sheet of the thickness found."""
FIRST_DEPTH_UM = 12.0
THINNEST_UM, THICKEST_UM = 1.0, 200.0


@dataclass(frozen=True)
class Shown:
    """A bead recording and what the stages found in it."""

    frames: Frames
    detections: Detections
    tracks: Tracks
    likelihoods: Likelihoods
    conditions: Conditions
    settings: Settings

    def complete(
        self, depth_um: float, widening_per_um: float | None, progress: Progress | None
    ) -> Completeness:
        """Lay particles on it with a light sheet of some thickness, and some defocus if given."""
        settings = self.settings
        if widening_per_um is not None:
            stretched = InstrumentSettings(
                depth_um=depth_um, widening_per_um=widening_per_um, concentration_per_ml=1.0
            )
            settings = settings.model_copy(update={"instrument": stretched})
        return measure(
            self.frames,
            self.detections,
            self.tracks,
            self.likelihoods,
            self.conditions,
            settings,
            depth_um=depth_um,
            progress=progress,
        )


def thickness(
    name: str,
    shown: Shown,
    diameter_nm: float,
    in_cell_per_ml: float | None,
    units: float,
    given_um: float | None,
    progress: Progress | None,
) -> tuple[float | None, float | None, Completeness]:
    """Thickness of the sheet, its relative error, and the last look at what is missed."""
    depth_um = given_um or FIRST_DEPTH_UM
    complete = _complete(name, shown, depth_um, None, progress)
    if in_cell_per_ml is None:
        return given_um, None, complete
    shape = depth_um * (complete.diagnostics["spot_widening_per_um"] or 0.1)
    seen_um = float(shown.likelihoods.n_positions.sum()) * UM3_PER_ML
    seen_um /= complete.n_frames * complete.area_um2 * in_cell_per_ml
    shares = []
    for turn in range(ROUNDS):
        log_depth, error = _at(complete, diameter_nm)
        # stretched, the depth of view grows as the sheet does: each turn is one more measurement
        shares.append(log_depth - np.log(depth_um))
        depth_um = seen_um / float(np.exp(np.mean(shares)))
        if not THINNEST_UM < depth_um < THICKEST_UM:
            raise UsageError(
                f"{name}: a light sheet of {depth_um:.3g} um would be needed to see as many beads",
                f"a sheet of {THINNEST_UM:g} to {THICKEST_UM:g} um",
                "check --concentration (per mL), --dilution and --pixel-size",
            )
        if turn < ROUNDS - 1:
            complete = _complete(name, shown, depth_um, shape / depth_um, progress)
    widening = {"spot_widening_per_um": shape / depth_um}
    complete = replace(complete, diagnostics=dict(complete.diagnostics) | widening)
    return depth_um, float(np.hypot(error, 1 / np.sqrt(units))), complete


def _complete(
    name: str,
    shown: Shown,
    depth_um: float,
    widening_per_um: float | None,
    progress: Progress | None,
) -> Completeness:
    complete = shown.complete(depth_um, widening_per_um, progress)
    if complete.reason:
        raise RecordingError(f"{name}: {complete.reason}", "beads that can be counted")
    return complete


def _at(complete: Completeness, diameter_nm: float) -> tuple[float, float]:
    """Logarithm of the depth (um) of a size, and its error from what was recovered alone."""
    log_d = np.log(complete.diameter_nm)
    at = np.log(diameter_nm)
    log_depth = float(np.interp(at, log_d, complete.log_depth))
    # the last column is the error of the thickness assumed
    errors = [np.interp(at, log_d, column) for column in complete.log_error.T[:-1]]
    return log_depth, float(np.sqrt(np.sum(np.square(errors))))

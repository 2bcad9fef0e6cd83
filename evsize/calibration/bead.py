"""One bead recording: sized, checked against the certified diameter, and counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evsize.calibration.thickness import Shown, thickness
from evsize.detection import detect
from evsize.diffusion import estimate_diffusion
from evsize.errors import RecordingError, UsageError
from evsize.physics import Conditions
from evsize.results import Acquisition, Estimate, Frames, Progress
from evsize.settings import Settings
from evsize.sizing import diameter_grid, size
from evsize.tracking import link

TOLERANCE = 0.12
"""Beads that are sized farther from their certified diameter than this speak of a wrong setting:
the expanded uncertainty between laboratories (Kestens et al. 2017)."""
FEWEST_TRACKS = 100


@dataclass(frozen=True)
class Bead:
    """What one bead recording says.

    Attributes
    ----------
    path : str
    diameter_nm : Estimate
        Median of the size distribution.
    tracks : int
    depth_um, depth_relative_se : float or None
        Thickness of the light sheet; None without a concentration.
    widening_per_um : float
        Standard deviation of a far spot over its depth, um/um.
    noise, background : float
        Of a pixel, grey levels.
    spot_sd_um : float
        As the detection reckons with it.
    focus_sd_um : float or None
        Of a resting spot in focus, pixel included.
    """

    path: str
    diameter_nm: Estimate
    tracks: int
    depth_um: float | None
    depth_relative_se: float | None
    widening_per_um: float
    noise: float
    background: float
    spot_sd_um: float
    focus_sd_um: float | None


def look_at(
    name: str,
    frames: Frames,
    known: Acquisition,
    diameter_nm: float,
    concentration_per_ml: float | None,
    settings: Settings,
    progress: Progress | None,
) -> Bead:
    """Size and count the beads of one recording; see `evsize.calibration.calibrate`."""
    conditions = known.conditions()
    detections = detect(
        frames,
        settings.detection,
        conditions=conditions,
        smallest_diameter_nm=min(settings.tracking.smallest_diameter_nm, diameter_nm),
        progress=progress,
    )
    tracks = link(detections, conditions, settings.tracking)
    grid = conditions.stokes_einstein_um3_s / diameter_grid(settings.sizing) * 1e3
    likelihoods = estimate_diffusion(tracks, conditions, settings.diffusion, d_um2_s=grid)
    found = size(likelihoods, conditions, settings.sizing)
    n_tracks = len(likelihoods.track_id)
    if n_tracks < FEWEST_TRACKS:
        raise RecordingError(
            f"{name}: {n_tracks} tracks carry a size",
            f"{FEWEST_TRACKS} to calibrate with",
            "record longer, or more beads",
        )
    median = found.distribution.d50_nm
    check_size(name, median, diameter_nm, conditions)
    units = float(found.choices["independent_units"].value or 1)
    shown = Shown(frames, detections, tracks, likelihoods, conditions, settings)
    in_cell = None
    if concentration_per_ml is not None:
        in_cell = concentration_per_ml / (known.dilution or 1.0)
    depth_um, relative_se, complete = thickness(
        name, shown, median.value or diameter_nm, in_cell, units, known.depth_um, progress
    )
    return Bead(
        path=name,
        diameter_nm=median,
        tracks=n_tracks,
        depth_um=depth_um,
        depth_relative_se=relative_se,
        widening_per_um=complete.diagnostics["spot_widening_per_um"] or 0.0,
        noise=float(detections.frames["noise"].median()),
        background=float(detections.frames["background"].median()),
        spot_sd_um=float(detections.choices["spot_sd_px"].value or 0) * conditions.pixel_size_um,
        focus_sd_um=complete.diagnostics["spot_focus_um"],
    )


def check_size(name: str, found: Estimate, diameter_nm: float, conditions: Conditions) -> None:
    """Raise if beads are sized too far from their diameter, and say what would explain it.

    Raises
    ------
    UsageError
    """
    value, low, high = found.value, found.low, found.high
    if value is None:
        return
    low, high = (value if low is None else low), (value if high is None else high)
    ratio = value / diameter_nm
    nearest = min(max(diameter_nm, low), high) / diameter_nm
    if abs(ratio - 1) <= TOLERANCE or abs(nearest - 1) <= 1e-9:
        return
    pixel_um = conditions.pixel_size_um * np.sqrt(ratio)
    raise UsageError(
        f"{name}: beads of {diameter_nm:g} nm were sized at {value:.0f} nm ({low:.0f} to "
        f"{high:.0f})",
        f"within {100 * TOLERANCE:.0f} % of their diameter",
        f"check --pixel-size (a pixel of {pixel_um:.3g} um would explain it), --temperature, "
        "--frame-rate and --diameter",
    )

"""Bead recordings in, an instrument file out."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evsize.completeness import measure
from evsize.detection import detect
from evsize.diffusion import estimate_diffusion
from evsize.errors import RecordingError, UsageError
from evsize.physics import Conditions
from evsize.results import (
    Acquisition,
    Completeness,
    Detections,
    Estimate,
    Frames,
    Likelihoods,
    Progress,
    Tracks,
)
from evsize.settings import InstrumentSettings, Settings
from evsize.sizing import diameter_grid, size
from evsize.sizing.view import UM3_PER_ML
from evsize.tracking import link

__all__ = ["Calibration", "calibrate", "instrument_text"]

Floats = NDArray[np.float64]

TOLERANCE = 0.12
"""Beads that are sized farther from their certified diameter than this speak of a wrong setting:
the expanded uncertainty between laboratories (Kestens et al. 2017)."""
ROUNDS = 3
"""Times that particles are laid on the frames, each time in a sheet of the thickness found."""
FEWEST_TRACKS = 100
FIRST_DEPTH_UM = 12.0
THINNEST_UM, THICKEST_UM = 1.0, 200.0


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


@dataclass(frozen=True)
class Calibration:
    """An instrument as its bead recordings show it.

    Attributes
    ----------
    instrument : InstrumentSettings
        What goes into the file.
    beads : tuple of Bead
        What it rests on.
    """

    instrument: InstrumentSettings
    beads: tuple[Bead, ...]


def calibrate(
    recordings: Sequence[tuple[str, Frames, Acquisition]],
    diameter_nm: float,
    concentration_per_ml: float | None,
    settings: Settings,
    progress: Progress | None = None,
) -> Calibration:
    """Calibrate an instrument with recordings of beads of one known size.

    Parameters
    ----------
    recordings : sequence of (str, Frames, Acquisition)
        Name, frames and how they were recorded.
    diameter_nm : float
        Certified diameter.
    concentration_per_ml : float or None
        Number of beads per mL of the suspension before `Acquisition.dilution`; without it the
        thickness of the light sheet is not found.
    settings : Settings
        Of the stages.
    progress : callable, optional
        Told of the work.

    Raises
    ------
    UsageError
        If the beads are sized too far from their diameter: a setting is wrong.
    RecordingError
        If there is too little to calibrate with.

    Notes
    -----
    The shape of the axial profile, light and defocus together, is that which the first recording
    shows; its scale is the only thing fitted. The beads in view over their number per volume and
    the area are the depth of view that there is; the profile is stretched until the simulated
    particles have the same. Where nothing tells the defocus, it is that of diffraction in a sheet
    of usual thickness.
    """
    if not recordings:
        raise UsageError("no bead recording", "at least one")
    beads = tuple(
        _one(name, frames, known, diameter_nm, concentration_per_ml, settings, progress)
        for name, frames, known in recordings
    )
    depth_um, relative_se = _pooled_depth(beads)
    first = recordings[0][2]
    instrument = InstrumentSettings(
        depth_um=depth_um,
        depth_relative_se=relative_se,
        # a defocus belongs to the thickness that it was found with
        widening_per_um=None if depth_um is None else _mean(b.widening_per_um for b in beads),
        pixel_size_um=first.pixel_size_um,
        exposure_ms=first.exposure_ms,
        background=_mean(bead.background for bead in beads),
        noise=_mean(bead.noise for bead in beads),
        spot_sd_um=_mean(bead.spot_sd_um for bead in beads),
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        beads_nm=diameter_nm,
        concentration_per_ml=concentration_per_ml,
    )
    return Calibration(instrument, beads)


def _one(
    name: str,
    frames: Frames,
    known: Acquisition,
    diameter_nm: float,
    concentration_per_ml: float | None,
    settings: Settings,
    progress: Progress | None,
) -> Bead:
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
    shown = _Shown(frames, detections, tracks, likelihoods, conditions, settings)
    in_cell = None
    if concentration_per_ml is not None:
        in_cell = concentration_per_ml / (known.dilution or 1.0)
    depth_um, relative_se, complete = _depth(
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


@dataclass(frozen=True)
class _Shown:
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


def _depth(
    name: str,
    shown: _Shown,
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
    shown: _Shown,
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


def _pooled_depth(beads: Sequence[Bead]) -> tuple[float | None, float]:
    known = [
        (bead.depth_um, bead.depth_relative_se)
        for bead in beads
        if bead.depth_um is not None and bead.depth_relative_se is not None
    ]
    if not known:
        given = [bead.depth_um for bead in beads if bead.depth_um is not None]
        return (given[0] if given else None), 0.0
    depth, error = np.array(known).T
    weight = 1 / error**2
    mean = float(np.exp(weight @ np.log(depth) / weight.sum()))
    # what the recordings differ by counts as well
    spread = float(np.std(np.log(depth), ddof=1) / np.sqrt(len(depth))) if len(depth) > 1 else 0.0
    return mean, max(float(1 / np.sqrt(weight.sum())), spread)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def instrument_text(calibration: Calibration, command: str) -> str:
    """Compose the instrument file (TOML), with what it rests on in words."""
    instrument = calibration.instrument.model_dump(exclude_none=True)
    lines = ["# Instrument file of evsize: give it with --instrument."]
    if command:
        lines.append(f"# Made by: {' '.join(command.split())}")
    for bead in calibration.beads:
        found = bead.diameter_nm
        interval = "" if found.low is None else f" ({found.low:.1f} to {found.high:.1f})"
        lines.append(f"# {bead.path}: {bead.tracks} tracks, median {found.value:.1f} nm{interval}")
    depth, error = calibration.instrument.depth_um, calibration.instrument.depth_relative_se
    if depth is not None and error:
        low, high = depth * np.exp(-1.96 * error), depth * np.exp(1.96 * error)
        lines.append(f"# Light sheet: {depth:.2f} um, 95 % interval {low:.2f} to {high:.2f} um")
    lines.append("[instrument]")
    lines += [f"{name} = {_toml(value)}" for name, value in instrument.items()]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    # rounded: six digits are more than a calibration knows
    return json.dumps(float(f"{value:.6g}") if isinstance(value, float) else value)

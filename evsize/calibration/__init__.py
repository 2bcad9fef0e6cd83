"""Bead recordings in, an instrument file out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np

from evsize.calibration.bead import Bead, check_size, look_at
from evsize.calibration.instrument import Calibration, instrument_text
from evsize.errors import UsageError
from evsize.results import Acquisition, Frames, Progress
from evsize.settings import InstrumentSettings, Settings

__all__ = ["Bead", "Calibration", "calibrate", "check_size", "instrument_text"]


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
        look_at(name, frames, known, diameter_nm, concentration_per_ml, settings, progress)
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
        focus_sd_um=_focus(beads),
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        beads_nm=diameter_nm,
        concentration_per_ml=concentration_per_ml,
    )
    return Calibration(instrument, beads)


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


def _focus(beads: Sequence[Bead]) -> float | None:
    known = [bead.focus_sd_um for bead in beads if bead.focus_sd_um is not None]
    return _mean(known) if known else None


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))

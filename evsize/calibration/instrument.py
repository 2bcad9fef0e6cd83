"""An instrument as its beads show it, and the file that says so."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from evsize.calibration.bead import Bead
from evsize.settings import InstrumentSettings


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

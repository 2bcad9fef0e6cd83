"""What a recording would have missed, found out on the recording itself.

Simulated particles of known size are laid on the recording's own frames, and the same detection
and linking look for them. The particle-frames recovered for each particle and volume are the
effective depth of view: with it numbers in view become numbers per volume.
"""

from __future__ import annotations

from evsize.completeness.conclusion import conclude
from evsize.completeness.saved import from_saved
from evsize.completeness.sheet import Sheet
from evsize.completeness.trial import Trial
from evsize.completeness.view import View
from evsize.physics import Conditions
from evsize.results import (
    Completeness,
    Detections,
    Frames,
    Likelihoods,
    Progress,
    Tracks,
)
from evsize.settings import Settings

__all__ = ["from_saved", "measure"]

SHORTEST_RECORDING = 40
FEWEST_RECOVERED = 100
"""Particle-frames found again, at least."""


def measure(
    recording: Frames,
    detections: Detections,
    tracks: Tracks,
    likelihoods: Likelihoods,
    conditions: Conditions,
    settings: Settings,
    *,
    depth_um: float | None = None,
    progress: Progress | None = None,
) -> Completeness:
    """Lay simulated particles on a recording's frames, and see which of them are found.

    Parameters
    ----------
    recording : Frames
        The recording.
    detections, tracks, likelihoods
        What the stages found in it.
    conditions : Conditions
        Pixel size, times, temperature, viscosity.
    settings : Settings
        Those of detection and tracking are used again; `completeness` and `instrument`.
    depth_um : float, optional
        Thickness of the light sheet between its 1/e^2 points, where no calibration tells it.
    progress : callable, optional
        Called with ``"completeness"``, the frames done and their number.

    Returns
    -------
    Completeness
        With the reason in place of all else where it cannot be had.
    """
    if unfit := _unfit(recording, detections, settings):
        return Completeness(reason=unfit)
    view = View.of(detections, tracks, likelihoods, conditions)
    if lacking := view.lacking():
        return Completeness(reason=lacking)
    sheet = Sheet.of(settings.instrument, depth_um)
    optics = sheet.optics(view, conditions)
    law = view.law(optics)
    if law is None:
        return Completeness(
            reason="too few bright, unsaturated particles to tell how brightness goes with size"
        )
    trial = Trial(recording, detections, tracks, view, optics, law, conditions, settings)
    injected = trial.run(progress)
    if injected.looks.followed.sum() < FEWEST_RECOVERED:
        return Completeness(reason="none of the particles laid on the frames were found again")
    return conclude(injected, trial, sheet)


def _unfit(recording: Frames, detections: Detections, settings: Settings) -> str:
    """Why particles need not be laid on this recording at all, if so."""
    if settings.completeness.mode == "off":
        return "counting was switched off (--completeness off)"
    if len(recording) < SHORTEST_RECORDING:
        return (
            f"{len(recording)} frames, {SHORTEST_RECORDING} are needed to lay simulated particles "
            "on"
        )
    sign = detections.choices.get("polarity")
    if sign is not None and sign.value == "dark":
        return "the spots are dark on a bright ground, where brightness does not follow size"
    return ""

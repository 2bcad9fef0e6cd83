"""What the quality rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evsize.results import RecordingInfo


@dataclass(frozen=True)
class Evidence:
    """The figures of one recording that rules judge; None is "no data".

    Attributes
    ----------
    duration_s : float or None
        Length of the recording, s.
    n_used : int
        Tracks that carry a size.
    particles_per_frame, false_detections_per_frame : float or None
    exposure_fraction : float or None
        Exposure over frame interval.
    saturated_share : float or None
        Share of positions with saturated pixels.
    search_radius_um : float or None
    d50_nm : float or None
    figures : mapping
        Diagnostics of the stages, by name.
    notes : tuple of str
        What was odd or assumed when the recording was read.
    recording : RecordingInfo or None
        The file as it was read.
    duplicate_frames : tuple of int or None
        Frames identical to the one before.
    conflicts : tuple of str
        What sources of acquisition values contradict each other in.
    dark_spots : bool or None
        Whether spots are dark on a bright ground.
    sudden_frames : mapping of str to tuple of int, or None
        Frames behind a sudden event, by its kind: scene_cut, stage_jump, pulse.
    """

    duration_s: float | None
    n_used: int
    particles_per_frame: float | None
    false_detections_per_frame: float | None
    exposure_fraction: float | None
    saturated_share: float | None
    search_radius_um: float | None
    d50_nm: float | None
    figures: Mapping[str, float | None]
    notes: tuple[str, ...] = ()
    recording: RecordingInfo | None = None
    duplicate_frames: tuple[int, ...] | None = None
    conflicts: tuple[str, ...] = ()
    dark_spots: bool | None = None
    sudden_frames: Mapping[str, tuple[int, ...]] | None = None

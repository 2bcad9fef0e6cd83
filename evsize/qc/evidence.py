"""What the rules about one recording look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evsize.results import RecordingInfo


@dataclass(frozen=True)
class Calibration:
    """The calibration of the instrument beside the recording.

    Attributes
    ----------
    pairs : mapping
        By name (``exposure``, ``noise``, ``spot_width``): the value at the calibration, the value
        of the recording and the unit.
    age_days, valid_days : float or None
        Days from the calibration to the analysis, and how many it is meant to hold.
    """

    pairs: Mapping[str, tuple[float, float, str]]
    age_days: float | None = None
    valid_days: float | None = None


@dataclass(frozen=True)
class Evidence:
    """The figures of one recording that rules judge; None is "no data".

    Attributes
    ----------
    duration_s : float or None
        Length of the recording, s.
    n_used, n_tracks : int
        Tracks that carry a size, and all of two positions or more.
    particles_per_frame, false_detections_per_frame : float or None
    exposure_fraction : float or None
        Exposure over frame interval.
    saturated_share : float or None
        Share of positions with saturated pixels.
    search_radius_um : float or None
    flow_um_s : (float, float) or None
        Mean flow along x and y.
    temperature_c : float or None
    temperature_source : str
        Who says so.
    cell_per_ml : float or None
        Particles per mL as filmed, the dilution not taken out.
    no_concentration : str
        Why there is none.
    no_completeness : str
        Why it was not measured what the recording misses; empty where it was.
    detection_limit_nm : float or None
    counted : bool
        Whether missed particles were asked for; False where the user left that out.
    calibration : Calibration or None
        What the instrument file rests on; None where there is no such file.
    images : bool
        Whether spots were found in images; False for trajectories of another tracker.
    role : str
        What the recording is for: sample, blank or beads.
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

    duration_s: float | None = None
    n_used: int = 0
    n_tracks: int = 0
    particles_per_frame: float | None = None
    false_detections_per_frame: float | None = None
    exposure_fraction: float | None = None
    saturated_share: float | None = None
    search_radius_um: float | None = None
    flow_um_s: tuple[float, float] | None = None
    temperature_c: float | None = None
    temperature_source: str = ""
    cell_per_ml: float | None = None
    no_concentration: str = ""
    no_completeness: str = ""
    detection_limit_nm: float | None = None
    counted: bool = True
    calibration: Calibration | None = None
    images: bool = True
    role: str = "sample"
    figures: Mapping[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    recording: RecordingInfo | None = None
    duplicate_frames: tuple[int, ...] | None = None
    conflicts: tuple[str, ...] = ()
    dark_spots: bool | None = None
    sudden_frames: Mapping[str, tuple[int, ...]] | None = None

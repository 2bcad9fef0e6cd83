"""What else may be flagged when a recording is spoilt as in `benchmarks.quality_bad`, and why."""

from __future__ import annotations

from collections.abc import Mapping

FEW = dict.fromkeys(
    (
        "tracks_used",
        "tracks_share",
        "particles_per_frame",
        "outside_range",
        "saturated_spots",
        "search_radius",
        "step_correlation",
        "even_steps",
        "flow",
        "localisation_noise",
        "sub_pixel_bias",
        "steady_focus",
        "polarity",
    ),
    "without particles there is nothing to tell it from",
)
SHORT_TRACKS = {
    "tracks_share": "particles are lost before they are followed long enough",
    "tracks_used": "fewer tracks are long enough",
}

IMPLIED: Mapping[str, Mapping[str, str]] = {
    "something_to_size": FEW,
    "tracks_used": {"particles_per_frame": "fewer particles, fewer in a frame"},
    "tracks_share": {"tracks_used": "few tracks are that long"},
    "duration": {"tracks_used": "fewer frames, fewer tracks"},
    "particles_per_frame": {"tracks_used": "fewer particles, fewer tracks"},
    "false_detections": SHORT_TRACKS
    | {"search_radius": "noise lies within reach of every particle"},
    "search_radius": SHORT_TRACKS | {"outside_range": "tracks cut short tell little of their size"},
    "step_correlation": {
        "localisation_noise": "the steps hold more blur than the exposure says",
        "false_detections": "noise that is smoothed lasts",
    },
    "even_steps": {
        "step_correlation": "steps over two intervals are twice as large, again and again"
    },
    "flow": SHORT_TRACKS,
    "localisation_noise": {
        "sudden_motion": "all particles move together",
        "even_steps": "the jumps differ from frame to frame",
    },
    "sudden_motion": {"tracks_used": "tracks end at the jump"},
    "steady_focus": {
        "tracks_used": "faint particles are lost",
        "localisation_noise": "its level is not one level",
    },
    "detection_limit": {
        "tracks_used": "faint particles are lost",
        "particles_per_frame": "faint particles are lost",
    },
    "whole_file": {"as_recorded": "the reader remarks it too"},
    "missing_frames": {"even_times": "the frame after a gap comes late"},
    "polarity": {"saturated_spots": "the ground lies near the white level"},
}

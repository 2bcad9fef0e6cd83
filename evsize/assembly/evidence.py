"""What the quality rules are given to look at, gathered from all stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from evsize.qc import Evidence
from evsize.results import Detections, Tracks, TracksSummary
from evsize.tables import Flag

if TYPE_CHECKING:
    from evsize.assembly import Stages


def gather(
    stages: Stages, summary: TracksSummary, diagnostics: Mapping[str, float | None]
) -> Evidence:
    """Gather the figures of one recording."""
    flags = stages.tracks.table["flags"].to_numpy()
    saturated = float((flags & np.uint32(Flag.SATURATED) > 0).mean()) if len(flags) else None
    known = stages.acquisition.exposure_ms is not None
    radius = stages.tracks.search_radius_um
    return Evidence(
        duration_s=stages.info.duration_s,
        n_used=summary.n_used,
        particles_per_frame=summary.particles_per_frame,
        false_detections_per_frame=summary.false_detections_per_frame,
        exposure_fraction=stages.conditions.exposure_fraction if known else None,
        saturated_share=saturated,
        search_radius_um=radius if np.isfinite(radius) else None,
        d50_nm=stages.sizing.distribution.d50_nm.value,
        figures=diagnostics,
        notes=tuple(stages.info.notes),
        recording=stages.info,
        duplicate_frames=marked(stages.tracks, Flag.DUPLICATE_FRAME),
        conflicts=stages.acquisition.conflicts,
        dark_spots=_dark_spots(stages.detections),
        sudden_frames={
            "scene_cut": marked(stages.tracks, Flag.SCENE_CUT),
            "stage_jump": marked(stages.tracks, Flag.STAGE_JUMP),
            "pulse": marked(stages.tracks, Flag.PULSE),
        },
    )


def marked(tracks: Tracks, flag: Flag) -> tuple[int, ...]:
    """Frames that carry a flag."""
    frames = tracks.frames
    marked = frames["flags"].to_numpy() & np.uint32(flag) > 0
    return tuple(int(n) for n in frames["frame"].to_numpy()[marked])


def _dark_spots(detections: Detections) -> bool | None:
    sign = detections.choices.get("polarity")
    return None if sign is None or not len(detections.table) else sign.value == "dark"

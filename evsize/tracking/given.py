"""The flow of tracks that were linked elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evsize.physics import Conditions
from evsize.results import Acquisition, Tracks, as_conditions
from evsize.tracking import field


def with_flow(tracks: Tracks, acquisition: Acquisition | Conditions) -> Tracks:
    """Fit the flow to tracks as `evsize.link` does to its own.

    Parameters
    ----------
    tracks : Tracks
        Sorted by track and frame; a flow that they carry already is replaced.
    acquisition : Acquisition or Conditions
        Frame rate.
    """
    conditions: Conditions = as_conditions(acquisition)
    track = tracks.table["track_id"].to_numpy()
    frame = tracks.table["frame"].to_numpy()
    xy = tracks.table[["x_um", "y_um"]].to_numpy()
    same = track[1:] == track[:-1]
    if not same.any():
        return tracks
    span, start = np.diff(frame)[same], xy[:-1][same]
    step = np.diff(xy, axis=0)[same]
    found = field.fit(frame[:-1][same], span, start, step, len(tracks.frames))
    carried = np.zeros_like(xy)
    carried[1:][same] = found.over_step(frame[:-1][same], span, start)
    carried = np.cumsum(carried, axis=0)
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    carried -= np.repeat(carried[first], np.diff(np.append(first, len(xy))), axis=0)
    speed = found.per_frame_um / conditions.frame_interval_s
    frames = tracks.frames.assign(flow_x_um_s=speed[:, 0], flow_y_um_s=speed[:, 1])
    return replace(tracks, flow_um=carried, flow_parameters=found.parameters, frames=frames)

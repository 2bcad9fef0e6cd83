"""Spots in, tracks out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.physics import Conditions
from evsize.results import Acquisition, Detections, Tracks, Value, as_conditions
from evsize.settings import TrackingSettings
from evsize.tables import TRACKS, Flag
from evsize.tracking import flow, linking, radius

__all__ = ["link"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MIN_STEPS = 4
ROUNDS = 4
LONGEST_SPAN = 3
"""Frames from one position of a track to the next: a meeting of two particles may hide two."""
BORDER = 2.5 / radius.REACH
"""Width of the border in search radii: 2.5 standard deviations of the step of the fastest
particles, which leaves 1/20 of the border's bias."""


def link(
    detections: Detections,
    acquisition: Acquisition | Conditions,
    settings: TrackingSettings | None = None,
) -> Tracks:
    """Follow the spots from frame to frame.

    Parameters
    ----------
    detections : Detections
        From `evsize.detect`.
    acquisition : Acquisition or Conditions
        Pixel size, frame rate, exposure, temperature and medium.
    settings : TrackingSettings, optional
        By default the search radius follows from physics, sizes found and crowding.

    Returns
    -------
    Tracks
        With no spot, an empty table and zero flow.
    """
    settings, conditions = settings or TrackingSettings(), as_conditions(acquisition)
    spots = _Spots.of(detections, conditions)
    n_frames = len(detections.frames)
    first = _first_radius(spots, conditions, settings, n_frames, detections)
    kernel = max(first.step_um, 0.5 * conditions.pixel_size_um)
    reach = max(1.5 * first.radius_um, 12 * conditions.pixel_size_um)
    coarse = np.zeros((n_frames, 2))
    if settings.remove_flow and len(spots.frame):
        coarse = flow.before_linking(spots.frame, spots.xy_um, n_frames, reach, kernel)
    size_um = (
        detections.width_px * conditions.pixel_size_um,
        detections.height_px * conditions.pixel_size_um,
    )
    window = detections.choices.get("window_px")
    reach_px = float(window.value) if window and window.value else 0.0
    linked = _link_rounds(
        spots, coarse, first, settings, size_um, reach_px * conditions.pixel_size_um
    )
    return _assemble(detections, spots, linked, conditions, settings)


@dataclass(frozen=True, slots=True)
class _Spots:
    frame: Ints
    xy_um: Floats
    table: pd.DataFrame

    @classmethod
    def of(cls, detections: Detections, conditions: Conditions) -> _Spots:
        table = detections.table.sort_values("frame", kind="stable", ignore_index=True)
        xy = table[["x_px", "y_px"]].to_numpy() * conditions.pixel_size_um
        return cls(table["frame"].to_numpy(), xy, table)


@dataclass(frozen=True, slots=True)
class _Radius:
    radius_um: float
    limit_um: float
    step_um: float
    reason: str


def _first_radius(
    spots: _Spots,
    conditions: Conditions,
    settings: TrackingSettings,
    n_frames: int,
    detections: Detections,
) -> _Radius:
    se = float(np.nanmedian(spots.table["loc_se_px"])) if len(spots.frame) else 0.0
    loc_var = (max(se, 0.0) * conditions.pixel_size_um) ** 2
    step = radius.step_sd_um(
        conditions.diffusion_um2_s(settings.smallest_diameter_nm),
        conditions.frame_interval_s,
        conditions.blur,
        loc_var,
    )
    if settings.search_radius_um is not None:
        return _Radius(settings.search_radius_um, settings.search_radius_um, step, "given")
    area = detections.height_px * detections.width_px * conditions.pixel_size_um**2
    limit = radius.crowding_limit_um(len(spots.frame) / max(n_frames, 1), area)
    wanted = radius.REACH * step
    reason = f"the step that a {settings.smallest_diameter_nm:g} nm particle exceeds once in 10,000"
    if wanted > limit:
        reason = "crowding: 0.8 of the mean distance to the nearest neighbour"
    return _Radius(min(wanted, limit), limit, step, reason)


@dataclass(frozen=True, slots=True)
class _Linked:
    order: Ints
    track: Ints
    field: flow.FlowField
    radius: _Radius
    truncated: float | None
    border_um: float
    in_company: float


def _link_rounds(
    spots: _Spots,
    coarse: Floats,
    first: _Radius,
    settings: TrackingSettings,
    size_um: tuple[float, float],
    reach_um: float,
) -> _Linked:
    """Link, look how far the particles really step, and link again where the radius was wrong."""
    n_frames = len(coarse)
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(coarse, axis=0)])
    moving = spots.xy_um - path[spots.frame]
    weak = (spots.table["flags"].to_numpy() & np.uint32(Flag.WEAK)) > 0
    company = linking.in_company(spots.frame, spots.xy_um, reach_um)
    current, truncated = first, None
    for _ in range(ROUNDS):
        track = linking.link(
            spots.frame, moving, n_frames, current.radius_um, settings.max_gap_frames
        )
        order = np.lexsort((spots.frame, track))
        order = order[linking.drop_weak_starts(track[order], weak[order])]
        order = order[~company[order]]
        track[order] = linking.split(track[order], spots.frame[order], LONGEST_SPAN)
        border = min(BORDER * current.radius_um + _fastest(coarse), min(size_um) / 4)
        cut, keep = linking.border_cuts(track[order], spots.xy_um[order], size_um, border)
        track[order] = cut
        order = order[keep]
        field = _fit_flow(spots, order, track, settings, n_frames)
        found = _variances(spots, order, track, field)
        if found is None:
            break
        truncated = radius.truncated_share(*found, current.radius_um)
        if settings.search_radius_um is not None:
            break
        wanted = radius.from_tracks(*found)
        reason = "the step that the fastest 0.5 % of the particles found exceed once in 10,000"
        if wanted > current.limit_um:
            wanted, reason = current.limit_um, "crowding: 0.8 of the mean neighbour distance"
        settled = abs(wanted / current.radius_um - 1) < 0.05
        if settled:
            break
        current = _Radius(wanted, current.limit_um, current.step_um, reason)
    in_company = float(company.mean()) if len(company) else 0.0
    return _Linked(order, track[order], field, current, truncated, border, in_company)


def _fastest(flow_um: Floats) -> float:
    """Largest displacement by the flow over a frame, um: it carries particles over the border."""
    return float(np.hypot(*flow_um.T).max(initial=0.0))


def _fit_flow(
    spots: _Spots, order: Ints, track: Ints, settings: TrackingSettings, n_frames: int
) -> flow.FlowField:
    same, span, step = _steps(spots, order, track)
    if not settings.remove_flow or not same.any():
        return flow.FlowField(np.zeros((n_frames, 2)), np.zeros((2, 2)), np.zeros(2), 0)
    start = order[:-1][same]
    return flow.fit(spots.frame[start], span, spots.xy_um[start], step, n_frames)


def _steps(spots: _Spots, order: Ints, track: Ints) -> tuple[NDArray[np.bool_], Ints, Floats]:
    same = track[order][1:] == track[order][:-1]
    span = np.diff(spots.frame[order])[same]
    return same, span, np.diff(spots.xy_um[order], axis=0)[same]


def _variances(
    spots: _Spots, order: Ints, track: Ints, field: flow.FlowField
) -> tuple[Floats, Ints] | None:
    same, span, step = _steps(spots, order, track)
    start = order[:-1][same]
    brownian = step - field.over_step(spots.frame[start], span, spots.xy_um[start])
    single = span == 1
    owner = track[order][:-1][same][single]
    count = np.bincount(owner, minlength=1)
    square = np.bincount(owner, (brownian[single] ** 2).mean(axis=1), minlength=1)
    long_enough = count >= MIN_STEPS
    if long_enough.sum() < 5:
        return None
    n = count[long_enough].astype(np.int64)
    return radius.step_variances(square[long_enough] / n, n), n


def _assemble(
    detections: Detections,
    spots: _Spots,
    linked: _Linked,
    conditions: Conditions,
    settings: TrackingSettings,
) -> Tracks:
    rows = spots.table.iloc[linked.order]
    frame, xy = spots.frame[linked.order], spots.xy_um[linked.order]
    number = np.unique(linked.track, return_inverse=True)[1]
    same = number[1:] == number[:-1]
    span = np.diff(frame)[same]
    flow_step = linked.field.over_step(frame[:-1][same], span, xy[:-1][same])
    brownian = np.diff(xy, axis=0)[same] - flow_step
    carried = np.zeros((len(frame), 2))
    carried[1:][same] = flow_step
    carried = np.cumsum(carried, axis=0)
    start = np.concatenate([[True], ~same]) if len(frame) else np.zeros(0, bool)
    if len(frame):
        carried -= carried[start][np.cumsum(start) - 1]
    flags = rows["flags"].to_numpy().copy()
    flags[1:][same] |= np.where(span > 1, Flag.AFTER_GAP, 0).astype(np.uint32)
    times = detections.frames["t_s"].to_numpy()
    table = TRACKS.build(
        track_id=number,
        frame=frame,
        t_s=times[frame],
        x_um=xy[:, 0],
        y_um=xy[:, 1],
        loc_se_nm=rows["loc_se_px"].to_numpy() * conditions.pixel_size_um * 1e3,
        brightness=rows["brightness"].to_numpy(),
        snr=rows["snr"].to_numpy(),
        flags=flags,
    )
    single = span == 1
    speed = linked.field.per_frame_um / conditions.frame_interval_s
    frames = detections.frames.assign(flow_x_um_s=speed[:, 0], flow_y_um_s=speed[:, 1])
    chosen = linked.radius
    return Tracks(
        table=table,
        flow_um=carried,
        flow_parameters=linked.field.parameters,
        frames=frames,
        search_radius_um=chosen.radius_um,
        choices={
            "search_radius_um": Value(value=chosen.radius_um, unit="um", source=chosen.reason),
            "max_gap_frames": Value(value=settings.max_gap_frames, source="given or default"),
            "border_um": Value(
                value=linked.border_um,
                unit="um",
                source="2.5 standard deviations of the step of the fastest particles, and the flow",
            ),
            "remove_flow": Value(value=settings.remove_flow, source="given or default"),
        },
        diagnostics={
            "truncated_step_share": linked.truncated,
            "ambiguous_link_share": linking.ambiguous_share(
                frame[:-1][same][single],
                xy[:-1][same][single],
                brownian[single],
                chosen.radius_um,
            ),
            "in_company_share": linked.in_company,
            "crowding_radius_um": chosen.limit_um if np.isfinite(chosen.limit_um) else None,
            "flow_speed_um_s": float(np.hypot(*speed.mean(axis=0))) if len(speed) else 0.0,
            "max_flow_step_um": _fastest(linked.field.per_frame_um),
        },
    )

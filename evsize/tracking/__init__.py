"""Spots in, tracks out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.physics import Conditions
from evsize.results import Acquisition, Detections, Tracks, Value, as_conditions, numbers
from evsize.settings import TrackingSettings
from evsize.tables import TRACKS, Flag
from evsize.tracking import events, linking, missed, radius, resting, rounds
from evsize.tracking.film import Film
from evsize.tracking.motion import Motion, before_linking, no_motion

__all__ = ["link"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
        With no spot, an empty table and zero flow. Scene cuts, stage jumps and pulses are flags of
        ``frames``.

    Notes
    -----
    For a likelihood: every step over one frame was looked for within ``search_radius_um`` of the
    position from which it starts plus what ``flow_um`` gains over it. Steps less that gain are
    therefore cut off at the radius, and nowhere else. Over a missed frame the radius is the same;
    where a position between was left out because of a neighbour, the step is the sum of two or
    three that were cut off one by one.
    """
    settings, conditions = settings or TrackingSettings(), as_conditions(acquisition)
    table, rests, film, linked = follow(detections, conditions, settings)
    if detections.faint is not None:
        noise = detections.frames["noise"].to_numpy()
        film, linked, table = missed.fill_gaps(film, linked, detections.faint, table, noise)
    tracks = _assemble(detections, table, film, linked, conditions, settings)
    share = float(rests.mean()) if len(rests) else 0.0
    return replace(tracks, diagnostics={**tracks.diagnostics, "resting_spot_share": share})


def follow(
    detections: Detections, conditions: Conditions, settings: TrackingSettings
) -> tuple[pd.DataFrame, NDArray[np.bool_], Film, rounds.Linked]:
    """Link the spots.

    Returns
    -------
    spots : DataFrame
        Those that do not rest, by frames.
    rests : ndarray of bool
        Which of all spots, by frames, do.
    film, linked
        What is known of the recording, and the tracks.
    """
    table = detections.table.sort_values("frame", kind="stable", ignore_index=True)
    rests = _resting(table, conditions)
    table = table[~rests].reset_index(drop=True)
    film = _film(table, detections, conditions, settings)
    step_um = _first_step_um(table, conditions, settings)
    first = _first_radius(film, step_um, settings)
    motion = no_motion(film.n_frames)
    if settings.remove_flow and len(table):
        reach = max(1.5 * first.radius_um, 12 * conditions.pixel_size_um)
        kernel = max(step_um, 0.5 * conditions.pixel_size_um)
        motion = before_linking(film, reach, kernel)
    return (
        table,
        rests,
        film,
        rounds.link_rounds(film, motion, first, fit_flow=settings.remove_flow),
    )


def _resting(table: pd.DataFrame, conditions: Conditions) -> NDArray[np.bool_]:
    """Spots of dust and stuck particles: they are left out."""
    reach_um = resting.REACH_PX * conditions.pixel_size_um
    slowest_um2_s = conditions.diffusion_um2_s(resting.LARGEST_NM)
    stretch = resting.stretch_frames(reach_um, slowest_um2_s, conditions.frame_interval_s)
    xy_um = table[["x_px", "y_px"]].to_numpy() * conditions.pixel_size_um
    return resting.resting(table["frame"].to_numpy(), xy_um, reach_um, stretch)


def _film(
    table: pd.DataFrame,
    detections: Detections,
    conditions: Conditions,
    settings: TrackingSettings,
) -> Film:
    pixel = conditions.pixel_size_um
    window = detections.choices.get("window_px")
    overlap_px = float(window.value) if window and window.value else 0.0
    return Film(
        frame=table["frame"].to_numpy(),
        xy_um=table[["x_px", "y_px"]].to_numpy() * pixel,
        weak=(table["flags"].to_numpy() & np.uint32(Flag.WEAK)) > 0,
        merged=(table["flags"].to_numpy() & np.uint32(Flag.MERGED)) > 0,
        snr=table["snr"].to_numpy(),
        n_frames=len(detections.frames),
        size_um=(detections.width_px * pixel, detections.height_px * pixel),
        overlap_um=overlap_px * pixel,
        blur=conditions.blur,
        max_gap=settings.max_gap_frames,
        faint=missed.peaks_of(detections.faint, len(detections.frames), pixel),
    )


def _first_step_um(
    table: pd.DataFrame, conditions: Conditions, settings: TrackingSettings
) -> float:
    """Standard deviation of the step of the smallest particle along an axis, um."""
    known = table["loc_se_px"].dropna()
    se = float(known.median()) if len(known) else 0.0
    return radius.step_sd_um(
        conditions.diffusion_um2_s(settings.smallest_diameter_nm),
        conditions.frame_interval_s,
        conditions.blur,
        (max(se, 0.0) * conditions.pixel_size_um) ** 2,
    )


def _first_radius(film: Film, step_um: float, settings: TrackingSettings) -> rounds.Radius:
    given = settings.search_radius_um
    if given is not None:
        return rounds.Radius(given, given, True, "given")
    limit = radius.crowding_limit_um(len(film.frame) / max(film.n_frames, 1), film.area_um2)
    wanted = radius.REACH * step_um
    if wanted > limit:
        return rounds.Radius(limit, limit, False, radius.CROWDED)
    reason = f"the step that a {settings.smallest_diameter_nm:g} nm particle exceeds once in 10,000"
    return rounds.Radius(wanted, wanted, False, reason)


def _assemble(
    detections: Detections,
    spots: pd.DataFrame,
    film: Film,
    linked: rounds.Linked,
    conditions: Conditions,
    settings: TrackingSettings,
) -> Tracks:
    rows = spots.iloc[linked.order]
    frame, xy = film.frame[linked.order], film.xy_um[linked.order]
    number = np.unique(linked.track, return_inverse=True)[1]
    same = number[1:] == number[:-1]
    span = np.diff(frame)[same]
    field = linked.motion.field
    flow_step = field.over_step(frame[:-1][same], span, xy[:-1][same])
    brownian = np.diff(xy, axis=0)[same] - flow_step
    flags = rows["flags"].to_numpy().copy()
    flags[1:][same] |= np.where(span > 1, Flag.AFTER_GAP, 0).astype(np.uint32)
    unsure = np.diff(linked.doubts[linked.order])[same] > 0
    flags[1:][same] |= np.where(unsure, Flag.UNSURE, 0).astype(np.uint32)
    table = TRACKS.build(
        track_id=number,
        frame=frame,
        t_s=detections.frames["t_s"].to_numpy()[frame],
        x_um=xy[:, 0],
        y_um=xy[:, 1],
        loc_se_nm=rows["loc_se_px"].to_numpy() * conditions.pixel_size_um * 1e3,
        brightness=rows["brightness"].to_numpy(),
        snr=rows["snr"].to_numpy(),
        flags=flags,
    )
    single = span == 1
    speed = field.per_frame_um / conditions.frame_interval_s
    chosen = linked.radius
    return Tracks(
        table=table,
        flow_um=_carried(same, flow_step) if len(frame) else np.zeros((0, 2)),
        flow_parameters=field.parameters,
        frames=detections.frames.assign(
            flow_x_um_s=speed[:, 0],
            flow_y_um_s=speed[:, 1],
            flags=detections.frames["flags"].to_numpy() | _frame_flags(linked.motion),
        ),
        search_radius_um=chosen.radius_um,
        choices=_choices(linked, settings) | _sight(detections, film),
        diagnostics={
            "truncated_step_share": linked.truncated,
            "ambiguous_link_share": linking.ambiguous_share(
                frame[:-1][same][single],
                xy[:-1][same][single],
                brownian[single],
                chosen.radius_um,
            ),
            "in_company_share": linked.in_company,
            "filled_share": float(((flags & np.uint32(Flag.FILLED)) > 0).mean())
            if len(flags)
            else 0.0,
            "crowding_radius_um": chosen.most_um,
            "flow_speed_um_s": float(np.hypot(*speed.mean(axis=0))) if len(speed) else 0.0,
            "max_flow_step_um": field.fastest_um(film.size_um),
        },
    )


def _carried(same: NDArray[np.bool_], flow_step: Floats) -> Floats:
    """Displacement by the flow since the first position of each track, um."""
    carried = np.zeros((len(same) + 1, 2))
    carried[1:][same] = flow_step
    carried = np.cumsum(carried, axis=0)
    start = np.concatenate([[True], ~same])
    return np.asarray(carried - carried[start][np.cumsum(start) - 1])


def _frame_flags(motion: Motion) -> NDArray[np.uint32]:
    """Marks on the frames behind a scene cut or a sudden motion."""
    flags = np.where(motion.cuts, np.uint32(Flag.SCENE_CUT), np.uint32(0))
    for run in events.runs(motion.sudden):
        flags[run + 1] |= np.uint32(Flag.STAGE_JUMP if len(run) == 1 else Flag.PULSE)
    return flags.astype(np.uint32)


def _sight(detections: Detections, film: Film) -> dict[str, Value]:
    """What the likelihood has to know of how particles are seen; none from another detection."""
    known = numbers(detections.choices, "spot_sd_px", "filter_sd_px", "weak_threshold_snr")
    if known is None:
        return {}
    spot_sd_px, filter_sd_px, spot = known
    answer = math.hypot(spot_sd_px, filter_sd_px)
    faint = film.faint.lowest_snr if film.faint else spot
    return {
        "answer_sd_px": Value(value=answer, unit="px", source="spot and filter together"),
        "spot_snr": Value(value=spot, source="lower threshold of the detection"),
        "faint_snr": Value(value=round(faint, 2), source="the faintest peak that may fill a gap"),
    }


def _choices(linked: rounds.Linked, settings: TrackingSettings) -> dict[str, Value]:
    chosen = linked.radius
    border_reason = "2.5 standard deviations of the step of the fastest particles, and the flow"
    return {
        "search_radius_um": Value(value=chosen.radius_um, unit="um", source=chosen.reason),
        "max_gap_frames": Value(value=settings.max_gap_frames, source="given or default"),
        "border_um": Value(value=linked.border_um, unit="um", source=border_reason),
        "remove_flow": Value(value=settings.remove_flow, source="given or default"),
    }

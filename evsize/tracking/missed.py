"""Frames in which a track missed its particle, and the faint peaks that fill them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.results import FaintPeaks
from evsize.tables import DETECTIONS, Flag
from evsize.tracking import filling
from evsize.tracking.film import Film
from evsize.tracking.rounds import Linked
from evsize.tracking.steps import Steps, longer, snr_spread, snr_variation, variance_of_tracks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_FOUND = 3
"""Spots of a track that is filled. With it nine blank films of 12 s (hot pixels and faint specks
among them) count no track, and drawn films of 60 nm none that no particle has left."""


def peaks_of(faint: FaintPeaks | None, n_frames: int, pixel_um: float) -> filling.Peaks | None:
    """Peaks that are no spots, in um; None where there are none."""
    if faint is None or not len(faint.snr):
        return None
    snr = faint.snr.astype(np.float64)
    return filling.Peaks(
        np.searchsorted(faint.frame, np.arange(n_frames + 1)),
        np.column_stack([faint.x_px, faint.y_px]).astype(np.float64) * pixel_um,
        snr,
        np.log(faint.noise_per_px.astype(np.float64) / pixel_um**2),
        (faint.unit_error_px * pixel_um / snr) ** 2,
        float(snr.min()),
        float(snr.max()),
        pixel_um,
    )


def fill_gaps(
    film: Film,
    linked: Linked,
    faint: FaintPeaks,
    spots: pd.DataFrame,
    noise: Floats,
) -> tuple[Film, Linked, pd.DataFrame]:
    """Add to film, tracks and spots the faint peaks where tracks missed their particle.

    Parameters
    ----------
    film, linked
        Spots and their tracks.
    faint : FaintPeaks
        Peaks that are no spots.
    spots : DataFrame
        Rows as in `film`, schema `tables.DETECTIONS`.
    noise : ndarray, (n_frames,)
        Noise of a pixel in each frame, grey levels.
    """
    at = _gaps(film, linked)
    if not len(at) or film.faint is None:
        return film, linked, spots
    chosen = filling.fill(_describe(film, linked, at), film.faint)
    gap, _ = np.nonzero(chosen >= 0)
    peak = chosen[chosen >= 0]
    if not len(peak):
        return film, linked, spots
    frame, snr = faint.frame[peak].astype(np.int64), faint.snr[peak].astype(np.float64)
    rows = DETECTIONS.build(
        frame=frame,
        x_px=faint.x_px[peak],
        y_px=faint.y_px[peak],
        loc_se_px=faint.unit_error_px / snr,
        brightness=faint.unit_brightness * snr * noise[frame],
        snr=snr,
        flags=np.full(len(peak), int(Flag.WEAK | Flag.FILLED)),
    )
    added = len(film.frame) + np.arange(len(peak))
    film = replace(
        film,
        frame=np.concatenate([film.frame, frame]),
        xy_um=np.concatenate([film.xy_um, film.faint.xy_um[peak]]),
    )
    order = np.concatenate([linked.order, added])
    track = np.concatenate([linked.track, linked.track[at[gap]]])
    sort = np.lexsort((film.frame[order], track))
    doubts = np.concatenate([linked.doubts, linked.doubts[linked.order[at[gap] + 1]]])
    linked = replace(linked, order=order[sort], track=track[sort], doubts=doubts)
    return film, linked, pd.concat([spots, rows], ignore_index=True)


def _gaps(film: Film, linked: Linked) -> Ints:
    """Number of the position before each gap in which the track had no spot at all.

    A spot may be there and not count, because of a neighbour: it is no faint peak. Tracks of fewer
    than `LEAST_FOUND` spots may be noise, which faint peaks would make longer.
    """
    order, track = linked.order, linked.track
    span = np.diff(film.frame[order])
    missed = (np.diff(track) == 0) & (span > 1) & (span <= filling.LONGEST + 1)
    missed &= np.bincount(track)[track[:-1]] >= LEAST_FOUND
    at = np.flatnonzero(missed)
    spots = np.unique(linked.whole * film.n_frames + film.frame)
    before = linked.whole[order[at]] * film.n_frames + film.frame[order[at]]
    between = np.searchsorted(spots, before + span[at]) - np.searchsorted(spots, before) - 1
    return np.asarray(at[between == 0])


def _describe(film: Film, linked: Linked, at: Ints) -> filling.Gaps:
    order, track, field = linked.order, linked.track, linked.motion.field
    start, stop = order[at], order[at + 1]
    frame, xy = film.frame, film.xy_um
    spans = range(1, filling.LONGEST + 2)
    flow = [field.over_step(frame[start], m, xy[start]) for m in spans]
    steps = Steps.of(film, order, track)
    single = steps.single
    moved = steps.less(field)[single]
    variance = variance_of_tracks(steps.owner[single], moved, int(track.max()) + 1)
    snr = film.snr[order]
    expected = 0.5 * (snr[at] + snr[at + 1])
    return filling.Gaps(
        frame[start],
        frame[stop] - frame[start] - 1,
        xy[start],
        xy[stop],
        np.stack(flow, axis=1),
        variance[track[at]][:, None] * longer(filling.LONGEST + 1, film.blur),
        expected,
        snr_spread(expected, snr_variation(snr, frame[order], track)),
    )

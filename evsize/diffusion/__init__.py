"""Tracks in, likelihoods of the diffusion coefficient out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.diffusion import covariance, likelihood, noise, segments, sight, still
from evsize.physics import Conditions
from evsize.results import (
    Acquisition,
    Likelihoods,
    NoiseUncertainty,
    Tracks,
    Value,
    as_conditions,
    numbers,
)
from evsize.settings import DiffusionSettings
from evsize.tables import Flag
from evsize.trajectories import as_tracks

__all__ = ["estimate_diffusion"]

Floats = NDArray[np.float64]
TELL_FIELD = 200
"""Tracks whose outermost positions tell the ends of the field: of so many, spread evenly, the last
is within half a percent of its side."""
LAGS = (2, 3, 4, 5, 6)
DISPLACEMENT_LAGS = (1, 2, 4, 6, 8, 12)


def default_grid(conditions: Conditions) -> Floats:
    """Diffusion coefficients (um^2/s) of 240 diameters from 10 to 3000 nm."""
    return conditions.stokes_einstein_um3_s / np.geomspace(0.01, 3.0, 240)


def estimate_diffusion(
    tracks: Tracks | pd.DataFrame,
    acquisition: Acquisition | Conditions,
    settings: DiffusionSettings | None = None,
    *,
    d_um2_s: Floats | None = None,
) -> Likelihoods:
    """Work out the likelihood of the diffusion coefficient of every usable track.

    Parameters
    ----------
    tracks : Tracks or DataFrame
        Positions linked into tracks, with the flow to be removed; or a table such as trackpy's
        (``particle, frame, x, y``; see `evsize.trajectories.as_tracks`), whose flow is not.
    acquisition : Acquisition or Conditions
        Frame rate and exposure.
    settings : DiffusionSettings, optional
        What a usable track is, and the localisation noise where it is known.
    d_um2_s : ndarray, (g,), optional
        Diffusion coefficients to evaluate, um^2/s; by default those of 10 to 3000 nm.

    Returns
    -------
    Likelihoods
        Tracks too short, not moving at all, or the same as another one step for step are left
        out and counted in ``rejected``.

    Notes
    -----
    Berglund, Phys. Rev. E 82, 011917 (2010), on the positions seen, each with its own localisation
    variance, which is pooled over the recording (see `noise.pool`). Fitting the flow removes a
    little diffusion with it; steps are scaled by sqrt(M/(M - p)) for M steps and p parameters.
    """
    settings, conditions = settings or DiffusionSettings(), as_conditions(acquisition)
    grid = default_grid(conditions) if d_um2_s is None else np.asarray(d_um2_s, float)
    if isinstance(tracks, pd.DataFrame):
        tracks = as_tracks(tracks, conditions).tracks
    table = tracks.table
    track_id, frame = table["track_id"].to_numpy(), table["frame"].to_numpy()
    xy = table[["x_um", "y_um"]].to_numpy() - tracks.flow_um
    raw = segments.cut(track_id, frame, xy)
    long_enough = raw.n_positions >= settings.min_positions
    copy = segments.copies(raw) & long_enough
    keep = np.repeat(long_enough & ~copy, raw.n_positions)
    scale = flow_correction(len(raw.span), tracks.flow_parameters)
    kept = table[keep]
    in_image_um = kept[["x_um", "y_um"]].to_numpy()
    unsure = (kept["flags"].to_numpy() & np.uint32(Flag.UNSURE)) > 0
    steps = segments.cut(track_id[keep], frame[keep], xy[keep] * scale, unsure)
    per_track = _per_track(kept, steps.start, _carried(tracks, frame[keep], conditions))

    squares, products, n_squares, n_products = segments.track_moments(steps)
    d_cov, s2_cov = covariance.from_moments(
        squares, products, conditions.frame_interval_s, conditions.blur
    )
    usable = n_products > 0
    floor = (1e-3 * conditions.pixel_size_um) ** 2
    predicted = noise.along_tracks(_predicted(kept["loc_se_nm"].to_numpy()), steps.start)
    seen = segments.seen_variance(steps, predicted, conditions.blur)
    pooled = _noise(settings, s2_cov, n_products, seen, floor, usable)
    variance = pooled.of_positions(predicted)
    paths = _paths(tracks.choices, kept, steps.start, grid, conditions)
    log_l = likelihood.evaluate(steps, grid, variance, conditions, paths)
    slope = likelihood.noise_slope(steps, grid, pooled, variance, log_l, conditions, paths)
    stays = still.stationary(
        in_image_um,
        xy[keep],
        steps.start,
        pooled.loc_var_um2,
        log_l,
        grid,
    )
    log_l -= likelihood.unseen_steps(
        steps, grid, pooled.loc_var_um2, tracks.search_radius_um, conditions
    )
    log_l -= likelihood.steps_out(
        steps,
        _carried_ends(in_image_um, tracks.flow_um[keep], steps),
        _field(in_image_um, len(steps.start) - 1),
        grid,
        pooled.loc_var_um2,
        conditions,
    )
    flags = per_track["flags"].copy()
    flags[np.nan_to_num(d_cov, nan=1.0) < 0] |= np.uint32(Flag.NEGATIVE_D)
    used = ~stays
    return Likelihoods(
        track_id=per_track["track_id"][used],
        n_positions=steps.n_positions[used],
        first_frame=per_track["first_frame"][used],
        x_um=per_track["x_um"][used],
        y_um=per_track["y_um"][used],
        d_um2_s=grid,
        log_likelihood=log_l[used],
        d_cov_um2_s=d_cov[used],
        loc_sd_um=np.sqrt(pooled.loc_var_um2)[used],
        flags=flags[used],
        rejected={
            "too_short": int((~long_enough).sum()),
            "copy": int(copy.sum()),
            "stationary": int(stays.sum()),
        },
        choices=_choices(settings, pooled),
        diagnostics=_diagnostics(
            _subset(steps, used), pooled, conditions, squares[used], n_squares[used]
        ),
        last_frame=per_track["last_frame"][used],
        start_um=per_track["start_um"][used],
        end_um=per_track["end_um"][used],
        noise=NoiseUncertainty(
            slope[used], pooled.shape[used], pooled.influence[used], pooled.prior_sd
        ),
    )


def _field(xy_um: Floats, n_tracks: int) -> Floats:
    """Lower and upper end of the field along x and y, um; infinite where too few tracks tell it.

    Spots are not found up to the very edge of an image, so the outermost positions tell.
    """
    if n_tracks < TELL_FIELD:
        return np.array([[-np.inf, -np.inf], [np.inf, np.inf]])
    return np.stack([xy_um.min(axis=0), xy_um.max(axis=0)])


def _carried_ends(xy_um: Floats, flow_um: Floats, steps: segments.Steps) -> Floats:
    """Where each step would end in the image if the particle moved with the flow alone, um."""
    begin = steps.begin
    return np.asarray(xy_um[begin] + flow_um[begin + 1] - flow_um[begin])


def flow_correction(n_steps: int, n_parameters: int) -> float:
    """Factor on the steps that makes up for the diffusion which a fitted flow took away."""
    return float(np.sqrt(n_steps / (n_steps - n_parameters))) if n_steps > n_parameters else 1.0


def _paths(
    choices: Mapping[str, Value],
    table: pd.DataFrame,
    start: NDArray[np.int64],
    grid: Floats,
    conditions: Conditions,
) -> sight.Moments | None:
    """What is known of the paths within the exposures: None for tracks of another program."""
    known = numbers(choices, "answer_sd_px", "spot_snr", "faint_snr")
    if known is None or not len(table):
        return None
    answer_sd_px, spot_snr, faint_snr = known
    seen = sight.Sight(answer_sd_px * conditions.pixel_size_um, spot_snr, faint_snr)
    faint = (table["flags"].to_numpy() & np.uint32(Flag.FILLED)) > 0
    exposure_s = conditions.exposure_fraction * conditions.frame_interval_s
    return sight.moments(seen, start, table["snr"].to_numpy(), faint, grid, exposure_s)


def _subset(steps: segments.Steps, used: NDArray[np.bool_]) -> segments.Steps:
    n_positions = steps.n_positions
    keep = np.repeat(used, n_positions - 1)
    start = np.concatenate([[0], np.cumsum(n_positions[used])]).astype(np.int64)
    return segments.Steps(
        start, steps.step_um[keep], steps.span[keep], steps.frame[keep], steps.sure[keep]
    )


def _carried(tracks: Tracks, frame: NDArray[np.int64], conditions: Conditions) -> Floats:
    """How far the flow has carried everything since the recording began, (positions, 2), um."""
    speed = tracks.frames[["flow_x_um_s", "flow_y_um_s"]].to_numpy()
    path = np.cumsum(np.nan_to_num(speed), axis=0) * conditions.frame_interval_s
    number = tracks.frames["frame"].to_numpy()
    return path[np.searchsorted(number, frame)] if len(frame) else np.zeros((0, 2))


def _per_track(table: Any, start: NDArray[np.int64], carried_um: Floats) -> dict[str, NDArray[Any]]:
    first, count = start[:-1], np.diff(start)

    def mean(values: NDArray[Any]) -> Floats:
        return np.add.reduceat(values, first) / count if len(first) else np.zeros(0)

    flags = table["flags"].to_numpy()
    last = start[1:] - 1
    still_um = table[["x_um", "y_um"]].to_numpy() - carried_um
    return {
        "track_id": table["track_id"].to_numpy()[first],
        "first_frame": table["frame"].to_numpy()[first],
        "last_frame": table["frame"].to_numpy()[last],
        "start_um": still_um[first],
        "end_um": still_um[last],
        "x_um": mean(table["x_um"].to_numpy()),
        "y_um": mean(table["y_um"].to_numpy()),
        "flags": (flags[last] & np.uint32(Flag.AMBIGUOUS_END)).astype(np.uint32),
    }


def _predicted(loc_se_nm: Floats) -> Floats:
    """Squared localisation standard error of each position, um^2."""
    predicted = (loc_se_nm * 1e-3) ** 2
    # the worst hundredth is held back: a few failed fits would set the noise of the recording
    return np.minimum(predicted, np.quantile(predicted, 0.99) if len(predicted) else 0.0)


def _noise(
    settings: DiffusionSettings,
    s2_cov: Floats,
    n_products: NDArray[np.int64],
    predicted: Floats,
    floor: float,
    usable: NDArray[np.bool_],
) -> noise.PooledNoise:
    weights = np.where(usable, n_products, 0).astype(float)
    pooled = noise.pool(np.where(usable, s2_cov, 0.0), weights, predicted, floor)
    if settings.loc_sd_nm is None:
        return pooled
    return noise.given(max((settings.loc_sd_nm * 1e-3) ** 2, floor), pooled)


def _choices(settings: DiffusionSettings, pooled: noise.PooledNoise) -> dict[str, Value]:
    if settings.loc_sd_nm is not None:
        source = "given"
    elif np.isfinite(pooled.predicted_um2):
        source = "pooled over the recording: measured from the steps and predicted from the noise"
    else:
        source = "pooled over the recording: measured from the steps"
    typical = float(np.sqrt(np.median(pooled.loc_var_um2)) * 1e3) if len(pooled.loc_var_um2) else 0
    return {
        "min_positions": Value(value=settings.min_positions, source="given or default"),
        "loc_sd_nm": Value(value=typical or None, unit="nm", source=source),
    }


def _diagnostics(
    steps: segments.Steps,
    pooled: noise.PooledNoise,
    conditions: Conditions,
    squares: Floats,
    n_squares: NDArray[np.int64],
) -> dict[str, float | None]:
    correlation, error = segments.lagged_correlation(steps, LAGS)
    displacement = segments.lagged_displacement(steps, DISPLACEMENT_LAGS)
    variation, variation_z, period = segments.frame_variation(steps)
    values: dict[str, float] = {
        "frame_step_variation": variation,
        "frame_step_variation_z": variation_z,
        "frame_step_period": period,
        "loc_var_measured_um2": pooled.measured_um2,
        "loc_var_measured_se_um2": pooled.measured_se_um2,
        "loc_var_predicted_um2": pooled.predicted_um2,
        "n_steps": float(n_squares.sum()),
        "mean_square_step_um2": float(np.nansum(squares * n_squares) / max(n_squares.sum(), 1)),
    }
    for lag, c, e in zip(LAGS, correlation, error, strict=True):
        values[f"step_correlation_lag_{lag}"] = float(c)
        values[f"step_correlation_se_lag_{lag}"] = float(e)
    typical = float(np.mean(pooled.loc_var_um2)) if len(pooled.loc_var_um2) else 0.0
    for lag, msd in zip(DISPLACEMENT_LAGS, displacement, strict=True):
        travel = (msd - 2 * typical) / (
            2 * conditions.frame_interval_s * (lag - 2 * conditions.blur)
        )
        values[f"diameter_from_lag_{lag}_nm"] = (
            conditions.diameter_nm(float(travel)) if travel > 0 else float("nan")
        )
    return {key: value if np.isfinite(value) else None for key, value in values.items()}

"""Tracks of particles in a light sheet, with truth, simulated without pictures.

What makes real tracks harder than independent ones is here: a particle leaves the sheet and comes
back, and so leaves several tracks; weak spots are missed now and then; the localisation error
follows the brightness, which follows size and depth; bright particles are followed for longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evsize.physics import Conditions, water_viscosity_mpas
from evsize.results import Tracks
from evsize.tables import FRAMES, TRACKS

Floats = NDArray[np.float64]
Population = Callable[[int, np.random.Generator], Floats]
"""Draws the diameters (nm) of n particles."""


@dataclass(frozen=True)
class Regime:
    """An instrument as far as its tracks tell.

    Attributes
    ----------
    conditions : Conditions
        Pixel size, frame interval, exposure, temperature, viscosity.
    field_um : (float, float)
        Width and height of the field of view; its sides are periodic.
    sheet_um : float
        1/e^2 radius of the light sheet.
    spot_sd_um : float
        Standard deviation of a spot.
    snr_at_100nm : float
        Signal-to-noise ratio of 100 nm in the middle of the sheet.
    """

    conditions: Conditions
    field_um: tuple[float, float]
    sheet_um: float
    spot_sd_um: float
    snr_at_100nm: float = 20.0


def _water(pixel_size_um: float, interval_s: float, exposure: float) -> Conditions:
    return Conditions(pixel_size_um, interval_s, exposure, 22.0, water_viscosity_mpas(22.0))


REGIMES = {
    "nanosight": Regime(_water(0.166, 0.04, 0.5), (106.0, 80.0), 5.0, 0.28),
    "zetaview": Regime(_water(0.713, 1 / 30, 0.3), (228.0, 171.0), 11.0, 0.6),
}
SNR_SEEN = 5.0
SNR_EXPONENT = 3.0
"""Brightness grows with the diameter to this power: between vesicles and Rayleigh scattering."""
BOX_SHEETS = 4.0
"""Half height of the box in sheet radii: the walls reflect."""
NOISE_FACTOR = 1.3
"""True localisation variance over that which the camera noise predicts."""
NOISE_FLOOR_UM = 0.01
LONGEST_SPAN = 2


@dataclass(frozen=True)
class Sheet:
    """Simulated tracks and the particles that left them.

    Attributes
    ----------
    tracks : Tracks
        As the tracking stage hands them on, without flow.
    diameter_nm : ndarray, (positions,)
        True diameter behind each row of the table.
    particle : ndarray of int, (positions,)
        Particle behind each row.
    """

    tracks: Tracks
    diameter_nm: Floats
    particle: NDArray[np.int64]


def simulate_sheet(
    population: Population, regime: Regime, n_in_view: float, n_frames: int, seed: int
) -> Sheet:
    """Simulate the tracks of a recording.

    Parameters
    ----------
    population : callable
        Draws diameters, nm.
    regime : Regime
        The instrument.
    n_in_view : float
        Mean number of particles within one sheet radius of the middle.
    n_frames : int
        Length of the recording.
    seed : int
        Same seed, same tracks.
    """
    rng = np.random.default_rng(seed)
    n = rng.poisson(n_in_view * BOX_SHEETS)
    diameter = population(n, rng)
    average = _positions(diameter, regime, n_frames, rng)
    z = average[..., 2] / regime.sheet_um
    snr = regime.snr_at_100nm * (diameter[:, None] / 100) ** SNR_EXPONENT * np.exp(-2 * z**2)
    seen = snr + rng.standard_normal(snr.shape) > SNR_SEEN
    particle, frame = np.nonzero(seen)
    predicted = regime.spot_sd_um / snr[seen]
    noise = np.sqrt(NOISE_FACTOR * predicted**2 + NOISE_FLOOR_UM**2)
    xy = average[seen][:, :2] + noise[:, None] * rng.standard_normal((len(frame), 2))
    new = (np.diff(particle, prepend=-1) != 0) | (np.diff(frame, prepend=-99) > LONGEST_SPAN)
    track = np.cumsum(new) - 1
    # a track may leave through a periodic side: it is followed on, from where it entered
    field = np.asarray(regime.field_um)
    xy -= (np.floor(xy[new] / field) * field)[track]
    table = TRACKS.build(
        track_id=track,
        frame=frame,
        t_s=frame * regime.conditions.frame_interval_s,
        x_um=xy[:, 0],
        y_um=xy[:, 1],
        loc_se_nm=predicted * 1e3,
        brightness=snr[seen] * 50,
        snr=snr[seen],
        flags=np.zeros(len(frame)),
    )
    return Sheet(
        Tracks(table, np.zeros((len(frame), 2)), 0, _frames(n_frames, regime), 10.0, {}),
        diameter[particle],
        particle,
    )


def _positions(
    diameter_nm: Floats, regime: Regime, n_frames: int, rng: np.random.Generator
) -> Floats:
    """Positions (particles, frames, 3) averaged over each exposure, um; exactly distributed."""
    where = regime.conditions
    d = (where.stokes_einstein_um3_s / diameter_nm * 1e3)[:, None, None]
    open_s = where.exposure_fraction * where.frame_interval_s
    shape = (len(diameter_nm), n_frames, 3)
    opened = np.sqrt(2 * d * open_s) * rng.standard_normal(shape)
    shut = np.sqrt(2 * d * (where.frame_interval_s - open_s)) * rng.standard_normal(shape)
    half = BOX_SHEETS * regime.sheet_um
    low, side = np.array([0, 0, -half]), np.array([*regime.field_um, 2 * half])
    start = low + side * rng.random((len(diameter_nm), 1, 3))
    moved = opened + shut
    average = start + np.cumsum(moved, axis=1) - moved + opened / 2
    average += np.sqrt(d * open_s / 6) * rng.standard_normal(shape)
    average[..., 2] = np.abs((average[..., 2] - half) % (4 * half) - 2 * half) - half
    return np.asarray(average)


def _frames(n_frames: int, regime: Regime):  # type: ignore[no-untyped-def]
    zeros = np.zeros(n_frames)
    return FRAMES.build(
        frame=np.arange(n_frames),
        t_s=np.arange(n_frames) * regime.conditions.frame_interval_s,
        detections=zeros,
        false_detections=zeros,
        background=zeros,
        noise=zeros,
        flow_x_um_s=zeros,
        flow_y_um_s=zeros,
        flags=zeros,
    )

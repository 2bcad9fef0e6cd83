"""What the stages hand on: frozen dataclasses around schema-checked tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evsize.results.acquisition import Acquisition
from evsize.results.figures import ClassShare, DistributionSummary, Misev, Summary
from evsize.results.values import Estimate, Floats, Value


class Frames(Protocol):
    """What detection needs of a recording: grey frames in any order."""

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Height and width, px."""

    @property
    def white_level(self) -> float:
        """Grey level at which a pixel is saturated."""

    @property
    def acquisition(self) -> Acquisition:
        """How the recording was made."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: int, /) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class FaintPeaks:
    """Peaks of the filtered frames too weak to be spots, in order of frames.

    Attributes
    ----------
    frame : ndarray of int32, (n,)
    x_px, y_px : ndarray of float32, (n,)
    snr : ndarray of float32, (n,)
        Matched-filter amplitude in units of its noise.
    noise_per_px : ndarray of float32, (n,)
        Peaks of that SNR which noise makes, a pixel and unit of SNR.
    unit_error_px : float
        Standard error of a place, times the SNR.
    unit_brightness : float
        Sum over the spot in noises of a pixel, over the SNR.
    """

    frame: NDArray[np.int32]
    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    snr: NDArray[np.float32]
    noise_per_px: NDArray[np.float32]
    unit_error_px: float
    unit_brightness: float


@dataclass(frozen=True)
class Detections:
    """Spots found in a recording.

    Attributes
    ----------
    table : DataFrame
        One row a spot, schema `tables.DETECTIONS`.
    frames : DataFrame
        One row a frame, schema `tables.FRAMES`; the flow is still empty (NaN).
    height_px, width_px : int
        Size of a frame.
    choices : dict of str to Value
        Every setting used, ``source`` saying whether it was given or why it was chosen.
    preview : ndarray
        One frame, as read, for pictures.
    preview_frame : int
        Its number.
    plan : object
        What the detection decided, for frames to be searched again in the same way.
    faint : FaintPeaks, optional
        Peaks that may fill gaps of tracks; by default none are known.
    """

    table: pd.DataFrame
    frames: pd.DataFrame
    height_px: int
    width_px: int
    choices: Mapping[str, Value]
    preview: NDArray[Any] | None = None
    preview_frame: int = 0
    faint: FaintPeaks | None = None
    plan: object = None


@dataclass(frozen=True)
class Tracks:
    """Positions linked into tracks.

    Attributes
    ----------
    table : DataFrame
        One row a position, sorted by track and frame, schema `tables.TRACKS`.
    flow_um : ndarray, (rows of `table`, 2)
        Displacement by the flow since the first frame at each position (x, y), um; subtract it
        from the positions to have Brownian motion alone.
    flow_parameters : int
        Parameters fitted to all steps of an axis together.
    frames : DataFrame
        The frames table with the flow filled in.
    search_radius_um : float
        Largest step that could be linked.
    choices : dict of str to Value
        Every setting used, ``source`` saying whether it was given or why it was chosen.
    diagnostics : dict of str to float
        What the quality rules read: share of links ambiguous, of steps truncated, ...
    """

    table: pd.DataFrame
    flow_um: Floats
    flow_parameters: int
    frames: pd.DataFrame
    search_radius_um: float
    choices: Mapping[str, Value]
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class NoiseUncertainty:
    """How far the localisation noise, pooled over the recording, may be off, and what follows.

    The variance of a track is ``shape @ parameters``, a few parameters that all tracks share. Drawn
    anew with weights w, the parameters move by ``(w - 1) @ influence`` and, where expectations
    from outside entered, by ``prior_sd @ z`` with z standard normal.

    Attributes
    ----------
    slope : ndarray, (n, g)
        Change of each log-likelihood with the localisation variance, 1/um^2.
    shape : ndarray, (n, k)
        Parts of each track's localisation variance.
    influence : ndarray, (n, k)
        Change of the parameters when a track counts once more; sums to 0.
    prior_sd : ndarray, (k, m)
        Change of the parameters with each expectation, a standard error at a time.
    """

    slope: Floats
    shape: Floats
    influence: Floats
    prior_sd: Floats


@dataclass(frozen=True)
class Likelihoods:
    """Likelihood of the diffusion coefficient of each used track.

    Attributes
    ----------
    track_id : ndarray of int, (n,)
        The tracks used.
    n_positions : ndarray of int, (n,)
        Positions of each.
    first_frame : ndarray of int, (n,)
        Frame of the first.
    x_um, y_um : ndarray, (n,)
        Mean position, um.
    d_um2_s : ndarray, (g,)
        Grid of diffusion coefficients, um^2/s.
    log_likelihood : ndarray, (n, g)
        Natural logarithm, up to a constant a track.
    d_cov_um2_s : ndarray, (n,)
        Covariance estimate, unclipped, um^2/s.
    loc_sd_um : ndarray, (n,)
        Localisation error used for each track, um.
    flags : ndarray of uint32, (n,)
        Flags of each track.
    rejected : dict of str to int
        Tracks not used, by reason.
    choices, diagnostics
        As in `Tracks`.
    last_frame : ndarray of int, (n,), optional
        Frame of the last position.
    start_um, end_um : ndarray, (n, 2), optional
        First and last position less the flow since the recording began, um: by them it is told
        how many tracks one particle leaves. By default each track is a particle.
    noise : NoiseUncertainty, optional
        By default the localisation error counts as known.
    """

    track_id: NDArray[np.int64]
    n_positions: NDArray[np.int64]
    first_frame: NDArray[np.int64]
    x_um: Floats
    y_um: Floats
    d_um2_s: Floats
    log_likelihood: Floats
    d_cov_um2_s: Floats
    loc_sd_um: Floats
    flags: NDArray[np.uint32]
    rejected: Mapping[str, int]
    choices: Mapping[str, Value]
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)
    last_frame: NDArray[np.int64] | None = None
    start_um: Floats | None = None
    end_um: Floats | None = None
    noise: NoiseUncertainty | None = None


@dataclass(frozen=True)
class Completeness:
    """How much of a recording's particles would have been seen, by size.

    Attributes
    ----------
    reason : str
        Why it is not known; empty where it is.
    diameter_nm : ndarray, (g,)
        Ascending.
    log_depth : ndarray, (g,)
        ln of the effective depth of view, um: mean number in view over number per volume and
        area.
    log_error : ndarray, (g, k)
        Change of `log_depth` with each of k independent errors, a standard deviation at a time.
    detection_limit_nm : Estimate
        Diameter of which half of the frames at best focus are recovered.
    area_um2 : float
        Area that is looked at.
    n_frames : int
        Frames that were searched.
    has_scale : bool
        Whether the depth is absolute; if not, only ratios of it mean anything.
    basis : str
        What the depth rests on, in words.
    table : DataFrame
        Schema `tables.COMPLETENESS`.
    """

    reason: str = ""
    diameter_nm: Floats = field(default_factory=lambda: np.zeros(0))
    log_depth: Floats = field(default_factory=lambda: np.zeros(0))
    log_error: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    detection_limit_nm: Estimate = field(default_factory=Estimate)
    area_um2: float = 0.0
    n_frames: int = 0
    has_scale: bool = False
    basis: str = ""
    table: pd.DataFrame | None = None
    choices: Mapping[str, Value] = field(default_factory=dict)
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Blank:
    """What a recording without sample shows.

    Attributes
    ----------
    diameter_nm : ndarray, (tracks,)
        Of its single tracks.
    n_positions : ndarray, (tracks,)
        Positions of each.
    n_frames : int
        Its frames.
    area_um2 : float
        Area of a frame.
    """

    diameter_nm: Floats
    n_positions: Floats
    n_frames: int
    area_um2: float


@dataclass(frozen=True)
class Sizing:
    """Sizes, their distribution and their classes.

    Attributes
    ----------
    particles : DataFrame
        One row a track used, schema `tables.PARTICLES` (brightness and snr are filled in by the
        pipeline).
    distribution_table : DataFrame
        Schema `tables.DISTRIBUTION`.
    distribution, raw, classes, misev, concentration_per_ml
        As in ``result.json``.
    """

    particles: pd.DataFrame
    distribution_table: pd.DataFrame
    distribution: DistributionSummary
    raw: Summary
    classes: list[ClassShare]
    misev: Misev
    choices: Mapping[str, Value] = field(default_factory=dict)
    concentration_per_ml: Estimate | None = None

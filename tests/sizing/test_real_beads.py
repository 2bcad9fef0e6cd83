"""400 nm beads, localised by others, linked and sized here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evsize.diffusion import estimate_diffusion
from evsize.physics import Conditions, water_viscosity_mpas
from evsize.results import Detections
from evsize.sizing import size
from evsize.tables import DETECTIONS, FRAMES
from evsize.tracking import link

N_FRAMES, SIDE_PX = 300, 512


def detections(table: pd.DataFrame) -> Detections:
    n = len(table)
    nothing = np.full(N_FRAMES, np.nan)
    spots = DETECTIONS.build(
        frame=table["frame"],
        x_px=table["x"],
        y_px=table["y"],
        loc_se_px=np.full(n, 0.1),
        brightness=table["mass"],
        snr=np.full(n, np.nan),
        flags=np.zeros(n),
    )
    frames = FRAMES.build(
        frame=np.arange(N_FRAMES),
        t_s=np.arange(N_FRAMES) * 0.01,
        detections=np.bincount(table["frame"], minlength=N_FRAMES),
        false_detections=nothing,
        background=nothing,
        noise=nothing,
        flow_x_um_s=nothing,
        flow_y_um_s=nothing,
        flags=np.zeros(N_FRAMES),
    )
    return Detections(spots, frames, SIDE_PX, SIDE_PX, {})


def test_400_nm_beads(shared_data):
    """Water at 22 degC, 0.1 um/px, 100 frames/s; exposure unknown: half the frame.

    The covariance estimator reads 408 to 466 nm at 20 to 25 degC: 390 to 480 nm is right.
    """
    table = pd.read_csv(shared_data / "beads_400nm" / "localisations.csv")
    where = Conditions(0.1, 0.01, 0.5, 22.0, water_viscosity_mpas(22.0))
    tracks = link(detections(table), where)
    # the errors of the localisations are not known: the noise comes from the steps alone
    tracks = replace(tracks, table=tracks.table.assign(loc_se_nm=np.nan))
    found = size(estimate_diffusion(tracks, where), where).distribution
    median = found.d50_nm
    assert 390 < median.value < 480
    # some 4,000 steps of two axes: 1/sqrt(4000) = 1.6 %, noise unknown up to sqrt(3) of that
    assert 2 * 1.96 * 0.016 < np.log(median.high / median.low) < 0.2
    assert median.low < 480
    assert median.high > 390
    assert len(found.peaks) == 1
    assert found.peaks[0].mode_nm == pytest.approx(median.value, rel=0.05)

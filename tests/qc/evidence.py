"""Evidence of a recording, and of a sample, with nothing wrong in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evsize.qc import Evidence, Member, Preparation
from evsize.results import RecordingInfo

FIGURES = {
    "truncated_step_share": 1e-4,
    "ambiguous_link_share": 0.002,
    "frame_step_variation": 0.01,
    "frame_step_variation_z": 0.5,
    "frame_step_period": None,
    "max_flow_step_um": 0.1,
    "flow_speed_um_s": 1.0,
    "loc_var_measured_um2": 0.0025,
    "loc_var_measured_se_um2": 0.0001,
    "loc_var_predicted_um2": 0.0020,
    **{f"step_correlation_lag_{lag}": 0.001 for lag in (2, 3, 4, 5, 6)},
    **{f"step_correlation_se_lag_{lag}": 0.002 for lag in (2, 3, 4, 5, 6)},
    **{f"diameter_from_lag_{lag}_nm": 100.0 for lag in (1, 4, 8, 12)},
    "sub_pixel_rms_px": 0.01,
    "outside_range_share": 0.001,
    "background_change_sd": 0.1,
    "spot_number_change": 1.1,
    "spot_number_change_z": 1.0,
    "spot_snr_change": 1.05,
    "spot_snr_change_z": 1.0,
    "self_check_bias_percent": 0.4,
    "self_check_bias_percent_se": 0.5,
}
WHOLE = RecordingInfo(
    path="a.tif", frames=1500, height_px=480, width_px=640, bit_depth=8, uneven_frames=[]
)
GOOD = Evidence(
    duration_s=60.0,
    n_used=3000,
    n_tracks=6000,
    particles_per_frame=50.0,
    false_detections_per_frame=0.2,
    exposure_fraction=0.5,
    saturated_share=0.001,
    search_radius_um=2.5,
    flow_um_s=(0.8, -0.6),
    temperature_c=22.0,
    temperature_source="command line",
    cell_per_ml=1e8,
    detection_limit_nm=60.0,
    figures=FIGURES,
    recording=WHOLE,
    duplicate_frames=(),
    sudden_frames={"scene_cut": (), "stage_jump": (), "pulse": ()},
    dark_spots=False,
)


def recorded(**changes: object) -> RecordingInfo:
    return WHOLE.model_copy(update=changes)


def changed(changes: dict[str, Any]) -> Evidence:
    """`GOOD` with other values; names of `FIGURES` change the figures."""
    figures = dict(changes.get("figures", {}))
    figures |= {name: value for name, value in changes.items() if name in FIGURES}
    others = {name: value for name, value in changes.items() if name not in (*FIGURES, "figures")}
    return replace(GOOD, figures=FIGURES | figures, **others)


SETTINGS = {"pixel_size_um": 0.166, "exposure_ms": 15.0, "medium": "pbs", "evsize version": "1"}


def member(name: str = "a", **changes: Any) -> Member:
    """One good recording of the sample 's' with 1e9 particles a mL."""
    values: dict[str, Any] = {
        "name": name,
        "sample": "s",
        "mode_nm": 100.0,
        "d50_nm": 105.0,
        "concentration_per_ml": 1e9,
        "seen_per_mm2": 5000.0,
        "dilution": 10.0,
        "temperature_c": 22.0,
        "settings": SETTINGS,
        "preparation": Preparation(),
    }
    return Member(**(values | changes))

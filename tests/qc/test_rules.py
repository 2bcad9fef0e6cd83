"""Every rule at both sides of its limits, and a verdict that fails closed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from evsize import qc
from evsize.errors import UsageError
from evsize.qc import Evidence, assess, load_profile, verdict
from evsize.qc.rules import REQUIRED, RULES
from evsize.results import Finding, RecordingInfo
from evsize.settings import QcSettings

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
}
WHOLE = RecordingInfo(
    path="a.tif", frames=1500, height_px=480, width_px=640, bit_depth=8, uneven_frames=[]
)


def recorded(**changes: object) -> RecordingInfo:
    return WHOLE.model_copy(update=changes)


GOOD = Evidence(
    duration_s=60.0,
    n_used=3000,
    particles_per_frame=50.0,
    false_detections_per_frame=0.2,
    exposure_fraction=0.5,
    saturated_share=0.001,
    search_radius_um=2.5,
    d50_nm=100.0,
    figures=FIGURES,
    recording=WHOLE,
    duplicate_frames=(),
    sudden_frames={"scene_cut": (), "stage_jump": (), "pulse": ()},
    dark_spots=False,
)

# rule, what is changed in the evidence, status; names of `FIGURES` change the figures
CASES = [
    ("something_to_size", {"n_used": 1}, "pass"),
    ("something_to_size", {"n_used": 0}, "fail"),
    ("tracks_used", {"n_used": 1000}, "pass"),
    ("tracks_used", {"n_used": 999}, "warn"),
    ("tracks_used", {"n_used": 200}, "warn"),
    ("tracks_used", {"n_used": 199}, "fail"),
    ("duration", {"duration_s": 30.0}, "pass"),
    ("duration", {"duration_s": 29.9}, "warn"),
    ("duration", {"duration_s": 4.9}, "fail"),
    ("duration", {"duration_s": None}, "no_data"),
    ("duration", {"duration_s": math.nan}, "fail"),
    ("particles_per_frame", {"particles_per_frame": 10.0}, "pass"),
    ("particles_per_frame", {"particles_per_frame": 150.0}, "pass"),
    ("particles_per_frame", {"particles_per_frame": 9.9}, "warn"),
    ("particles_per_frame", {"particles_per_frame": 151.0}, "warn"),
    ("particles_per_frame", {"particles_per_frame": 1.9}, "fail"),
    ("particles_per_frame", {"particles_per_frame": None}, "no_data"),
    ("false_detections", {"false_detections_per_frame": 1.0}, "pass"),
    ("false_detections", {"false_detections_per_frame": 1.1}, "warn"),
    ("false_detections", {"false_detections_per_frame": 5.1}, "fail"),
    ("false_detections", {"false_detections_per_frame": None}, "no_data"),
    ("false_detections", {"false_detections_per_frame": math.nan}, "fail"),
    ("search_radius", {}, "pass"),
    ("search_radius", {"truncated_step_share": 0.0011}, "warn"),
    ("search_radius", {"truncated_step_share": 0.021}, "fail"),
    ("search_radius", {"ambiguous_link_share": 0.011}, "warn"),
    ("search_radius", {"ambiguous_link_share": 0.051}, "fail"),
    ("search_radius", {"truncated_step_share": None}, "no_data"),
    ("search_radius", {"ambiguous_link_share": None}, "no_data"),
    ("step_correlation", {}, "pass"),
    ("step_correlation", {"step_correlation_lag_2": 0.05}, "warn"),
    ("step_correlation", {"step_correlation_lag_4": -0.05}, "warn"),
    (
        "step_correlation",
        {"step_correlation_lag_2": 0.05, "step_correlation_se_lag_2": 0.02},
        "pass",
    ),
    ("step_correlation", {f"step_correlation_lag_{lag}": None for lag in range(2, 7)}, "no_data"),
    ("even_steps", {}, "pass"),
    ("even_steps", {"frame_step_variation": 0.2, "frame_step_variation_z": 6.0}, "warn"),
    ("even_steps", {"frame_step_variation": 0.2, "frame_step_variation_z": 2.0}, "pass"),
    ("even_steps", {"frame_step_variation": None}, "no_data"),
    ("flow", {"max_flow_step_um": 1.25}, "pass"),
    ("flow", {"max_flow_step_um": 1.26}, "warn"),
    ("flow", {"max_flow_step_um": None}, "no_data"),
    ("flow", {"search_radius_um": None}, "no_data"),
    ("sudden_motion", {}, "pass"),
    ("sudden_motion", {"sudden_frames": {"scene_cut": (3,)}}, "pass"),
    ("sudden_motion", {"sudden_frames": {"stage_jump": (3,)}}, "warn"),
    ("sudden_motion", {"sudden_frames": {"pulse": tuple(range(40))}}, "warn"),
    ("sudden_motion", {"sudden_frames": None}, "no_data"),
    ("motion_blur", {"exposure_fraction": 0.8}, "pass"),
    ("motion_blur", {"exposure_fraction": 0.81}, "warn"),
    ("motion_blur", {"exposure_fraction": None}, "warn"),
    ("saturated_spots", {"saturated_share": 0.01}, "pass"),
    ("saturated_spots", {"saturated_share": 0.011}, "warn"),
    ("saturated_spots", {"saturated_share": None}, "no_data"),
    ("localisation_noise", {}, "pass"),
    ("localisation_noise", {"loc_var_measured_um2": 0.0081}, "warn"),
    ("localisation_noise", {"loc_var_measured_um2": 0.0004}, "warn"),
    ("localisation_noise", {"loc_var_measured_um2": -0.001}, "warn"),
    (
        "localisation_noise",
        {"loc_var_measured_um2": 0.0081, "loc_var_measured_se_um2": 0.002},
        "pass",
    ),
    ("localisation_noise", {"loc_var_predicted_um2": None}, "no_data"),
    ("as_recorded", {}, "pass"),
    ("as_recorded", {"notes": ("Compressed with loss.",)}, "warn"),
    ("whole_file", {}, "pass"),
    ("whole_file", {"recording": recorded(frames_declared=1501)}, "warn"),
    ("whole_file", {"recording": recorded(frames_declared=1400)}, "warn"),
    ("whole_file", {"recording": None}, "no_data"),
    ("corrupt_frames", {}, "pass"),
    ("corrupt_frames", {"recording": recorded(damaged_frames=list(range(15)))}, "warn"),
    ("corrupt_frames", {"recording": recorded(damaged_frames=list(range(16)))}, "fail"),
    ("corrupt_frames", {"recording": None}, "no_data"),
    ("duplicate_frames", {}, "pass"),
    ("duplicate_frames", {"duplicate_frames": (7,)}, "warn"),
    ("duplicate_frames", {"duplicate_frames": tuple(range(16))}, "fail"),
    ("duplicate_frames", {"duplicate_frames": None}, "no_data"),
    ("missing_frames", {}, "pass"),
    ("missing_frames", {"recording": recorded(missed_after={9: 2})}, "warn"),
    ("missing_frames", {"recording": recorded(missed_after={9: 16})}, "fail"),
    ("missing_frames", {"recording": recorded(uneven_frames=None)}, "not_applicable"),
    ("missing_frames", {"recording": None}, "no_data"),
    ("even_times", {}, "pass"),
    ("even_times", {"recording": recorded(uneven_frames=[8])}, "warn"),
    ("even_times", {"recording": recorded(uneven_frames=list(range(16)))}, "fail"),
    ("even_times", {"recording": recorded(uneven_frames=None)}, "not_applicable"),
    ("even_times", {"recording": None}, "no_data"),
    ("sources_agree", {}, "pass"),
    ("sources_agree", {"conflicts": ("One says 25, the other 30.",)}, "warn"),
    ("polarity", {}, "pass"),
    ("polarity", {"dark_spots": True}, "warn"),
    ("polarity", {"dark_spots": None}, "no_data"),
]


def changed(changes) -> Evidence:
    figures = {name: value for name, value in changes.items() if name in FIGURES}
    others = {name: value for name, value in changes.items() if name not in FIGURES}
    return replace(GOOD, figures=FIGURES | figures, **others)


def finding(rule: str, evidence: Evidence) -> Finding:
    return next(each for each in assess(evidence).findings if each.rule == rule)


@pytest.mark.parametrize(("rule", "changes", "status"), CASES)
def test_status(rule, changes, status):
    found = finding(rule, changed(changes))
    assert found.status == status, found.message
    if status in ("warn", "fail") and not any(
        isinstance(value, float) and math.isnan(value) for value in changes.values()
    ):
        assert found.advice
        assert found.limit


def test_every_rule_is_seen_to_pass_and_not_to_pass():
    for rule in RULES:
        seen = {status for name, _, status in CASES if name == rule}
        if rule != "motion_blur":
            assert "pass" in seen
        assert seen & {"warn", "fail"}, rule


@pytest.mark.parametrize("rule", RULES)
def test_contract_of_the_registry(rule):
    assert RULES[rule].__name__ == rule
    question = (RULES[rule].__doc__ or "").strip()
    assert question.endswith("?")
    nothing = Evidence(None, 0, None, None, None, None, None, None, {})
    for evidence in (GOOD, nothing):
        found = finding(rule, evidence)
        assert found.rule == rule
        assert "itself failed" not in found.message
        assert found.message.endswith((".", ")"))


def test_contract_of_the_profile():
    profile = load_profile("general")
    assert set(profile) <= set(RULES)
    for rule, limits in profile.items():
        assert limits["source"], rule
    without = {"something_to_size", "as_recorded", "sources_agree", "polarity"}
    assert set(RULES) - set(profile) == without
    assert set(RULES) > REQUIRED


def test_findings_come_in_the_order_of_the_registry():
    assert [each.rule for each in assess(GOOD).findings] == list(RULES)


def test_good_evidence_passes():
    found = assess(GOOD)
    assert found.verdict == "pass"
    assert found.profile == "general"


def test_one_warning_warns_and_one_failure_fails():
    assert assess(replace(GOOD, duration_s=20.0)).verdict == "warn"
    assert assess(replace(GOOD, duration_s=2.0)).verdict == "fail"
    assert assess(replace(GOOD, duration_s=2.0, saturated_share=0.5)).verdict == "fail"


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_crashes_fails_the_verdict(rule, monkeypatch):
    def crash(evidence, limits):
        raise RuntimeError("boom")

    monkeypatch.setattr(qc, "RULES", dict(RULES) | {rule: crash})
    found = assess(GOOD)
    assert found.verdict == "fail"
    broken = next(each for each in found.findings if each.rule == rule)
    assert broken.status == "fail"
    assert "boom" in broken.message


def test_missing_limits_fail_the_verdict(monkeypatch):
    monkeypatch.setattr(qc, "load_profile", lambda name: {})
    assert assess(GOOD).verdict == "fail"


@pytest.mark.parametrize("rule", RULES)
def test_no_data_never_passes(rule):
    findings = [Finding(rule=name, status="no_data" if name == rule else "pass") for name in RULES]
    assert verdict(findings) == ("fail" if rule in REQUIRED else "warn")


@pytest.mark.parametrize("rule", RULES)
def test_a_required_rule_left_out_never_passes(rule):
    findings = [Finding(rule=name, status="pass") for name in RULES if name != rule]
    assert verdict(findings) == ("fail" if rule in REQUIRED else "pass")


def test_no_finding_at_all_fails():
    assert verdict([]) == "fail"


def test_not_applicable_does_not_count():
    findings = [Finding(rule=name, status="pass") for name in RULES]
    assert verdict([*findings, Finding(rule="extra", status="not_applicable")]) == "pass"


def test_no_evidence_fails():
    nothing = Evidence(None, 0, None, None, None, None, None, None, {})
    assert assess(nothing).verdict == "fail"


@pytest.mark.parametrize("name", ["strict", "../general", "", "general.toml"])
def test_an_unknown_profile_names_the_known_ones(name):
    with pytest.raises(UsageError, match="general"):
        assess(GOOD, QcSettings(profile=name))


def test_findings_name_the_frames():
    damaged = [3, 4, 5, 9, *range(20, 60, 2)]
    found = finding("corrupt_frames", replace(GOOD, recording=recorded(damaged_frames=damaged)))
    assert "24 frames" in found.message
    assert "3-5, 9, 20, 22" in found.message
    assert "and 10 more" in found.message
    found = finding("missing_frames", replace(GOOD, recording=recorded(missed_after={20: 5})))
    assert found.message == "Dropped: 5 frames, by the file's own times, after frame 20."

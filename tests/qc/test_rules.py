"""Every rule at both sides of its limits, and a verdict that fails closed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from evsize import qc
from evsize.qc import Calibration, Evidence, assess, verdict
from evsize.qc.profile import Profile
from evsize.qc.registry import RULES, Rule, required
from evsize.results import Finding
from tests.qc.evidence import FIGURES, GOOD, changed, recorded

REQUIRED = required("recording")
ABOUT_RECORDINGS = [name for name, rule in RULES.items() if rule.scope == "recording"]

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
    ("tracks_share", {"n_used": 1200}, "pass"),
    ("tracks_share", {"n_used": 1199}, "warn"),
    ("tracks_share", {"n_tracks": 0}, "no_data"),
    ("cell_concentration", {"cell_per_ml": 1e7}, "pass"),
    ("cell_concentration", {"cell_per_ml": 1e9}, "pass"),
    ("cell_concentration", {"cell_per_ml": 9.9e6}, "warn"),
    ("cell_concentration", {"cell_per_ml": 1.01e9}, "warn"),
    ("cell_concentration", {"cell_per_ml": math.nan}, "warn"),
    ("cell_concentration", {"cell_per_ml": None}, "not_applicable"),
    ("outside_range", {"outside_range_share": 0.05}, "pass"),
    ("outside_range", {"outside_range_share": 0.051}, "warn"),
    ("outside_range", {"outside_range_share": 0.51}, "fail"),
    ("outside_range", {"outside_range_share": None}, "no_data"),
    ("sub_pixel_bias", {"sub_pixel_rms_px": 0.1}, "pass"),
    ("sub_pixel_bias", {"sub_pixel_rms_px": 0.101}, "warn"),
    ("sub_pixel_bias", {"sub_pixel_rms_px": None}, "no_data"),
    ("steady_focus", {"spot_number_change": 1.6}, "pass"),
    ("steady_focus", {"spot_number_change": 1.6, "spot_number_change_z": 4.1}, "warn"),
    ("steady_focus", {"spot_number_change": 1.5, "spot_number_change_z": 9.0}, "pass"),
    ("steady_focus", {"spot_snr_change": 1.6, "spot_snr_change_z": 4.1}, "warn"),
    ("steady_focus", {"spot_snr_change": None}, "no_data"),
    ("steady_focus", {"sudden_frames": {"scene_cut": (3,)}}, "not_applicable"),
    ("steady_background", {"background_change_sd": 1.0}, "pass"),
    ("steady_background", {"background_change_sd": 1.1}, "warn"),
    ("steady_background", {"background_change_sd": None}, "no_data"),
    ("steady_background", {"sudden_frames": {"scene_cut": (3,)}}, "not_applicable"),
    ("temperature", {"temperature_c": 15.0}, "pass"),
    ("temperature", {"temperature_c": 14.9}, "warn"),
    ("temperature", {"temperature_c": 41.0}, "warn"),
    ("temperature", {"temperature_c": None}, "no_data"),
    ("detection_limit", {"detection_limit_nm": 70.0}, "pass"),
    ("detection_limit", {"detection_limit_nm": 71.0}, "warn"),
    ("detection_limit", {"detection_limit_nm": None}, "no_data"),
    ("detection_limit", {"detection_limit_nm": None, "counted": False}, "not_applicable"),
    ("detection_limit", {"detection_limit_nm": None, "images": False}, "not_applicable"),
    ("self_check", {"self_check_bias_percent": 2.9}, "pass"),
    ("self_check", {"self_check_bias_percent": 3.1}, "warn"),
    ("self_check", {"self_check_bias_percent": -3.1}, "warn"),
    ("self_check", {"self_check_bias_percent": -11.1}, "fail"),
    ("self_check", {"self_check_bias_percent": 9, "self_check_bias_percent_se": 4}, "pass"),
    ("self_check", {"self_check_bias_percent": None}, "no_data"),
    ("self_check", {"self_check_bias_percent": None, "counted": False}, "not_applicable"),
    ("instrument_fits", {"calibration": Calibration({})}, "pass"),
    ("instrument_fits", {"calibration": Calibration({"exposure": (20, 20.3, "ms")})}, "pass"),
    ("instrument_fits", {"calibration": Calibration({"exposure": (20, 20.5, "ms")})}, "warn"),
    ("instrument_fits", {"calibration": Calibration({"noise": (4, 2.9, "")})}, "pass"),
    ("instrument_fits", {"calibration": Calibration({"noise": (4, 2.7, "")})}, "warn"),
    ("instrument_fits", {"calibration": Calibration({"noise": (4, math.nan, "")})}, "warn"),
    ("instrument_fits", {"calibration": Calibration({"spot_width": (0.3, 0.35, "um")})}, "pass"),
    ("instrument_fits", {"calibration": Calibration({"spot_width": (0.3, 0.37, "um")})}, "warn"),
    ("instrument_fits", {"calibration": Calibration({}, 90, 90)}, "pass"),
    ("instrument_fits", {"calibration": Calibration({}, 91, 90)}, "warn"),
    ("instrument_fits", {}, "not_applicable"),
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
    ("step_correlation", {"step_correlation_lag_3": 0.16}, "fail"),
    (
        "step_correlation",
        {"step_correlation_lag_2": 0.05, "step_correlation_se_lag_2": 0.02},
        "pass",
    ),
    ("step_correlation", {f"step_correlation_lag_{lag}": None for lag in range(2, 7)}, "no_data"),
    ("even_steps", {}, "pass"),
    ("even_steps", {"frame_step_variation": 0.2, "frame_step_variation_z": 6.0}, "warn"),
    ("even_steps", {"frame_step_variation": 0.21, "frame_step_variation_z": 6.0}, "fail"),
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


def test_steps_that_point_the_same_way_ask_for_the_exposure():
    found = finding("localisation_noise", changed({"loc_var_measured_um2": -0.0004}))
    assert "more than the exposure given allows, by 20 nm" in found.message


IMPLIED = {
    "something_to_size": {"tracks_used", "tracks_share"},
    "tracks_used": {"tracks_share"},
}
"""What breaks with a rule because it looks at the same figure."""


@pytest.mark.parametrize(("rule", "changes", "status"), CASES)
def test_nothing_else_is_flagged(rule, changes, status):
    if changes.get("recording", GOOD) is None or status == "pass":
        return  # without the file four rules lack their data
    findings = assess(changed(changes)).findings
    flagged = {each.rule for each in findings if each.status in ("warn", "fail", "no_data")}
    assert flagged - {rule} <= IMPLIED.get(rule, set())


@pytest.mark.parametrize("rule", ["detection_limit", "self_check"])
def test_why_nothing_could_be_counted_is_said(rule):
    nothing = {"detection_limit_nm": None, "self_check_bias_percent": None}
    why = finding(rule, changed(nothing | {"no_completeness": "the spots are dark"}))
    assert why.message.endswith(": the spots are dark.")
    assert ": " not in finding(rule, changed(nothing)).message


def test_every_rule_is_seen_to_pass_and_not_to_pass():
    for rule in ABOUT_RECORDINGS:
        seen = {status for name, _, status in CASES if name == rule}
        if rule != "motion_blur":
            assert "pass" in seen
        assert seen & {"warn", "fail"}, rule


@pytest.mark.parametrize("rule", RULES)
def test_contract_of_the_registry(rule):
    assert RULES[rule].name == rule
    assert RULES[rule].question.endswith("?")
    assert RULES[rule].advice.endswith((".", "?"))
    for evidence in (GOOD, Evidence()):
        found = finding(rule, evidence)
        assert found.rule == rule
        assert "itself failed" not in found.message
        assert found.message.endswith((".", ")"))


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


@pytest.mark.parametrize("rule", ABOUT_RECORDINGS)
def test_a_rule_that_crashes_fails_the_verdict(rule, monkeypatch):
    def crash(evidence, limits):
        raise RuntimeError("boom")

    crash.__name__ = rule
    monkeypatch.setattr(qc.Profile, "rules", dict(RULES) | {rule: Rule(crash)})
    found = assess(GOOD)
    assert found.verdict == "fail"
    broken = next(each for each in found.findings if each.rule == rule)
    assert broken.status == "fail"
    assert "boom" in broken.message


def test_missing_limits_fail_the_verdict(monkeypatch):
    monkeypatch.setattr(qc, "load_profile", lambda name: Profile(name, {}))
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
    assert assess(Evidence()).verdict == "fail"


def test_findings_name_the_frames():
    damaged = [3, 4, 5, 9, *range(20, 60, 2)]
    found = finding("corrupt_frames", replace(GOOD, recording=recorded(damaged_frames=damaged)))
    assert "24 frames" in found.message
    assert "3-5, 9, 20, 22" in found.message
    assert "and 10 more" in found.message
    found = finding("missing_frames", replace(GOOD, recording=recorded(missed_after={20: 5})))
    assert found.message == "Dropped: 5 frames, by the file's own times, after frame 20."


TRAJECTORIES = {
    "images": False,
    "false_detections_per_frame": None,
    "search_radius_um": None,
    "duplicate_frames": None,
    "dark_spots": None,
    "sudden_frames": None,
    "detection_limit_nm": None,
    "cell_per_ml": None,
    "truncated_step_share": None,
    "ambiguous_link_share": None,
    "loc_var_predicted_um2": None,
    "self_check_bias_percent": None,
    "background_change_sd": None,
}


def test_good_trajectories_pass_without_images():
    found = assess(changed(TRAJECTORIES))
    assert found.verdict == "pass"
    skipped = {each.rule for each in found.findings if each.status == "not_applicable"}
    assert skipped >= {"false_detections", "saturated_spots", "duplicate_frames", "polarity"}
    assert not {each.rule for each in found.findings if each.status == "no_data"}


def test_images_without_data_are_no_trajectories():
    found = assess(changed(TRAJECTORIES | {"images": True}))
    assert found.verdict == "fail"


def test_a_declared_blank_passes_with_nothing_in_it():
    nothing = dict.fromkeys(FIGURES) | {
        "n_used": 0,
        "n_tracks": 0,
        "particles_per_frame": 0.0,
        "saturated_share": None,
        "dark_spots": None,
        "background_change_sd": 0.1,
    }
    assert assess(changed(nothing)).verdict == "fail"
    assert assess(changed(nothing | {"role": "blank"})).verdict == "pass"
    assert assess(changed(nothing | {"role": "blank", "duration_s": 2.0})).verdict == "fail"


def test_rules_about_groups_are_not_applicable_to_one_recording():
    found = {each.rule: each for each in assess(GOOD).findings}
    for name, rule in RULES.items():
        if rule.scope != "recording":
            assert found[name].status == "not_applicable"
            assert found[name].scope == rule.scope


def test_findings_carry_the_source_of_their_limit():
    assert "Vestad" in finding("duration", GOOD).source

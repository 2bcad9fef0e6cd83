"""Rules just inside and outside of what they allow, and their words where little is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evsize.qc import BatchEvidence, Member, assess, assess_group, load_profile, samples_of
from evsize.qc.batches import AGREEMENT
from evsize.results import Finding
from tests.qc.evidence import FIGURES, GOOD, SETTINGS, changed, member


def finding(rule, evidence) -> Finding:
    return next(each for each in assess(evidence).findings if each.rule == rule)


def of_batch(rule, *members) -> Finding:
    found = assess_group(BatchEvidence(members)).findings
    return next(each for each in found if each.rule == rule)


@pytest.mark.parametrize(("by", "status"), [(0.0099, "pass"), (0.0111, "fail")])
def test_settings_agree_within_one_percent(by, status):
    assert AGREEMENT == 0.01  # as docs/qc_rules.md says
    other = member("z", settings=SETTINGS | {"pixel_size_um": 0.166 * (1 + by)})
    assert of_batch("equal_settings", member("a"), other).status == status


def test_two_recordings_have_a_temperature_to_compare():
    warmer = member("z", temperature_c=24.0)
    assert of_batch("steady_temperature", member("a"), warmer).status == "warn"


@pytest.mark.parametrize("towards", [1, -1])
def test_measured_noise_may_be_off_by_the_limit_either_way(towards):
    factor = load_profile("general").limits["localisation_noise"]["warn_above"]
    expected = FIGURES["loc_var_predicted_um2"]

    def status(share):
        return finding(
            "localisation_noise",
            changed(
                {
                    "loc_var_measured_um2": expected * (share * factor) ** (2 * towards),
                    "loc_var_measured_se_um2": 1e-6,
                }
            ),
        ).status

    assert status(0.98) == "pass"
    assert status(1.02) == "warn"


def test_an_undiluted_sample_has_dilution_one():
    def at(name, seen, **more):
        return Member(name, sample="s", seen_per_mm2=seen, replicate=name, **more)

    (evidence, *_) = samples_of([at("a", 1000.0), at("b", 100.0, dilution=10.0)])
    found = {each.rule: each for each in assess_group(evidence).findings}
    assert found["dilution_linearity"].measured == pytest.approx(1)


def test_nothing_is_added_where_no_reason_is_known():
    said = finding("detection_limit", replace(GOOD, detection_limit_nm=None, no_completeness=""))
    assert said.message.endswith("could not be found.")


def test_the_flow_is_told_with_its_direction_where_it_is_known():
    assert "(0.8 right, 0.6 up)" in finding("flow", GOOD).message
    unknown = finding("flow", replace(GOOD, flow_um_s=None))
    assert unknown.status == "pass"
    assert "right" not in unknown.message

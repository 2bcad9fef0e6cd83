"""Rules about samples and batches at both sides of their limits."""

from __future__ import annotations

import dataclasses
import math

import pytest

from evsize.qc import BatchEvidence, Preparation, assess_group, load_profile, samples_of
from evsize.qc.groups import comparable_settings
from evsize.qc.profile import Profile
from evsize.qc.registry import RULES, required
from evsize.results import Finding, Value
from tests.contract import example
from tests.qc.evidence import SETTINGS, member


def sample(*members, profile="general") -> dict[str, Finding]:
    (evidence, *_) = samples_of(members)
    return {each.rule: each for each in assess_group(evidence, load_profile(profile)).findings}


def batch(*members) -> dict[str, Finding]:
    found = assess_group(BatchEvidence(tuple(members)))
    return {each.rule: each for each in found.findings}


def three(**changes):
    return [member(name, **changes) for name in "abc"]


def with_concentrations(*values):
    return [member(f"{n}", concentration_per_ml=value) for n, value in enumerate(values)]


def test_a_good_sample_and_a_good_batch_pass():
    (evidence,) = samples_of(three())
    found = assess_group(evidence)
    assert found.verdict == "pass"
    assert {each.rule for each in found.findings if each.status == "pass"} == {
        "replicates",
        "replicate_counts",
        "replicate_sizes",
    }
    assert assess_group(BatchEvidence(tuple(three()))).verdict == "pass"


@pytest.mark.parametrize(("n", "status"), [(3, "pass"), (2, "warn"), (1, "warn")])
def test_replicates_are_counted(n, status):
    assert sample(*three()[:n])["replicates"].status == status


def test_recordings_of_one_filling_are_one_replicate():
    found = sample(*[member(f"{n}", replicate="1") for n in range(4)])
    assert found["replicates"].measured == 1
    assert found["replicate_counts"].status == "not_applicable"


def test_recordings_that_failed_are_left_out_and_named():
    found = sample(*three()[:2], member("c", verdict="fail", mode_nm=900.0))
    assert found["replicates"].measured == 2
    assert "c." in found["replicates"].message
    assert found["replicate_sizes"].status == "pass"
    assert sample(member("a", verdict="fail"))["replicates"].status == "fail"


# of 0.8, 1 and 1.2 the standard deviation is 0.2: a spread of just 20 %
@pytest.mark.parametrize(("width", "status"), [(0.1999, "pass"), (0.2001, "warn")])
def test_spread_of_concentrations(width, status):
    found = sample(*with_concentrations(1 - width, 1, 1 + width))["replicate_counts"]
    assert found.status == status
    assert found.measured == pytest.approx(100 * width)
    assert "concentration" in found.message


def test_without_concentrations_the_particles_in_view_tell():
    seen = [
        member(name, concentration_per_ml=None, seen_per_mm2=value, dilution=dilution)
        for name, value, dilution in (("a", 100.0, 10.0), ("b", 50.0, 20.0), ("c", 10.0, 100.0))
    ]
    found = sample(*seen)["replicate_counts"]
    assert found.measured == pytest.approx(0, abs=1e-9)
    assert "in view" in found.message


@pytest.mark.parametrize(("mode", "status"), [(109.9, "pass"), (110.1, "warn"), (None, "pass")])
def test_spread_of_sizes(mode, status):
    found = sample(member("a", mode_nm=90.0), member("b"), member("c", mode_nm=mode))
    if mode is None:  # 90 and 100: a standard deviation of 7.1 over a mean of 95
        assert found["replicate_sizes"].measured == pytest.approx(100 * 7.0711 / 95, rel=1e-4)
    # 90, 100 and x: the standard deviation over the mean is 10 % at x = 110
    assert found["replicate_sizes"].status == status


def test_no_size_in_the_replicates():
    found = sample(*three(mode_nm=None))
    assert found["replicate_sizes"].status == "no_data"


@pytest.mark.parametrize(
    ("seen", "status"), [(0.0, "pass"), (250, "pass"), (251, "warn"), (1001, "fail")]
)
def test_blank_against_sample(seen, status):
    blank = member("blank", sample="", role="blank", verdict="fail", seen_per_mm2=float(seen))
    assert sample(*three(), blank)["blank_share"].status == status


def test_the_blank_of_a_sample_counts_before_those_of_others():
    blanks = [
        member("other", sample="t", role="blank", seen_per_mm2=5000.0),
        member("own", role="blank", seen_per_mm2=0.0),
    ]
    assert sample(*three(), *blanks)["blank_share"].status == "pass"
    assert sample(*three(), blanks[0])["blank_share"].status == "fail"
    assert sample(*three(seen_per_mm2=0.0), blanks[1])["blank_share"].status == "no_data"
    assert sample(member(verdict="fail"), blanks[1])["blank_share"].status == "no_data"


def test_a_recording_of_which_nothing_was_said_is_no_sample():
    alone = [member("a", sample=""), member("b", sample="")]
    assert samples_of(alone) == []
    blank = member("blank", sample="", role="blank")
    found = samples_of([*alone, blank])
    assert [each.name for each in found] == ["a", "b"]
    assert sample(*alone, blank)["replicates"].status == "not_applicable"


def isolated(volume=0.1, protein=None, **changes):
    return (
        member("pure", sample="pure", **changes)
        if volume is None
        else member(
            "pure",
            sample="pure",
            preparation=Preparation(made_from="raw", volume_ml=volume, protein_ug=protein),
            **changes,
        )
    )


def raw(volume=10.0):
    return member(
        "raw", sample="raw", concentration_per_ml=1e8, preparation=Preparation(volume_ml=volume)
    )


def test_recovery():
    found = sample(isolated(concentration_per_ml=2e9), raw())["recovery"]
    assert found.measured == pytest.approx(20)  # 2e8 of 1e9
    assert (found.status, found.limit) == ("pass", "reported")
    for broken in (
        (isolated(concentration_per_ml=None), raw()),
        (isolated(), raw(volume=None)),
        (isolated(),),
    ):
        assert sample(*broken)["recovery"].status == "no_data"
    assert sample(raw())["recovery"].status == "not_applicable"


def test_particles_for_each_microgram():
    found = sample(isolated(protein=2.0))["particles_per_protein"]
    assert found.measured == pytest.approx(5e7)  # 1e8 over 2
    assert sample(isolated())["particles_per_protein"].status == "not_applicable"
    lacking = isolated(protein=2.0, concentration_per_ml=None)
    assert sample(lacking)["particles_per_protein"].status == "no_data"


def test_dilutions():
    def at(dilution, seen, **changes):
        return member(f"x{dilution}", dilution=dilution, seen_per_mm2=seen, **changes)

    nothing = {"concentration_per_ml": None}
    right = [at(d, 1e5 / d, **nothing) for d in (10.0, 20.0, 40.0)]
    assert sample(*right)["dilution_linearity"].measured == pytest.approx(1)
    # 1e9/mL whatever the dilution means: what is in the cell halves as it should
    assert sample(at(10.0, 1.0), at(20.0, 1.0))["dilution_linearity"].measured == pytest.approx(1)
    flat = [at(d, 1e4, **nothing) for d in (10.0, 20.0)]
    assert sample(*flat)["dilution_linearity"].measured == pytest.approx(0)
    gone = [at(10.0, 1.0, **nothing), at(20.0, 0.0, **nothing)]
    assert sample(*gone)["dilution_linearity"].status == "no_data"
    assert sample(*three())["dilution_linearity"].status == "not_applicable"


def test_a_profile_may_set_limits_to_what_is_reported(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text("[recovery]\nlow = 30\n[particles_per_protein]\nlow = 1e7\nhigh = 1e12")
    found = sample(isolated(2.0, protein=1.0, concentration_per_ml=1e8), raw(), profile=str(path))
    assert (found["recovery"].status, found["recovery"].limit) == ("warn", ">= 30")
    assert found["particles_per_protein"].status == "pass"
    assert found["particles_per_protein"].limit == ">= 1e+07 and <= 1e+12"


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({}, ""),
        ({"pixel_size_um": 0.1661}, ""),
        ({"pixel_size_um": 0.18}, "pixel size is 0.166 in a and 0.18 in z."),
        ({"medium": "water"}, "medium is pbs in a and water in z."),
        ({"exposure_ms": None}, "exposure_ms is 15 in a and not given in z."),
        ({"evsize version": "2"}, "evsize version is 1 in a and 2 in z."),
    ],
)
def test_equal_settings(changes, differs):
    settings = {name: value for name, value in (SETTINGS | changes).items() if value is not None}
    found = batch(*three(), member("z", settings=settings))["equal_settings"]
    assert found.status == ("fail" if differs else "pass")
    if differs:
        assert differs in found.message.replace("pixel_size_um", "pixel size")


def test_beads_share_the_optics_only():
    other = SETTINGS | {"exposure_ms": 5.0, "medium": "water"}
    beads = member("beads", role="beads", preparation=Preparation(bead_nm=105.0), settings=other)
    assert batch(*three(), beads)["equal_settings"].status == "pass"
    moved = dataclasses.replace(beads, settings=other | {"pixel_size_um": 0.7})
    assert batch(*three(), moved)["equal_settings"].status == "fail"
    assert batch(member("a"))["equal_settings"].status == "not_applicable"


def test_what_evsize_chose_by_itself_may_differ():
    report = example.summary()
    names = comparable_settings(report)
    assert {"pixel_size_um", "medium", "frame width (px)", "sizing.seed"} <= set(names)
    assert not {"tracking.search_radius_um", "detection.spot_sd_px", "temperature_c"} & set(names)
    given = Value(value=2.0, unit="um", source="given")
    chosen = report.model_copy(update={"settings": {"tracking.search_radius_um": given}})
    assert comparable_settings(chosen)["tracking.search_radius_um"] == 2.0


@pytest.mark.parametrize(("other", "status"), [(22.5, "pass"), (22.6, "warn"), (None, "no_data")])
def test_temperature_of_a_batch(other, status):
    found = batch(*three(), member("z", temperature_c=other))["steady_temperature"]
    assert found.status == status


@pytest.mark.parametrize(
    ("d50", "status"),
    [(110.0, "pass"), (90.0, "pass"), (110.1, "warn"), (112.1, "fail"), (87.9, "fail")],
)
def test_bead_standard(d50, status):
    beads = member("beads", role="beads", d50_nm=d50, preparation=Preparation(bead_nm=100.0))
    found = batch(*three(), beads)["bead_standard"]
    assert found.status == status
    assert found.measured == pytest.approx(d50 - 100)


def test_beads_of_two_sizes_are_judged_by_the_worse():
    small = member("s", role="beads", d50_nm=101.0, preparation=Preparation(bead_nm=100.0))
    large = member("l", role="beads", d50_nm=240.0, preparation=Preparation(bead_nm=200.0))
    found = batch(small, large)["bead_standard"]
    assert (found.status, found.measured) == ("fail", pytest.approx(20))
    assert "200 nm read 240" in found.message


@pytest.mark.parametrize(("nominal", "d50"), [(None, 100.0), (100.0, None)])
def test_beads_without_a_size_fail(nominal, d50):
    beads = member("beads", role="beads", d50_nm=d50, preparation=Preparation(bead_nm=nominal))
    assert batch(*three(), beads)["bead_standard"].status == "no_data"
    assert assess_group(BatchEvidence((beads,))).verdict == "fail"


ABOUT_GROUPS = [name for name, rule in RULES.items() if rule.scope != "recording"]


@pytest.mark.parametrize("name", ABOUT_GROUPS)
def test_a_rule_without_its_limits_fails_the_group(name):
    profile = load_profile("general")
    rule = RULES[name]
    if rule.may_have or name == "equal_settings":
        return
    beads = member("z", role="beads", d50_nm=100.0, preparation=Preparation(bead_nm=100.0))
    blank = member("y", role="blank", seen_per_mm2=0.0)
    limits = {key: value for key, value in profile.limits.items() if key != name}
    members = (*three(), beads, blank)
    evidence = samples_of(members)[0] if rule.scope == "sample" else BatchEvidence(members)
    assert assess_group(evidence, profile).verdict == "pass"
    assert assess_group(evidence, Profile("lacking", limits)).verdict == "fail"


def test_required_rules_about_groups():
    assert required("sample") == {"replicates", "replicate_counts", "blank_share"}
    assert required("batch") == {"equal_settings", "bead_standard"}


def test_a_spread_that_is_not_defined_fails():
    found = sample(*with_concentrations(0.0, 0.0))["replicate_counts"]
    assert math.isnan(found.measured)
    assert found.status == "fail"

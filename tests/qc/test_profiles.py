"""Profiles: complete, refused where wrong, and doing what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from evsize.errors import UsageError
from evsize.qc import assess, built_in, load_profile
from evsize.qc.registry import RULES
from evsize.results import Finding
from evsize.settings import QcSettings
from tests.qc.evidence import GOOD, changed

WITHOUT_LIMITS = {"something_to_size", "as_recorded", "sources_agree", "polarity", "equal_settings"}


def lab(tmp_path: Path, text: str) -> str:
    path = tmp_path / "lab.toml"
    path.write_text(text)
    return str(path)


def judged(name: str, **changes: object) -> dict[str, Finding]:
    found = assess(changed(changes), QcSettings(profile=name))
    return {"verdict": found.verdict} | {each.rule: each for each in found.findings}


@pytest.mark.parametrize("name", built_in())
def test_a_built_in_profile_is_complete(name):
    profile = load_profile(name)
    assert profile.name == name
    assert set(RULES) - set(profile.limits) == WITHOUT_LIMITS
    assert all(limits["source"] for limits in profile.limits.values())
    assert not profile.waived
    assert not profile.added
    assert assess(changed({"particles_per_frame": 60.0}), profile).verdict == "pass"


def test_the_instruments_differ_where_the_table_says():
    for n, general, nanosight, zetaview in (
        (9, "warn", "warn", "warn"),
        (15, "pass", "warn", "warn"),
        (30, "pass", "pass", "warn"),
        (60, "pass", "pass", "pass"),
        (130, "pass", "warn", "pass"),
        (180, "warn", "warn", "pass"),
        (210, "warn", "warn", "warn"),
    ):
        for name, status in zip(built_in(), (general, nanosight, zetaview), strict=True):
            found = judged(name, particles_per_frame=float(n))["particles_per_frame"]
            assert found.status == status, (n, name)


def test_a_profile_tightens_and_loosens(tmp_path):
    name = lab(
        tmp_path, "[duration]\nwarn_below = 70\n[tracks_used]\nwarn_below = 100\nfail_below = 1"
    )
    found = judged(name, n_used=150, n_tracks=200)
    assert found["duration"].status == "warn"
    assert found["duration"].limit == ">= 70, fail under 5"
    assert found["duration"].source == "profile lab"
    assert found["tracks_used"].status == "pass"
    assert "vendor" in found["particles_per_frame"].source


def test_a_profile_of_ones_own_extends_any(tmp_path):
    name = lab(tmp_path, 'extends = "zetaview"\n[duration]\nwarn_below = 20\nsource = "SOP 12"')
    found = judged(name, duration_s=25.0, particles_per_frame=180.0)
    assert found["verdict"] == "pass"
    assert found["duration"].source == "SOP 12"


def test_a_waiver_takes_the_weight_off_and_shows(tmp_path):
    name = lab(tmp_path, '[waive]\nduration = "Pilot film, ethics form 7."')
    assert judged("general", duration_s=2.0)["verdict"] == "fail"
    found = judged(name, duration_s=2.0)
    assert found["verdict"] == "pass"
    assert found["duration"].status == "waived"
    assert "would be fail" in found["duration"].message
    assert "Pilot film, ethics form 7." in found["duration"].message
    assert judged(name, duration_s=60.0)["duration"].status == "pass"


def test_a_waiver_covers_missing_data_and_no_crash(tmp_path, monkeypatch):
    name = lab(tmp_path, '[waive]\nduration = "Known."\ntracks_used = "Few are enough."')
    assert judged(name, duration_s=None)["verdict"] == "pass"
    monkeypatch.setattr("evsize.qc.profile.RULES", RULES)
    profile = load_profile(name)
    broken = type(profile)(profile.name, dict(profile.limits) | {"tracks_used": {}}, profile.waived)
    assert assess(GOOD, broken).verdict == "fail"


def test_a_rule_is_added_on_a_named_figure(tmp_path):
    rule = (
        '[add.little_dust]\ndiagnostic = "resting_spot_share"\nwarn_above = 0.2\nfail_above = 0.5'
    )
    name = lab(tmp_path, rule + '\nunit = "of spots"\nsource = "SOP 3"\nadvice = "Clean the cell."')
    figures = dict(GOOD.figures)
    for share, status, verdict in (
        (0.2, "pass", "pass"),
        (0.3, "warn", "warn"),
        (0.6, "fail", "fail"),
        (float("nan"), "fail", "fail"),
        (None, "no_data", "warn"),
    ):
        found = judged(name, figures=figures | {"resting_spot_share": share})
        assert found["little_dust"].status == status
        assert found["verdict"] == verdict
    assert found["little_dust"].source == "SOP 3"
    bad = judged(name, figures=figures | {"resting_spot_share": 0.6})["little_dust"]
    assert (bad.advice, bad.unit) == ("Clean the cell.", "of spots")
    assert bad.limit == "warn above 0.2, fail above 0.5"


def test_an_added_rule_may_be_required_and_use_what_rules_measure(tmp_path):
    rule = '[add.bright]\ndiagnostic = "{}"\nwarn_below = 10\nrequired = true'
    assert judged(lab(tmp_path, rule.format("particles_per_frame")))["verdict"] == "pass"
    found = judged(lab(tmp_path, rule.format("particle_per_frame")))
    assert found["verdict"] == "fail"
    assert "Did you mean 'particles_per_frame'?" in found["bright"].message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[duratoin]\nwarn_below = 1", "did you mean 'duration'"),
        ("[duration]\nwarn_belw = 1", "did you mean 'warn_below'"),
        ("[duration]\nwarn_below = true", "must be a number"),
        ('[duration]\nwarn_below = "40"', "must be a number"),
        ("[duration]\nwarn_below = nan", "must be finite"),
        ("[duration]\nwarn_below = 3", "fail_below = 5 is above warn_below = 3"),
        ("[duration]\nsource = 3", "source must be text"),
        ("duration = 3", "must be a table"),
        ("[particles_per_frame]\nlow = 500", "low = 500 is above high = 150"),
        ('extends = "strict"', "a built-in profile"),
        ("extends = 3", "a built-in profile"),
        ("[waive]\nduration = 3", "needs a reason"),
        ('[waive]\nduration = " "', "needs a reason"),
        ('[waive]\nduratoin = "x"', "did you mean 'duration'"),
        ('[waive]\nsomething_to_size = "x"', "cannot be waived"),
        ("waive = 3", "'waive' must be a table"),
        ("add = 3", "'add' must hold tables"),
        ("[add.duration]\nwarn_above = 1", "a new name"),
        ("[add.Dust]\nwarn_above = 1", "a new name"),
        ("[add.dust]\nwarn_above = 1", "needs diagnostic"),
        ('[add.dust]\ndiagnostic = "a"', "needs one of warn_below"),
        ('[add.dust]\ndiagnostic = "a"\nwarn_above = 1\nrequired = 1', "true or false"),
        ('[add.dust]\ndiagnostic = "a"\nwarn_above = 2\nfail_above = 1', "is above"),
        ('[add.dust]\ndiagnostic = "a"\nwarn_over = 2\nwarn_above = 1', "no 'warn_over'"),
        ("[duration\n", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, text, told):
    with pytest.raises(UsageError, match=r"lab\.toml") as error:
        load_profile(lab(tmp_path, text))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["strict", "../general", ""])
def test_an_unknown_profile_names_the_known_ones(name):
    with pytest.raises(UsageError, match="general, nanosight, zetaview"):
        assess(GOOD, QcSettings(profile=name))


def test_a_file_that_is_not_there():
    with pytest.raises(UsageError, match=r"cannot read nowhere\.toml"):
        load_profile("nowhere.toml")

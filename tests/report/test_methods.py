"""The methods paragraph says what was measured, and no more."""

from __future__ import annotations

from evsize.report.methods import methods_text
from evsize.results import Value
from tests.contract import example

COUNTED = {
    "completeness.particles": Value(value=480, source="laid on the frames"),
    "detection.threshold_snr": Value(value=4.1),
}


def test_what_was_missed_is_told_where_it_was_looked_for() -> None:
    settings = example.summary().settings | COUNTED
    note = "depth given by the user; particles above 62 nm"
    text = methods_text(
        example.summary(
            settings=settings,
            diagnostics={"self_check_bias_percent": -0.42},
            concentration_note=note,
        )
    )
    assert "480 simulated particles of known size were laid on the recording's own frames" in text
    assert "Their diameters read -0.42 %." in text
    assert "The detection limit was 62.0 nm (58.0 to 66.0)." in text
    assert f"per mL (2.17e8 to 4.03e8) ({note})." in text
    assert "38.0 particles a frame, 0.20 false detections a frame expected" in text


def test_what_was_not_looked_for_is_not_told() -> None:
    text = methods_text(example.summary(diagnostics={}, concentration_per_ml=None))
    assert "simulated particles" not in text
    assert "Their diameters read" not in text
    assert "No concentration was determined." in text
    assert "diluted" not in text


def test_the_dilution() -> None:
    known = example.acquisition().updated({"dilution": 50.0}, "command line").known()
    assert "diluted 50-fold" in methods_text(example.summary(acquisition=known))


def test_a_flow_that_was_left_in_is_not_said_to_be_removed() -> None:
    assert "A smooth flow was fitted and removed." in methods_text(example.summary())
    kept = example.summary().settings | {"tracking.remove_flow": Value(value=False)}
    assert "flow" not in methods_text(example.summary(settings=kept))


def test_an_error_common_to_all_sizes_is_told_where_there_is_one() -> None:
    def text(percent: float) -> str:
        common = {"sizing.common_error": Value(value=percent, unit="%")}
        return methods_text(example.summary(settings=example.summary().settings | common))

    assert "and an error of 1.346 % that all sizes share." in text(1.3456)
    assert "that all sizes share" not in text(0.0)
    assert "that all sizes share" not in methods_text(example.summary())


def test_a_waiver_is_told() -> None:
    report = example.summary()
    waived = report.qc.findings[1].model_copy(update={"status": "waived"})
    qc = report.qc.model_copy(update={"findings": [waived], "verdict": "pass"})
    assert "pass (tracks-used: waived)." in methods_text(example.summary(qc=qc))

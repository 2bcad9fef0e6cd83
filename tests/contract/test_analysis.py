"""The library as the contract shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evsize
from evsize.errors import OutputError, ResultError, UsageError
from tests.contract import example


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the pipeline was called with; it answers with the example."""
    seen: list[dict[str, Any]] = []

    def run(recording: Any, settings: Any, **others: Any) -> Any:
        seen.append({"recording": recording, "settings": settings, **others})
        return example.result()

    monkeypatch.setattr("evsize.pipeline.run", run, raising=False)
    return seen


@pytest.mark.parametrize(
    "values",
    [{"temperature_c": 295}, {"pixel_size_um": -1}, {"dilution": 0}, {"exposure_ms": float("nan")}],
)
def test_analyze_checks_what_it_is_given(
    values: dict[str, float], calls: list[dict[str, Any]]
) -> None:
    with pytest.raises(UsageError, match=next(iter(values))):
        evsize.analyze(np.zeros((4, 8, 8), np.uint8), **values)
    assert not calls


def test_analyze_takes_numbers_of_numpy(calls: list[dict[str, Any]]) -> None:
    evsize.analyze(np.zeros((4, 8, 8), np.uint8), frame_rate_hz=np.int64(25))
    assert type(calls[0]["acquisition"].frame_rate_hz) is float


def test_analyze_an_array(calls: list[dict[str, Any]]) -> None:
    frames = np.zeros((4, 8, 8), np.uint8)
    settings = evsize.Settings.model_validate(
        {"acquisition": {"temperature_c": 20, "viscosity_mpas": 2.0, "pixel_size_um": 0.2}}
    )
    result = evsize.analyze(frames, settings, temperature_c=25, medium="pbs", frame_rate_hz=30)
    acquisition = calls[0]["acquisition"]
    assert acquisition.temperature_c == 25
    assert acquisition.sources == {
        "pixel_size_um": "settings",
        "temperature_c": "given",
        "medium": "given",
        "frame_rate_hz": "given",
    }
    assert acquisition.viscosity_mpas is None  # the medium given is the stronger word
    assert result.qc.verdict == "warn"
    assert result.distribution.d50_nm.value == 102.4
    assert result.classes[1].name == "exosome-size"
    assert result.detection_limit_nm is not None
    assert result.concentration_per_ml is not None
    assert list(result.particles.columns)[3] == "diameter_nm"


def test_analyze_an_open_recording_leaves_it_open(calls: list[dict[str, Any]]) -> None:
    with evsize.open_recording(np.zeros((4, 8, 8), np.uint8), medium="water") as recording:
        evsize.analyze(recording, temperature_c=22)
        assert calls[0]["recording"] is recording
        assert calls[0]["acquisition"].medium == "water"
        recording.get_frame(0)


def test_a_misspelt_value_is_refused() -> None:
    with pytest.raises(TypeError, match="pixelsize"):
        evsize.analyze(np.zeros((4, 8, 8), np.uint8), pixelsize=1)


def test_save_and_load(tmp_path: Path) -> None:
    result = evsize.Analysis.of(example.result())
    folder = result.save(tmp_path / "a", tables=("csv",))
    assert (folder / "report.html").is_file()
    assert (folder / "tracks.csv").is_file()
    assert evsize.load_result(folder).summary == result.summary
    with pytest.raises(OutputError):
        result.save(folder)
    result.save(folder, overwrite=True)
    with pytest.raises(ResultError, match=r"no result\.json"):
        evsize.load_result(tmp_path)


def test_how_it_shows_itself() -> None:
    result = evsize.Analysis.of(example.result())
    assert "verdict: warn" in repr(result)
    assert "102 nm (99.3 to 105)" in repr(result)
    assert "642 of 1405" in repr(result)
    assert "exosome-size" in result._repr_html_()
    about = result.summary.recording.model_copy(update={"path": "<script>"})
    hostile = example.result(recording=about)
    assert "<script>" not in evsize.Analysis.of(hostile)._repr_html_()
    assert "not determined" in repr(evsize.Analysis.of(example.blank()))

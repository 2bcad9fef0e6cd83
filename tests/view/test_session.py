from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import evsize
from evsize.errors import (
    MissingSettingsError,
    OutputError,
    RecordingError,
    ResultError,
    UsageError,
)
from evsize.report import words
from evsize.results import Value
from evsize.settings import parse_settings, read_toml
from evsize.view import Session
from evsize.view.look import Look
from evsize.view.session import Wanted
from evsize.view.values import settings_of
from tests.contract import example
from tests.view.conftest import QUICK, until

GIVEN = {
    "pixel_size_um": "0,166",
    "frame_rate_hz": "50",
    "exposure_ms": "9",
    "temperature_c": "22",
    "medium": "pbs",
}


def strong(look: Look) -> int:
    return sum(not weak for spots in look.spots for _, _, weak in spots)


def finished(session: Session) -> dict:
    until(lambda: session.state()["run"]["status"] in ("done", "failed"))
    return session.state()["run"]


def test_a_higher_threshold_starts_fewer_tracks(session: Session) -> None:
    looks = [session.look(Wanted(threshold_snr=snr)) for snr in (4.0, 8.0, 16.0)]
    counts = [strong(look) for look in looks]
    assert counts[0] > counts[1] > counts[2]
    assert [look.threshold_snr for look in looks] == [4.0, 8.0, 16.0]
    automatic = session.look(Wanted())
    same = session.look(Wanted(threshold_snr=automatic.threshold_snr))
    assert same.spots == automatic.spots


def test_a_look_at_all_frames_finds_what_a_run_finds(session: Session, film: Path) -> None:
    look = session.look(Wanted(threshold_snr=6.0))
    assert (look.first, look.count) == (0, 60)
    result = evsize.analyze(film, session.settings(Wanted(threshold_snr=6.0)))
    figures = dict(look.figures)
    assert figures["tracks that carry a size"] == str(result.summary.tracks.n_used)
    assert figures["median diameter"] == f"{words.figure(result.distribution.d50_nm.value)} nm"
    assert figures["spots a frame"] == words.figure(result.frames["detections"].mean())
    drawn = [len(spots) for spots in look.spots]
    assert drawn == result.frames["detections"].tolist()
    assert "<svg" in look.sizes


def test_blocks_of_frames(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evsize.view.session.MOST", 25)
    looks = [session.look(Wanted(frame=frame)) for frame in (24, 25, 59)]
    assert [(look.first, look.count) for look in looks] == [(0, 25), (25, 25), (35, 25)]


def test_a_picture_is_the_frame(session: Session, film: Path) -> None:
    plain, bright = (
        np.asarray(Image.open(io.BytesIO(session.picture(3, contrast)))) for contrast in (1.0, 4.0)
    )
    with evsize.open_recording(film) as recording:
        frame = np.asarray(recording[3], dtype=float)
    assert plain.shape == frame.shape
    rising = np.argsort(frame, axis=None)
    assert (np.diff(plain.ravel()[rising].astype(int)) >= 0).all()
    assert bright.mean() > plain.mean()
    with pytest.raises(UsageError, match="0 to 59"):
        session.picture(60)


def test_settings_are_saved_as_they_stand(session: Session, film: Path, tmp_path: Path) -> None:
    path = tmp_path / "chosen.toml"
    wanted = Wanted(threshold_snr=5.5, values={"temperature_c": "24,5"}, path=str(path))
    saved = session.save(wanted)
    read = parse_settings(read_toml(path), "file")
    assert read == session.settings(wanted)
    assert read.detection.threshold_snr == 5.5
    assert read.acquisition.temperature_c == 24.5
    assert read.acquisition.pixel_size_um is None  # the film says it, not the user
    assert read.recording.frames == "0:60"
    assert saved["command"] == f"evsize analyze {film} -c {path} -o results"
    with pytest.raises(OutputError, match="exists already"):
        session.save(wanted)
    session.save(wanted.model_copy(update={"threshold_snr": None, "replace": True}))
    assert parse_settings(read_toml(path), "file").detection.threshold_snr is None
    for wrong in ("", str(tmp_path / "no" / "a.toml")):
        with pytest.raises(UsageError):
            session.save(wanted.model_copy(update={"path": wrong}))


def test_what_is_not_known_is_asked_for(bare: Path, tmp_path: Path) -> None:
    session = Session(QUICK)
    session.open(str(bare))
    look = session.look(Wanted(threshold_snr=5.0))
    assert strong(look) > 0
    assert look.remark == "For sizes, fill in: pixel size, frame rate, temperature, medium."
    assert "median diameter" not in dict(look.figures)
    with pytest.raises(MissingSettingsError, match="temperature_c"):
        session.start(Wanted(path=str(tmp_path / "out")))
    full = session.look(Wanted(threshold_snr=5.0, values=GIVEN))
    assert full.remark == ""
    assert "median diameter" in dict(full.figures)
    session.close()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"temperature_c": "warm"}, "temperature, degC: 'warm'"),
        ({"pixel_size_um": "-1"}, "pixel size, um: '-1'"),
        ({"medium": "mud"}, "unknown medium 'mud'"),
        ({"exposure_ms": "50"}, "longer than the frame"),
        ({"colour": "red"}, "no value is called 'colour'"),
    ],
)
def test_a_wrong_value_is_one_line(session: Session, values: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        session.look(Wanted(values=values))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_opened(session: Session, tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("hello")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "result.json").write_text("{")
    for text, error in (
        ("", UsageError),
        (str(tmp_path / "none.tif"), RecordingError),
        (str(tmp_path / "text.tif"), RecordingError),
        (str(tmp_path / "broken"), ResultError),
        ("\0", RecordingError),
    ):
        with pytest.raises(error):
            session.open(text)
    assert session.state()["recording"]["name"] == "beads_100nm.tif"  # what was open stays


def test_a_run_and_its_result_opened_again(session: Session, film: Path, tmp_path: Path) -> None:
    wanted = Wanted(threshold_snr=6.0, values={"temperature_c": "23"}, path=str(tmp_path / "out"))
    assert session.report is None
    session.start(wanted)
    with pytest.raises(UsageError, match="is running"):
        session.start(wanted)
    with pytest.raises(UsageError, match="is running"):
        session.open(str(film))
    run = finished(session)
    assert run["error"] == ""
    folder = tmp_path / "out" / "beads_100nm"
    saved = evsize.load_result(folder)
    assert run["result"]["verdict"] == saved.qc.verdict
    assert ("median diameter", words.estimate(saved.distribution.d50_nm, "nm")) in run["result"][
        "figures"
    ]
    assert saved.acquisition["temperature_c"].value == 23
    assert saved.summary.settings["detection.threshold_snr"].value == 6.0
    assert session.report == folder / "report.html"
    with pytest.raises(OutputError, match="exists already"):
        session.start(wanted)

    again = Session()
    again.open(str(folder))
    assert again.state()["run"]["result"]["verdict"] == saved.qc.verdict
    assert again.state()["recording"]["frames"] == 60
    settings = again.settings(Wanted(threshold_snr=6.0))
    assert settings.recording == QUICK.recording
    assert settings.detection.threshold_snr == 6.0
    assert settings.acquisition.temperature_c == 23
    again.save(Wanted(path=str(tmp_path / "again.toml")))
    assert "seed" not in (tmp_path / "again.toml").read_text()  # what is usual is not noted
    again.close()


def test_what_a_result_notes_beside_settings_is_left_out() -> None:
    noted = {
        "detection.threshold_snr": Value(value=7.0, source="given"),
        "detection.window_px": Value(value=9, source="given by the spots"),
        "recording.roi_px": Value(value="1,2,30,40", source="given"),
        "strange.key": Value(value=1, source="given"),
    }
    settings = settings_of(example.summary(settings=noted))
    assert settings.detection.threshold_snr == 7.0
    assert settings.recording.roi_px == (1, 2, 30, 40)
    assert settings.acquisition.medium == "pbs"


def test_a_result_whose_recording_is_gone(tmp_path: Path) -> None:
    evsize.Analysis.of(example.result()).save(tmp_path / "a")
    session = Session()
    session.open(f'"{tmp_path / "a"}"')
    state = session.state()
    assert state["recording"] is None
    assert "samples/ev mixture.tif" in state["note"]
    assert state["run"]["result"]["remarks"][0]["rule"].endswith("no data.")
    assert ("particles per mL", "3.10e8 (2.17e8 to 4.03e8)") in state["run"]["result"]["figures"]
    with pytest.raises(UsageError, match="no recording is open"):
        session.look(Wanted())


def test_a_run_that_fails_says_why(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RecordingError("the film went away")

    monkeypatch.setattr("evsize.view.runs.analyze", broken)
    session.start(Wanted(path=str(tmp_path / "out")))
    run = finished(session)
    assert (run["status"], run["error"]) == ("failed", "the film went away")
    assert run["result"] is None
    assert session.report is None

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evsize import pipeline
from evsize.recording import by_time, open_recording
from evsize.recording.gaps import LONGEST_GAP
from evsize.recording.times import find_uneven, stated_times
from evsize.settings import Settings
from evsize.tables import Flag
from tests.recording.families import DEEP
from tests.recording.makers import burnt_in, micro_manager_tiff, numbered_frames

FRAMES = numbered_frames(20)


def timed(folder: Path, missed_after: dict[int, int]) -> Path:
    steps = [40.0 * (1 + missed_after.get(n - 1, 0)) for n in range(20)]
    return micro_manager_tiff(folder / "a.tif", FRAMES, 40, list(np.cumsum(steps)))


def test_dropped_frames_get_their_places(tmp_path: Path) -> None:
    with open_recording(timed(tmp_path, {4: 1, 9: 2, 15: 500})) as whole:
        recording = by_time(whole)
        assert len(recording) == 20 + 1 + 2 + LONGEST_GAP
        shown = [(burnt_in(frame), bool(frame.metadata)) for frame in recording]
        expected = [(n, False) for n in range(20)]
        for number, count in ((15, LONGEST_GAP), (9, 2), (4, 1)):
            expected[number + 1 : number + 1] = [(number, True)] * count
        assert shown == expected
        assert [recording[n].frame_no for n in (0, 5, 6)] == [0, 5, 6]
        for number in (31, 5, 12, 0):
            assert burnt_in(recording[number]) == expected[number][0]
        about = recording.info()
        assert about.frames == 20
        assert about.missed_after == {4: 1, 9: 2, 15: 500}
        assert "13 numbers stand for frames that were dropped" in about.remarks[-1]
        del recording
        assert burnt_in(whole[3]) == 3


def test_recordings_without_gaps_or_times_stay_as_they_are(tmp_path: Path) -> None:
    with open_recording(timed(tmp_path, {})) as whole:
        assert by_time(whole) is whole
    array = open_recording(FRAMES)
    assert by_time(array) is array


def test_steps_over_dropped_frames_are_gaps_in_the_tracks(tmp_path: Path) -> None:
    kept = np.delete(np.arange(120), [40, 41, 70])
    path = micro_manager_tiff(tmp_path / "a.tif", DEEP[kept] >> 4, 0, [40.0 * n for n in kept])
    settings = Settings.model_validate({"sizing": {"n_bootstrap": 0, "n_sizes": 60}})
    with open_recording(path, temperature_c=22, medium="water") as recording:
        result = pipeline.run(recording, settings)
    assert len(result.frames) == 120
    marked = result.frames["flags"].to_numpy() & np.uint32(Flag.CORRUPT_FRAME) > 0
    assert list(np.flatnonzero(marked)) == [40, 41, 70]
    assert len(result.tracks) > 200
    assert not set(result.tracks["frame"]) & {40, 41, 70}
    np.testing.assert_allclose(result.tracks["t_s"], result.tracks["frame"] / 25)
    missing = next(f for f in result.summary.qc.findings if f.rule == "missing_frames")
    assert missing.status == "fail"  # 3 of 120
    assert "after frame 39, 67" in missing.message


@pytest.mark.parametrize(
    ("times", "missed", "uneven"),
    [
        ([0, 1, 2, 3], {}, []),
        ([0, 1, 2, 4, 5, 6, 9, 10], {2: 1, 5: 2}, []),
        ([0, 1, 2, 3.27, 4, 5], {}, [3, 4]),
        ([0, 1, 2, 3.23, 4, 5], {}, []),
        ([0, 1, 1, 2, 3, 4], {}, [2]),
        ([0, 1, 2, 3, 5.5, 6.5], {3: 1}, [4]),
        ([0, 0, 0], {}, None),
        ([0, 1], {}, None),
    ],
)
def test_gaps_and_unevenness_of_times(
    times: list[float], missed: dict[int, int], uneven: list[int] | None
) -> None:
    assert find_uneven(np.array(times, dtype=float) * 0.04) == (missed, uneven)


def test_times_that_fall_or_lack_are_none() -> None:
    assert stated_times([0, 1, 2], 4) is None
    assert stated_times([0, 2, 1], 3) is None
    assert stated_times([0, np.nan, 2], 3) is None
    assert stated_times([5, 5, 5], 3) is None
    np.testing.assert_array_equal(stated_times([5, 6, 8, 99], 3), [0, 1, 3])

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evsize.errors import UsageError
from evsize.recording import open_recording, part
from tests.recording.makers import numbered_frames, write_film

FRAMES = numbered_frames(40)


def test_frames_and_region_are_those_asked_for() -> None:
    with open_recording(FRAMES, pixel_size_um=0.2) as whole:
        some = part(whole, "5:25", (10, 4, 30, 20))
        assert (len(some), some.frame_shape, some.pixel_type) == (20, (20, 30), np.uint8)
        np.testing.assert_array_equal(np.array(list(some)), FRAMES[5:25, 4:24, 10:40])
        assert some[3].frame_no == 3
        assert some.acquisition.pixel_size_um == 0.2
        about = some.info()
        assert about.sha256 == whole.info().sha256
        assert about.frames_declared is None
        assert [text.split(" ")[0] for text in about.remarks] == ["Frames", "Of"]
        assert part(whole, None, None) is whole
        assert len(part(whole, "30:", None)) == 10
        assert len(part(whole, ":1000", None)) == 40
        del some
        assert whole[0] is not None  # a part that goes does not close the whole


def test_times_and_damage_are_counted_from_the_first_frame_of_the_part(tmp_path: Path) -> None:
    numbers = [n + 5 * (n > 20) for n in range(40)]
    path = write_film(tmp_path / "a.mkv", FRAMES, "ffv1", "gray", times=numbers)
    with open_recording(path) as whole:
        some = part(whole, "10:30", None)
        assert some.timestamps_s[0] == 0
        np.testing.assert_allclose(
            some.timestamps_s, np.array(numbers[10:30]) / 25 - 0.4, atol=2e-3
        )
        assert some.about().missed_after == {10: 5}
    frames = FRAMES.astype(np.float32)
    frames[12, 0, 0] = np.nan
    with open_recording(frames) as whole:
        some = part(whole, "10:20", None)
        assert some[2].metadata == {"corrupt": True}
        assert some.damaged_frames == (2,)
        assert some.about().damaged_frames == [2]


@pytest.mark.parametrize(
    ("frames", "region"),
    [
        ("40:", None),
        ("5:6", None),
        ("9:3", None),
        ("a:b", None),
        ("5", None),
        (None, (0, 0, 65, 48)),
        (None, (60, 0, 5, 48)),
        (None, (-1, 0, 5, 5)),
        (None, (0, 0, 0, 5)),
    ],
)
def test_parts_that_are_not_there_are_refused(frames: str | None, region: object) -> None:
    with open_recording(FRAMES) as whole, pytest.raises(UsageError):
        part(whole, frames, region)  # type: ignore[arg-type]

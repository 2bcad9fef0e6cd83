"""The benchmark of speed does what it is asked for, or says why not."""

from __future__ import annotations

import pytest

from benchmarks import speed


def test_a_part_that_is_none_is_an_error(capsys, monkeypatch):
    monkeypatch.setattr(speed, "tables", lambda names: pytest.fail(f"runs {names}"))
    with pytest.raises(SystemExit) as ended:
        speed.main(["frames"])
    assert ended.value.code == 2
    assert "no part frames; there are frame, recording" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "run"), [([], ("frame", "recording")), (["frame"], ["frame"]), (["--write"], None)]
)
def test_parts_asked_for_are_run(asked, run, monkeypatch):
    seen = []

    def tables(names):
        seen.append(names)
        return {}

    monkeypatch.setattr(speed, "tables", tables)
    speed.main(asked)
    assert seen == [run or speed.PARTS]

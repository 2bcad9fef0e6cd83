from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evsize.errors import OutputError
from evsize.storage import check_output, whole_folder


def fill(target: Path, text: str, overwrite: bool = False) -> None:
    with whole_folder(target, overwrite) as folder:
        (folder / "result.json").write_text(text)
        assert not (target / "result.json").exists() or overwrite


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    fill(tmp_path / "deep" / "a", "new")
    assert (tmp_path / "deep" / "a" / "result.json").read_text() == "new"
    assert names(tmp_path / "deep") == ["a"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with whole_folder(tmp_path / "a") as folder:
            (folder / "result.json").write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == []


def test_a_result_is_kept_unless_overwritten(tmp_path: Path) -> None:
    fill(tmp_path / "a", "old")
    with pytest.raises(OutputError, match="--overwrite") as caught:
        fill(tmp_path / "a", "new")
    assert str(tmp_path / "a") in str(caught.value)
    assert (tmp_path / "a" / "result.json").read_text() == "old"
    fill(tmp_path / "a", "new", overwrite=True)
    assert (tmp_path / "a" / "result.json").read_text() == "new"
    assert names(tmp_path) == ["a"]


def test_a_failed_overwrite_keeps_the_old_result(tmp_path: Path) -> None:
    fill(tmp_path / "a", "old")
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "a", overwrite=True):
        raise ZeroDivisionError
    assert (tmp_path / "a" / "result.json").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_only_results_are_ever_replaced(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    (frames / "0001.png").write_text("a precious image")
    with pytest.raises(OutputError, match="not a result"):
        fill(frames, "new", overwrite=True)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OutputError, match="not a result"):
        fill(tmp_path / "file", "new", overwrite=True)
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty", "new")


def test_an_output_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write to"):
        check_output(tmp_path / "file" / "a")


def test_a_killed_run_leaves_nothing_under_the_final_name(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from evsize.storage import whole_folder\n"
        "with whole_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'result.json').write_text('half'); print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    target = tmp_path / "a"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert names(tmp_path) == [f".a.partial-{process.pid}"]
        other = tmp_path / f".a.partial-{process.pid}"
        fill(tmp_path / "a", "mine")  # a run that is still at work is left alone
        assert other.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert other.exists()
    fill(target, "new", overwrite=True)
    assert names(tmp_path) == ["a"]
    assert (target / "result.json").read_text() == "new"


def test_a_result_set_aside_by_a_killed_overwrite_comes_back(tmp_path: Path) -> None:
    aside = tmp_path / ".a.replaced-999999999"
    aside.mkdir()
    (aside / "result.json").write_text("old")
    with pytest.raises(OutputError, match="exists already"):
        fill(tmp_path / "a", "new")
    assert (tmp_path / "a" / "result.json").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_names_with_wildcards_touch_no_other_folder(tmp_path: Path) -> None:
    (tmp_path / ".ab.partial-999999999").mkdir()
    fill(tmp_path / "a*", "new")
    fill(tmp_path / "[ab]", "new")
    assert names(tmp_path) == [".ab.partial-999999999", "[ab]", "a*"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="cannot write to"):
            check_output(tmp_path / "a")
    finally:
        tmp_path.chmod(0o700)

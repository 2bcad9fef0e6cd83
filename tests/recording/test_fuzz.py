"""Harmed files of every family: the quick form of ``python -m benchmarks.fuzz_readers``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recording.families import FAMILIES, VENDOR_FILES

fuzz_readers = pytest.importorskip("benchmarks.fuzz_readers")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    for name, write in {**FAMILIES, **VENDOR_FILES}.items():
        write(folder / name)
    return folder


def test_harmed_files_end_in_an_exit_code_and_one_line(base: Path, tmp_path: Path) -> None:
    families = len(FAMILIES) + len(VENDOR_FILES)
    outcomes = [
        fuzz_readers.try_case(case, 3, base, tmp_path) for case in range(families, 5 * families)
    ]
    assert {outcome.family for outcome in outcomes} == {*FAMILIES, *VENDOR_FILES}
    assert [outcome for outcome in outcomes if outcome.problem] == []
    codes = [outcome.code for outcome in outcomes]
    assert set(codes) <= set(fuzz_readers.ALLOWED)
    assert 0 < codes.count(4) < len(codes)  # some are beyond reading, most are not


def test_a_case_is_made_again_by_its_number(base: Path, tmp_path: Path) -> None:
    first = fuzz_readers.make_case(11, 3, base, tmp_path)[1]
    content = first.read_bytes() if first.is_file() else b""
    again = fuzz_readers.make_case(11, 3, base, tmp_path)[1]
    assert (again.read_bytes() if again.is_file() else b"") == content


@pytest.mark.slow
def test_two_thousand_harmed_files() -> None:
    outcomes = fuzz_readers.fuzz(range(2000), seed=4)
    assert [outcome for outcome in outcomes if outcome.problem] == []
    assert max(outcome.memory_mb for outcome in outcomes) < 1000

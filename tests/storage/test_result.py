from __future__ import annotations

import json
import math
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from evsize import storage
from evsize.errors import ResultError
from evsize.results import Estimate, Result
from tests.contract import example


@pytest.fixture
def written(tmp_path: Path) -> Path:
    storage.write_result(example.result(), tmp_path, ("parquet", "csv", "xlsx"))
    return tmp_path


@pytest.mark.parametrize("make", [example.result, example.blank])
def test_what_is_read_equals_what_was_written(make, tmp_path: Path) -> None:
    result: Result = make()
    storage.write_result(result, tmp_path)
    back = storage.read_result(tmp_path)
    assert back.summary == result.summary
    for name in ("particles", "tracks", "frames", "distribution_table"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(result, name))
    for name in ("preview", "strip"):
        picture = getattr(result, name)
        if picture is None:
            assert getattr(back, name) is None
        else:
            np.testing.assert_array_equal(getattr(back, name), picture)


def test_the_files_of_the_contract(tmp_path: Path) -> None:
    storage.write_result(example.result(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "result.json",
        "particles.parquet",
        "particles.csv",
        "tracks.parquet",
        "frames.parquet",
        "distribution.csv",
        "preview.png",
        "strip.png",
    }


def test_the_same_result_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    storage.write_result(storage.read_result(written), again, ("parquet", "csv", "xlsx"))
    files = [path for path in written.iterdir() if path.is_file()]
    assert len(files) == 14
    for path in files:
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_undefined_numbers_are_null(tmp_path: Path) -> None:
    summary = example.summary(
        detection_limit_nm=Estimate(value=math.nan, low=math.inf, high=None),
        diagnostics={"a": math.nan},
    )
    content = json.loads(storage.report_json(summary))
    assert content["detection_limit_nm"] == {"value": None, "low": None, "high": None}
    assert content["diagnostics"] == {"a": None}
    assert content["schema"] == "evsize/1"


def test_result_json_validates_against_the_shipped_schema(written: Path) -> None:
    schema = json.loads(storage.SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    content = json.loads((written / "result.json").read_text())
    jsonschema.validate(content, schema)
    content["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema)


def test_the_shipped_schema_is_in_step() -> None:
    text = json.dumps(storage.report_schema(), indent=2) + "\n"
    assert storage.SCHEMA_FILE.read_text() == text, (
        "run: python -m evsize.storage.schema, to write evsize/result.schema.json anew"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("result.json", None),
        ("result.json", b""),
        ("result.json", b"{"),
        ("result.json", b'{"schema": "evsize/2"}'),
        ("result.json", b"\xff\xfe"),
        ("particles.parquet", None),
        ("particles.parquet", b"PAR1"),
        ("tracks.parquet", b""),
        ("frames.parquet", b"hello"),
        ("distribution.csv", b""),
        ("distribution.csv", b"a,b\n1,2\n"),
        ("preview.png", b"no picture"),
        ("strip.png", b""),
    ],
)
def test_a_broken_result_is_one_line(tmp_path: Path, name: str, content: bytes | None) -> None:
    written = tmp_path
    storage.write_result(example.result(), written)
    if content is None:
        (written / name).unlink()
    else:
        (written / name).write_bytes(content)
    with pytest.raises(ResultError) as caught:
        storage.read_result(written)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4

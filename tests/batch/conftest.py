"""Recordings small enough to be sized in a second, and a pipeline that takes none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from evsize.batch.entry import Entry
from evsize.batch.run import Plan
from evsize.results import Result
from tests.contract import example

GIVEN = {
    "pixel_size_um": 0.166,
    "frame_rate_hz": 25.0,
    "exposure_ms": 15.0,
    "temperature_c": 22.0,
    "medium": "water",
}


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """Write a recording without particles and return its path."""

    def make(name: str = "a.tif", seed: int = 0) -> Path:
        path = tmp_path / "films" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frames = np.random.default_rng(seed).integers(0, 99, (5, 24, 32), dtype=np.uint8)
        tifffile.imwrite(path, frames, photometric="minisblack")
        return path

    return make


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(out=tmp_path / "out", given=GIVEN)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the pipeline; returns the names of the recordings it was called with."""
    calls: list[str] = []

    def run(recording: Any, settings: Any, **others: Any) -> Result:
        calls.append(Path(recording.facts.path).stem)
        return example.result(recording=recording.info())

    monkeypatch.setattr("evsize.pipeline.run", run)
    return calls


def entry(path: Path, **others: Any) -> Entry:
    return Entry(path.name, path, path.stem, sample=others.pop("sample", path.stem), **others)

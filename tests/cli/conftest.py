"""A program with its pipeline replaced, and recordings small enough to write in passing."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from evsize.errors import RecordingError
from evsize.results import Qc, Result
from tests.contract import example

GIVEN = ["--pixel-size", "0.166", "--frame-rate", "25", "--temperature", "22", "--medium", "pbs"]


@dataclass
class Pipeline:
    """Stands in for the real one; what it does is decided by the name of the recording."""

    calls: list[dict[str, Any]] = field(default_factory=list)

    def run(self, recording: Any, settings: Any, **others: Any) -> Result:
        self.calls.append({"settings": settings, **others})
        name = Path(recording.facts.path).stem
        if others["progress"] is not None:
            for done in range(3):
                others["progress"]("finding particles", done, 3)
            others["progress"]("sizing", 1, 1)
        outcomes: dict[str, Callable[[], Exception]] = {
            "bug": lambda: ZeroDivisionError("division\nby zero"),
            "unsizable": lambda: RecordingError(f"{name} cannot be sized", "particles"),
            "full": lambda: OSError(errno.ENOSPC, "No space left on device"),
        }
        if name in outcomes:
            raise outcomes[name]()
        if name == "stopped":
            raise KeyboardInterrupt
        about = example.summary().recording.model_copy(update={"path": recording.facts.path})
        verdict = name if name in ("pass", "fail") else "warn"
        qc = Qc(verdict=verdict, profile="general", findings=example.FINDINGS)
        return example.result(recording=about, qc=qc)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    made = Pipeline()
    monkeypatch.setattr("evsize.pipeline.run", made.run, raising=False)
    return made


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., str]:
    """Write a small recording and return its path."""

    def make(name: str = "a.tif", **metadata: float) -> str:
        path = tmp_path / "films" / name
        path.parent.mkdir(exist_ok=True)
        frames = np.random.default_rng(0).integers(0, 99, (3, 16, 16), dtype=np.uint8)
        tifffile.imwrite(path, frames, photometric="minisblack")
        return str(path)

    return make

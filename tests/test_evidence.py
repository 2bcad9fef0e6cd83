"""What rules look at follows from a saved result alone."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evsize import storage
from evsize.assembly.evidence import gather, judge
from evsize.qc import assess
from evsize.results import Estimate, Result, Value
from evsize.settings import QcSettings
from evsize.tables import FRAMES, Flag
from tests.contract import example


def given(**values: object) -> dict[str, Value]:
    settings = dict(example.summary().settings)
    return settings | {
        f"instrument.{key}": Value(value=v, source="given") for key, v in values.items()
    }  # type: ignore[arg-type]


def test_a_saved_result_gives_the_same_evidence(tmp_path: Path) -> None:
    result = example.result(conflicts=["One says 25, the other 30."])
    with storage.whole_folder(tmp_path / "a") as partial:
        storage.write_result(result, partial)
    again = storage.read_result(tmp_path / "a")
    assert gather(again) == gather(result)
    assert gather(again).conflicts == ("One says 25, the other 30.",)
    assert judge(again, QcSettings()).summary.qc == assess(gather(result))


def test_the_verdict_of_before_is_not_looked_at() -> None:
    failed = example.summary().qc.model_copy(update={"verdict": "fail"})
    assert gather(example.result(qc=failed)) == gather(example.result())


def test_figures_of_the_tables() -> None:
    result = example.result()
    flags = result.tracks["flags"].to_numpy().copy()
    flags[: len(flags) // 4] |= np.uint32(Flag.SATURATED)
    outside = result.particles["flags"].to_numpy() | np.uint32(Flag.OUTSIDE_RANGE)
    on_a_grid = np.round(result.tracks["x_um"] / 0.166) * 0.166
    frames = result.frames["flags"].to_numpy().copy()
    frames[[7, 9]] |= np.uint32(Flag.DUPLICATE_FRAME)
    frames[11] |= np.uint32(Flag.STAGE_JUMP)
    found = gather(
        replace(
            result,
            tracks=result.tracks.assign(flags=flags, x_um=on_a_grid),
            particles=result.particles.assign(flags=outside),
            frames=result.frames.assign(flags=frames),
        )
    )
    assert found.saturated_share == 0.25
    assert found.figures["outside_range_share"] == 1
    # all at one place of the pixel; 500 positions leave it 1 % uncertain where that is
    assert found.figures["sub_pixel_rms_px"] == pytest.approx(1 / math.sqrt(12), rel=0.01)
    assert found.duplicate_frames == (7, 9)
    assert found.sudden_frames == {"scene_cut": (), "stage_jump": (11,), "pulse": ()}


def test_concentration_in_the_cell() -> None:
    acquisition = example.acquisition().updated({"dilution": 50.0}, "command line").known()
    report = {"concentration_per_ml": Estimate(value=5e9), "acquisition": acquisition}
    assert gather(example.result(**report)).cell_per_ml == pytest.approx(1e8)
    assert gather(example.result(concentration_per_ml=None)).cell_per_ml is None


def trajectories(result: Result) -> Result:
    frames = FRAMES.build(
        **{name: result.frames[name] for name in FRAMES.names}
        | dict.fromkeys(("background", "noise", "false_detections"), np.full(300, np.nan))
    )
    kept = {k: v for k, v in result.summary.settings.items() if not k.startswith("detection.")}
    summary = result.summary.model_copy(update={"settings": kept})
    return replace(result, frames=frames, summary=summary)


def test_trajectories_of_another_tracker_have_no_images() -> None:
    found = gather(trajectories(example.result()))
    assert not found.images
    assert found.duplicate_frames is None
    assert gather(example.result()).images


@pytest.mark.parametrize(
    ("values", "misfits"),
    [
        ({"exposure_ms": 30.0, "date": "2026-12-01", "valid_days": 90}, 0),
        ({"exposure_ms": 20.0}, 1),
        ({"noise": 3.1, "spot_sd_um": 0.27}, 0),
        ({"noise": 6.0, "spot_sd_um": 0.5}, 2),
        ({"date": "2026-01-05", "valid_days": 90}, 1),
    ],
)
def test_the_instrument_file(values: dict[str, object], misfits: int) -> None:
    result = example.result(settings=given(**values))
    found = judge(result, QcSettings()).summary.qc.findings
    (fits,) = [each for each in found if each.rule == "instrument_fits"]
    assert fits.measured == misfits
    assert fits.status == ("warn" if misfits else "pass")


def test_whether_missed_particles_were_asked_for() -> None:
    settings = dict(example.summary().settings)
    off = settings | {"completeness.mode": Value(value="off", source="given")}
    assert gather(example.result()).counted
    assert not gather(example.result(settings=off)).counted

"""Tasks on a Dask cluster that runs in this process; kills of real ones are a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evsize.batch import cluster
from evsize.batch.run import Plan, run
from evsize.errors import UsageError
from tests.batch.conftest import GIVEN, entry

Film = Callable[..., Path]
distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default")  # of event loops, as they close


@pytest.fixture
def dask() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as made:
        yield made


def plan_for(address: str, out: Path) -> Plan:
    out.mkdir(exist_ok=True)
    return Plan(out, given=GIVEN, scheduler=address)


def test_results_come_from_the_workers(
    dask: Any, film: Film, tmp_path: Path, pipeline: list[str]
) -> None:
    rows = [entry(film(f"{name}.tif")) for name in "abc"]
    film("b.tif").write_bytes(b"")
    plan = plan_for(dask.scheduler_address, tmp_path / "out")
    endings = run(rows, plan)
    assert [end.status for end in endings.values()] == ["done", "failed", "done"]
    assert (tmp_path / "out" / "a" / "result.json").is_file()
    again = run(rows, plan)
    assert [end.status for end in again.values()] == ["kept", "failed", "kept"]
    assert sorted(pipeline) == ["a", "c"]


def test_a_scheduler_that_goes_away(
    dask: Any, film: Film, tmp_path: Path, pipeline: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_S", 1)
    rows = [entry(film(f"{n}.tif")) for n in range(5)]

    def leave(event: Any) -> None:
        if event.ending:
            dask.close()

    with pytest.raises(UsageError, match="went away with 4 recordings still to do"):
        run(rows, plan_for(dask.scheduler_address, tmp_path / "out"), leave)
    assert len(list((tmp_path / "out").glob("*/result.json"))) >= 1


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "/none/scheduler.json"])
def test_no_scheduler(
    address: str, film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_S", 1)
    with pytest.raises(UsageError, match="no Dask scheduler answers at"):
        run([entry(film())], plan_for(address, tmp_path / "out"))

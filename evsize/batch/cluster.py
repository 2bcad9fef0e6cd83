"""Tasks on the workers of a Dask cluster; they write their results to storage that all share."""

from __future__ import annotations

import logging
import queue
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evsize.batch import task as tasks_
from evsize.batch.local import Event
from evsize.batch.task import Ending, Task
from evsize.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE_S = 10
"""Time in which a scheduler must answer."""
NO_WORKERS = "waiting: the scheduler has no workers yet"
KILLED = "several workers died while they had it, as from a lack of memory"


def run(tasks: Sequence[Task], address: str, resume: bool = True) -> Iterator[Event]:
    """Run tasks on the workers of a Dask scheduler.

    Parameters
    ----------
    tasks : sequence of Task
        Their paths must mean the same to every worker.
    address : str
        ``tcp://HOST:PORT``, or the path of a scheduler file that ends in ``.json``.
    resume : bool
        Keep results that stand there already.

    Yields
    ------
    Event
        An ending for every task, as they come. What a dead worker was doing goes to another one;
        what several died of is tried once more at the end, alone.

    Raises
    ------
    UsageError
        If Dask is not installed, or the scheduler cannot be reached or goes away.
    """
    with _connected(address) as client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            yield Event("", NO_WORKERS)
        lost = []
        for task, ending in _endings(client, tasks, resume, address):
            if ending.status == "lost":
                lost.append(task)
                yield Event(task.name, "lost")
            else:
                yield Event(task.name, "ended", ending)
        for task in lost:
            for _, ending in _endings(client, [task], resume, address):
                if ending.status == "lost":
                    ending = replace(ending, status="failed")  # noqa: PLW2901
                yield Event(task.name, "ended", ending)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        from distributed import Client  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise UsageError(
            "--scheduler needs Dask, which is not installed", advice="pip install 'evsize[dask]'"
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # we say it in one line
    place = {"scheduler_file" if address.endswith(".json") else "address": address}
    try:
        if "scheduler_file" in place:
            Path(address).stat()  # Dask would wait for it for ever
        client = Client(**place, timeout=PATIENCE_S, set_as_default=False, name="evsize-batch")
    except Exception as error:  # a name, a port, a file, a protocol: each has its own error
        raise UsageError(
            f"no Dask scheduler answers at {address} within {PATIENCE_S} s",
            "its address as 'dask scheduler' prints it, for example tcp://10.0.0.1:8786",
            "start it, or leave --scheduler out to work on this machine",
        ) from error
    try:
        yield client
    finally:
        with suppress(Exception):  # a scheduler that is gone needs no farewell
            client.close(timeout=PATIENCE_S)


def _endings(
    client: Client, tasks: Sequence[Task], resume: bool, address: str
) -> Iterator[tuple[Task, Ending]]:
    run_id = uuid.uuid4().hex  # the answer to an earlier request is not one to this
    ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
    waiting: dict[str, tuple[Task, Future]] = {}
    for task in tasks:
        key = f"evsize-{task.name}-{run_id}"
        future = client.submit(tasks_.run, task, resume, key=key, pure=False)
        waiting[key] = task, future
        future.add_done_callback(ended.put)
    while waiting:
        try:
            future = ended.get(timeout=1)
        except queue.Empty:
            if client.status != "running":
                raise _gone(address, len(waiting)) from None
            continue
        if future.status in ("cancelled", "lost"):
            raise _gone(address, len(waiting))
        task = waiting[future.key][0]
        try:
            ending = _ending(task, future)
        except Exception as error:  # a task raises nothing: the way to its answer is cut
            raise _gone(address, len(waiting)) from error
        del waiting[future.key]
        yield task, ending


def _ending(task: Task, future: Future) -> Ending:
    if future.status == "error":
        error = future.exception()
        if type(error).__name__ == "KilledWorker":
            return Ending(task.name, "lost", error=KILLED, code=4)
        text = f"a worker could not take it: {' '.join(str(error).split())[:200]}"
        return Ending(task.name, "failed", error=text, code=4)
    ending: Ending = future.result()
    return ending


def _gone(address: str, n_left: int) -> UsageError:
    return UsageError(
        f"the scheduler at {address} went away with {n_left} recordings still to do",
        "a scheduler that stays",
        "start it again and run the same command: finished results are kept",
    )

"""Tasks in processes of this machine; one that dies costs its own recording only."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from evsize.batch import task as tasks_
from evsize.batch.task import Ending, Task
from evsize.storage import clean_leftovers

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
DIED = "its worker died, as from a lack of memory or a kill"


class Event(NamedTuple):
    """A task that was started or lost, or how it ended."""

    name: str
    what: str
    ending: Ending | None = None


def run(tasks: Sequence[Task], jobs: int, resume: bool = True) -> Iterator[Event]:
    """Run tasks in worker processes.

    Parameters
    ----------
    tasks : sequence of Task
        In the order in which they are started.
    jobs : int
        Processes at a time.
    resume : bool
        Keep results that stand there already.

    Yields
    ------
    Event
        As it happens; one with an ending for every task. A task that took its worker with it is
        tried once more at the end, alone: whatever it lacked, it then has the whole machine.
    """
    lost: deque[Task] = deque()
    for event in _work(deque(tasks), jobs, resume):
        if event.ending is not None and event.ending.status == "lost":
            lost.extend(task for task in tasks if task.name == event.name)
            yield Event(event.name, "lost")
        else:
            yield event
    for event in _work(lost, 1, resume):
        ending = event.ending
        if ending is not None and ending.status == "lost":
            text = f"{ending.error}, twice; the second time it ran alone"
            ending = replace(ending, status="failed", error=text)
        yield event._replace(ending=ending)


def _work(waiting: deque[Task], jobs: int, resume: bool) -> Iterator[Event]:
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.task for worker in workers):
            if waiting and len(workers) < jobs:
                workers.append(_Worker(resume))
            for worker in workers:
                if waiting and worker.task is None:
                    task = waiting.popleft()
                    worker.start(task)
                    yield Event(task.name, "started")
            if waiting and len(workers) < jobs:
                continue
            ready = wait([worker.here for worker in workers if worker.task])
            for worker in [one for one in workers if one.here in ready]:
                ending = worker.ending()
                if worker.dead:
                    workers.remove(worker)
                yield Event(ending.name, "ended", ending)
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process of its own for one task after another."""

    def __init__(self, resume: bool) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads and locks
        self.here, there = context.Pipe()
        self.task: Task | None = None
        self.dead = False
        self._process = context.Process(target=_serve, args=(there, resume), daemon=True)
        with _inherited():
            self._process.start()
        there.close()

    def start(self, task: Task) -> None:
        self.task = task
        with suppress(OSError):  # it died while idle: `ending` will say so
            self.here.send(task)

    def ending(self) -> Ending:
        """How the task ended; the worker may be dead after."""
        assert self.task is not None
        try:
            ending: Ending = self.here.recv()
        except (EOFError, OSError):
            self.dead = True
            ending = Ending(self.task.name, "lost", error=DIED, code=4)
            self.end()
        self.task = None
        return ending

    def end(self) -> None:
        """Kill the process, and remove what it was writing."""
        self._process.kill()
        self._process.join()
        self.here.close()
        if self.task is not None:
            clean_leftovers(self.task.folder)


def _serve(connection: Connection, resume: bool) -> None:
    """Work in the worker process until there is nothing more, or nobody to work for."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(tasks_.run(task, resume))


def _end_with_parent() -> None:
    """A killed main process must not leave workers behind that write into its folder."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _inherited() -> Iterator[None]:
    """Let processes that start in here use one thread and leave Ctrl-C to this one.

    Libraries read the number of threads as they load, and Ctrl-C reaches a process from its start
    on, so both have to be there before it is.
    """
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    in_main = threading.current_thread() is threading.main_thread()
    listener = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main else None
    try:
        yield
    finally:
        if in_main:
            signal.signal(signal.SIGINT, listener)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

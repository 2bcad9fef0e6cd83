"""What a batch survives, and how it scales: ``python -m benchmarks.batch [--write] [NAME ...]``.

Names: ``damaged`` (three broken files among many), ``killed`` (``kill -9`` of the program at random
times), ``worker`` (of one worker), ``interrupted`` (Ctrl-C), ``disk`` (a full one; needs root),
``jobs`` (two processes against one), ``growth`` (ten times the recordings), ``dask`` (two workers
against two processes), ``dask_worker`` (one of them killed), ``dask_scheduler`` (the scheduler
killed). All by default. The program runs as a process of its own on simulated recordings of 160 x
120 px and 80 frames, each about a second's work. Times are those of the clock on the wall, so on a
busy machine only ratios within one run tell something. ``--write`` puts the figures into
``docs/validation/batch.md``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile

from benchmarks.cache import FOLDER, ROOT
from evsize.batch.journal import read_journal
from evsize.simulation import in_memory, nanosight
from evsize.storage import read_report

PAGE = ROOT / "docs" / "validation" / "batch.md"
HERE = Path(os.environ.get("EVSIZE_BATCH_FOLDER", FOLDER / "batch"))
FILMS = HERE / "films"
PROGRAM = (sys.executable, "-c", "import sys; from evsize.cli.main import main; sys.exit(main())")
GIVEN = [
    "--pixel-size",
    "0.166",
    "--frame-rate",
    "25",
    "--exposure",
    "15",
    "--temperature",
    "22",
    "--medium",
    "water",
]
TABLES = [
    "summary.csv",
    "samples.csv",
    "samples_distribution.csv",
    "comparison.csv",
    "evsize_mqc.json",
]
N_ALL, N_SOME = 200, 40
FIRST_SEED = 7000
DAMAGED = {"r010": 0, "r100": 20, "r190": 4000}
"""Recordings cut to so many bytes: none, a header, and an index without its pixels."""
Figures = dict[str, Any]


def films(n: int) -> Path:
    """Simulated recordings, four replicates of each sample, half of the samples 'after'."""
    FILMS.mkdir(parents=True, exist_ok=True)
    lines = ["recording,sample,replicate,condition"]
    for number in range(n):
        path = FILMS / f"r{number:03}.tif"
        if not path.exists():
            scene = nanosight("100nm:8", width_px=160, height_px=120)
            frames, _ = in_memory(scene, 80, FIRST_SEED + number)
            tifffile.imwrite(path, frames, photometric="minisblack")
        sample = number // 4
        lines.append(f"{path.name},s{sample // 2},{number % 4},{('before', 'after')[sample % 2]}")
    (FILMS / f"first{n}.csv").write_text("\n".join(lines) + "\n")
    return FILMS / f"first{n}.csv"


def start(manifest: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """Start the program in a session of its own."""
    arguments = ["batch", str(manifest), "-o", str(out), *GIVEN, *more]
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=(HERE / "stderr.txt").open("w"),
        text=True,
        start_new_session=True,
    )


def run(manifest: Path, out: Path, *more: str, fresh: bool = True) -> tuple[int, float, str]:
    """Run the program to its end; return exit code, seconds, and what it said on stderr."""
    if fresh:
        shutil.rmtree(out, ignore_errors=True)
    begin = time.monotonic()
    process = start(manifest, out, *more)
    process.communicate()
    return process.returncode, time.monotonic() - begin, (HERE / "stderr.txt").read_text()


def tables(out: Path) -> dict[str, bytes]:
    """Bytes of the final tables."""
    return {name: (out / name).read_bytes() for name in TABLES}


def written(out: Path) -> dict[str, int]:
    """When each result was written, ns."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("[!.]*/result.json")}


def redone(before: dict[str, int], out: Path) -> int:
    """Results that were written again though they were finished."""
    now = written(out)
    return sum(now.get(name) != moment for name, moment in before.items())


def leftovers(out: Path) -> int:
    """Hidden files and folders that should be gone."""
    return len(list(out.glob(".*")))


def reference(n: int = N_SOME) -> Path:
    """An undisturbed run, made once, with the compiled code that is there for the others too."""
    out = HERE / f"undisturbed{n}"
    if not (out / "summary.csv").exists():
        run(films(2), out, "--jobs", "1")
        code, _, said = run(films(n), out, "--jobs", "2")
        assert code == 0, said
    return out


def until(condition: Callable[[], bool], patience_s: float = 600) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def damaged() -> Figures:
    """Many recordings, three of them damaged: one command."""
    manifest, out = films(N_ALL), HERE / "damaged"
    whole = {name: (FILMS / f"{name}.tif").read_bytes() for name in DAMAGED}
    try:
        for name, size in DAMAGED.items():
            (FILMS / f"{name}.tif").write_bytes(whole[name][:size])
        code, seconds, _ = run(manifest, out, "--jobs", "2")
    finally:
        for name, content in whole.items():
            (FILMS / f"{name}.tif").write_bytes(content)
    table = pd.read_csv(out / "summary.csv")
    failed = table[table["error"].notna()]
    return {
        "recordings": len(table),
        "exit_code": code,
        "results": len([read_report(path.parent) for path in out.glob("*/result.json")]),
        "named_with_reason": " ".join(failed["recording"]),
        "reasons": " / ".join(failed["error"].str.replace(str(FILMS), "DIR")),
        "seconds": seconds,
    }


def killed() -> Figures:
    """`kill -9` of the main process at three random times, then the same command."""
    expected, out, manifest = reference(), HERE / "killed", films(N_SOME)
    shutil.rmtree(out, ignore_errors=True)
    moments = np.sort(np.random.default_rng(7).uniform(0.05, 0.95, 3))
    again, found = 0, []
    for moment in moments:
        before = written(out)
        wanted = int(moment * N_SOME)
        process = start(manifest, out, "--jobs", "2")
        until(lambda wanted=wanted: len(written(out)) >= wanted)
        time.sleep(float(np.random.default_rng(wanted).uniform(0, 1)))
        process.kill()
        process.wait()
        until(lambda process=process: not _session(process.pid), 20)
        again += redone(before, out)
        found.append(len(written(out)))
    before = written(out)
    code, _, _ = run(manifest, out, "--jobs", "2", fresh=False)
    return {
        "recordings": N_SOME,
        "finished_at_each_kill": " ".join(map(str, found)),
        "exit_code": code,
        "finished_done_again": again + redone(before, out),
        "tables_identical": tables(out) == tables(expected),
        "leftovers": leftovers(out),
    }


def worker() -> Figures:
    """`kill -9` of a worker; no restart."""
    expected, out, manifest = reference(), HERE / "worker", films(N_SOME)
    shutil.rmtree(out, ignore_errors=True)
    process = start(manifest, out, "--jobs", "2")
    until(lambda: len(written(out)) >= N_SOME // 3)
    victims = [pid for pid in _session(process.pid) if "spawn_main" in _command(pid)]
    os.kill(victims[0], signal.SIGKILL)
    process.communicate()
    events = [event["event"] for event in read_journal(out / "journal.jsonl")]
    return {
        "recordings": N_SOME,
        "exit_code": process.returncode,
        "lost_with_the_worker": events.count("lost"),
        "started": events.count("started"),
        "done": events.count("done"),
        "tables_identical": tables(out) == tables(expected),
        "leftovers": leftovers(out),
    }


def interrupted() -> Figures:
    """Ctrl-C, which reaches the program and its workers, in mid-run."""
    out, manifest = HERE / "interrupted", films(N_SOME)
    shutil.rmtree(out, ignore_errors=True)
    process = start(manifest, out, "--jobs", "2")
    until(lambda: len(written(out)) >= 4)
    os.killpg(process.pid, signal.SIGINT)
    begin = time.monotonic()
    process.communicate()
    said = (HERE / "stderr.txt").read_text().splitlines()
    return {
        "exit_code": process.returncode,
        "ends_after_s": time.monotonic() - begin,
        "error": " / ".join(line for line in said if not re.match(r"\d+/\d+ ", line)),
        "results_whole": len([read_report(out / name) for name in written(out)]),
        "leftovers": leftovers(out),
    }


def disk() -> Figures:
    """A disk that fills up in mid-run, then has room again."""
    expected, manifest, place = reference(), films(N_SOME), HERE / "disk"
    needed = int(subprocess.check_output(["du", "-sk", expected]).split()[0])
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={needed // 2}k", "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    try:
        out = place / "out"
        code, _, said = run(manifest, out, "--jobs", "2")
        lines = [line for line in said.splitlines() if line.startswith("evsize: ")]
        before = written(out)
        readable = [read_report(out / name) for name in before]
        hidden = leftovers(out)
        grow = f"remount,size={4 * needed}k"
        subprocess.run(["mount", "-o", grow, str(place)], check=True)
        code_after, _, _ = run(manifest, out, "--jobs", "2", fresh=False)
        return {
            "exit_code": code,
            "error": " / ".join(lines).replace(str(place), "DISK"),
            "results_whole": len(readable),
            "leftovers": hidden,
            "exit_code_after": code_after,
            "finished_done_again": redone(before, out),
            "tables_identical": tables(out) == tables(expected),
        }
    finally:
        subprocess.run(["umount", str(place)], check=True)


def jobs() -> Figures:
    """Two processes against one, one right after the other."""
    manifest = films(N_SOME)
    alone = run(manifest, HERE / "jobs", "--jobs", "1")[1]
    pair = run(manifest, HERE / "jobs", "--jobs", "2")[1]
    once_more = run(manifest, HERE / "jobs", "--jobs", "1")[1]
    single = (alone + once_more) / 2
    return {
        "recordings": N_SOME,
        "one_s": single,
        "two_s": pair,
        "ratio": single / pair,
        "load": os.getloadavg()[0],
    }


def growth() -> Figures:
    """Ten times the recordings: time, and memory of the largest process."""
    figures: Figures = {}
    for n in (N_ALL // 10, N_ALL):
        out, manifest = HERE / "growth", films(n)
        shutil.rmtree(out, ignore_errors=True)
        begin = time.monotonic()
        process = start(manifest, out, "--jobs", "2")
        main = workers = 0.0
        while process.poll() is None:
            main = max(main, _peak_mb(process.pid))
            others = [_peak_mb(pid) for pid in _session(process.pid) if pid != process.pid]
            workers = max([workers, *others])
            time.sleep(0.2)
        assert process.returncode == 0, process.returncode
        figures |= {f"{n}_s": time.monotonic() - begin}
        figures |= {f"{n}_main_mb": main, f"{n}_worker_mb": workers}
    ratio = figures[f"{N_ALL}_s"] / figures[f"{N_ALL // 10}_s"]
    return figures | {"ratio": ratio, "load": os.getloadavg()[0]}


@contextmanager
def cluster() -> Iterator[tuple[Path, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers, each a process of its own; the scheduler comes first."""
    file = HERE / "scheduler.json"
    file.unlink(missing_ok=True)
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
    place = ["--scheduler-file", str(file), "--no-dashboard"]
    one = ["--nthreads", "1", "--nworkers", "1", "--no-nanny"]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", *place]
    helper = [sys.executable, "-m", "distributed.cli.dask_worker", *place, *one]
    processes = [subprocess.Popen(scheduler, **quiet)]
    try:
        until(file.exists)
        processes += [subprocess.Popen(helper, **quiet) for _ in range(2)]
        yield file, processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def dask() -> Figures:
    """Two Dask workers against two processes; both warm, one right after the other."""
    expected, manifest, out = reference(), films(N_SOME), HERE / "dask"
    with cluster() as (file, _):
        run(films(4), out, "--scheduler", str(file))  # workers load their libraries
        code, seconds, _ = run(manifest, out, "--scheduler", str(file))
        same = tables(out) == tables(expected)
    local = run(manifest, out, "--jobs", "2")[1]
    return {
        "recordings": N_SOME,
        "exit_code": code,
        "dask_s": seconds,
        "local_s": local,
        "ratio": seconds / local,
        "load": os.getloadavg()[0],
        "tables_identical": same,
    }


def dask_worker() -> Figures:
    """One of two Dask workers killed in mid-run."""
    expected, manifest, out = reference(), films(N_SOME), HERE / "dask"
    shutil.rmtree(out, ignore_errors=True)
    with cluster() as (file, processes):
        process = start(manifest, out, "--scheduler", str(file))
        until(lambda: len(written(out)) >= N_SOME // 3)
        processes[1].kill()
        process.communicate()
    return {
        "recordings": N_SOME,
        "exit_code": process.returncode,
        "results": len(written(out)),
        "tables_identical": tables(out) == tables(expected),
        "leftovers": leftovers(out),
    }


def dask_scheduler() -> Figures:
    """The scheduler killed in mid-run, then the rest done on this machine."""
    expected, manifest, out = reference(), films(N_SOME), HERE / "dask"
    shutil.rmtree(out, ignore_errors=True)
    with cluster() as (file, processes):
        process = start(manifest, out, "--scheduler", str(file))
        until(lambda: len(written(out)) >= N_SOME // 3)
        processes[0].kill()
        process.communicate()
    said = (HERE / "stderr.txt").read_text().splitlines()
    before = written(out)
    code, _, _ = run(manifest, out, "--jobs", "2", fresh=False)
    return {
        "exit_code": process.returncode,
        "error": " / ".join(line for line in said if line.startswith("evsize: ")),
        "exit_code_after": code,
        "finished_done_again": redone(before, out),
        "tables_identical": tables(out) == tables(expected),
    }


def _session(session: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def _peak_mb(pid: int) -> float:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


EXPERIMENTS: dict[str, Callable[[], Figures]] = {
    experiment.__name__: experiment
    for experiment in (
        damaged,
        killed,
        worker,
        interrupted,
        disk,
        jobs,
        growth,
        dask,
        dask_worker,
        dask_scheduler,
    )
}


def main(arguments: list[str]) -> None:
    """Run the experiments that were asked for."""
    HERE.mkdir(parents=True, exist_ok=True)
    names = [name for name in arguments if name != "--write"] or list(EXPERIMENTS)
    known = HERE / "figures.json"
    figures: dict[str, Figures] = json.loads(known.read_text()) if known.exists() else {}
    for name in names:
        figures[name] = EXPERIMENTS[name]()
        print(name, json.dumps(figures[name], default=float), flush=True)
        known.write_text(json.dumps(figures, indent=1, default=float))
    if "--write" in arguments:
        PAGE.write_text(page(figures))


def page(figures: dict[str, Figures]) -> str:
    """The figures as a page."""
    parts = [
        "# What a batch survives, and how it scales",
        "Made by `python -m benchmarks.batch --write`, on simulated recordings of 160 x 120 px,\n"
        "80 frames. Seconds are those of the clock on the wall; `load` is the number of processes\n"
        "that wanted a core at the end: where it is more than those of the batch, others were at\n"
        "work and ratios of times are rough.",
    ]
    for name, experiment in EXPERIMENTS.items():
        if name not in figures:
            continue
        rows = [f"| {key} | {_text(value)} |" for key, value in figures[name].items()]
        about = f"## {name}\n\n{experiment.__doc__}"
        parts.append("\n".join([about, "", "| figure | value |", "| --- | --- |", *rows]))
    return "\n\n".join(parts) + "\n"


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("|", "/")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Harmed files of every family against every reader: no traceback, no hang, no memory.

``python -m benchmarks.fuzz_readers [--cases 2000] [--seed 1]`` writes small recordings and vendors'
tables, cuts them or overwrites bytes, and runs ``evsize inspect`` on each (``evsize analyze`` on
every tenth), in a process that is watched: a case ends with exit code 0, 2 or 4 and at most one
line on stderr, within 10 s. What breaks the rule is printed with the number that makes it again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evsize import vendors
from evsize.cli.main import main as evsize
from evsize.errors import EvsizeError
from evsize.recording import open_recording
from tests.recording.families import FAMILIES, VENDOR_FILES

SECONDS = 10.0
ENOUGH = 100
ALLOWED = (0, 2, 4)
GIVEN = ["--pixel-size", "0.3", "--frame-rate", "25", "--temperature", "22", "--medium", "pbs"]
QUICK = "[sizing]\nn_bootstrap = 0\nn_sizes = 60\n"


@dataclass(frozen=True)
class Outcome:
    """What became of one case."""

    case: int
    family: str
    code: int
    seconds: float
    memory_mb: float
    analysed: int | None
    intact: int
    problem: str


def harm(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut a file, or overwrite some of its bytes: anywhere, or in its header."""
    kind = rng.integers(4)
    if kind == 0 or not content:
        return content[: rng.integers(0, max(len(content), 1))]
    harmed = bytearray(content)
    reach = len(harmed) if kind == 1 else min(len(harmed), 4096)
    for place in rng.integers(0, reach, int(rng.integers(1, 40))):
        harmed[place] = rng.integers(256)
    return bytes(harmed if kind < 3 else harmed[: rng.integers(len(harmed) // 2, len(harmed) + 1)])


def make_case(case: int, seed: int, base: Path, out: Path) -> tuple[str, Path]:
    """Write the harmed file of a case; return its family and the path to open."""
    rng = np.random.default_rng([seed, case])
    names = sorted(entry.name for entry in base.iterdir())
    name = names[case % len(names)]
    target = out / name
    if target.is_dir():
        shutil.rmtree(target)
    if (base / name).is_dir():
        shutil.copytree(base / name, target)
        files = sorted(file for file in target.rglob("*") if file.is_file())
        for file in rng.choice(np.array(files, dtype=object), int(rng.integers(1, 4))):
            file.write_bytes(harm(file.read_bytes(), rng))
    else:
        target.write_bytes(harm((base / name).read_bytes(), rng))
    return name, target


def run(arguments: list[str]) -> tuple[int, str]:
    """Run a command; return exit code and stderr."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = evsize(arguments)
    return code, said.getvalue()


def analyse(path: Path, out: Path) -> tuple[int, str]:
    """Run the analysis with few sizes and no resampling; return exit code and stderr."""
    settings = out / "quick.toml"
    settings.write_text(QUICK)
    results = ["-o", str(out / "results"), "-c", str(settings), "--overwrite", "-q"]
    return run(["analyze", str(path), *GIVEN, *results])


def intact_frames(path: Path) -> int:
    """Frames that can be read whole; every one is asked for."""
    with open_recording(path) as recording:
        for frame in recording:
            assert frame.shape == recording.frame_shape
        return len(recording) - len(recording.damaged_frames)


def try_case(case: int, seed: int, base: Path, out: Path) -> Outcome:
    """Run one case."""
    begin = time.perf_counter()
    family, path = make_case(case, seed, base, out)
    problem, code, analysed, intact = "", 0, None, 0
    try:
        if family in VENDOR_FILES:
            vendors.read(path)
        else:
            code, said = run(["inspect", str(path)])
            intact = intact_frames(path) if code == 0 else 0
            if code == 0 and (case // len(FAMILIES)) % 10 == 0:
                analysed, said = analyse(path, out)
            if len(said.splitlines()) > 1 or "Traceback" in said:
                problem = f"stderr: {said[-300:]}"
    except EvsizeError as error:
        code = error.exit_code
        problem = "more than one line" if "\n" in str(error) else ""
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
    if not {code, analysed} <= {*ALLOWED, None}:
        problem = problem or f"exit codes {code}, {analysed}: {said[-300:]}"
    if intact >= ENOUGH and analysed not in (0, None):
        problem = problem or f"{intact} intact frames were not analysed: {said[-300:]}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - begin
    return Outcome(case, family, code, seconds, memory, analysed, intact, problem)


def work(seed: int, base: Path, out: Path) -> None:
    """Run the cases whose numbers come on stdin, a line of JSON each."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    for name in FAMILIES:  # pays for imports, and for code compiled for each type of pixel
        analyse(base / name, out)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(try_case(int(line), seed, base, out).__dict__), file=answers, flush=True)


class Worker:
    """A process that runs cases and may die of one."""

    def __init__(self, seed: int, base: Path, out: Path) -> None:
        module = [sys.executable, "-m", "benchmarks.fuzz_readers"]
        self._command = [*module, "--worker", str(base), str(out), "--seed", str(seed)]
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it has its imports and compiled code

    def run(self, case: int) -> Outcome:
        """Run a case within its time."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{case}\n")
        process.stdin.flush()
        ready = select.select([process.stdout], [], [], SECONDS)[0]
        answer = process.stdout.readline() if ready else ""
        if answer:
            return Outcome(**json.loads(answer))
        problem = "the process died" if ready else "hang"
        self.close()
        self._start()
        return Outcome(case, "?", -1, SECONDS, 0.0, None, 0, problem)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def fuzz(cases: range, seed: int) -> list[Outcome]:
    """Run cases and print what breaks the rules."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="evsize-fuzz-") as folder:
        base, out = Path(folder) / "base", Path(folder) / "out"
        base.mkdir()
        out.mkdir()
        for name, write in {**FAMILIES, **VENDOR_FILES}.items():
            write(base / name)
        worker = Worker(seed, base, out)
        try:
            for case in cases:
                outcome = worker.run(case)
                outcomes.append(outcome)
                if outcome.problem:
                    print(outcome, flush=True)
        finally:
            worker.close()
    return outcomes


def main() -> int:
    """Run from the command line; 1 where a rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", nargs=2, type=Path)
    options = parser.parse_args()
    if options.worker:
        work(options.seed, *options.worker)
        return 0
    outcomes = fuzz(range(options.first, options.first + options.cases), options.seed)
    bad = [outcome for outcome in outcomes if outcome.problem]
    families = {outcome.family for outcome in outcomes}
    analysed = [outcome for outcome in outcomes if outcome.analysed is not None]
    print(f"{len(outcomes)} files of {len(families)} families, seed {options.seed}")
    print(f"exit codes of inspect: {dict(Counter(outcome.code for outcome in outcomes))}")
    print(f"exit codes of analyze: {dict(Counter(outcome.analysed for outcome in analysed))}")
    print(f"slowest {max(o.seconds for o in outcomes):.2f} s")
    print(f"most memory {max(o.memory_mb for o in outcomes):.0f} MB")
    print(f"broken rules: {len(bad)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

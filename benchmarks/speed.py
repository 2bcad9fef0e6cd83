"""Time and memory beside trackpy: ``python -m benchmarks.speed [--write] [frame] [recording]``.

``frame`` is detection alone, frames in memory; ``recording`` is ``evsize analyze`` from a file on
disk to the report, and the usual trackpy pipeline on the same file right after it. All times are
processor seconds, those of the process and its threads: on a busy machine the clock on the wall
tells of others. They are of this machine, ratios nearly of any. ``--write`` also puts the tables
into ``docs/validation/speed.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray

from benchmarks.cache import FOLDER, ROOT, Row, rows
from benchmarks.detection import Film, quiet_trackpy
from benchmarks.pages import markdown, write
from evsize.detection import ENGINES
from evsize.detection.model import grey
from evsize.detection.plan import make_plan
from evsize.detection.search import Searcher
from evsize.settings import DetectionSettings
from evsize.simulation import Scene, in_memory, nanosight, simulate

PAGE = ROOT / "docs" / "validation" / "speed.md"
PARTS = ("frame", "recording")
SEED = 1000
# particles whose spots are found about 80 at a time; part of them lies out of focus
NUMBER = {(480, 640): 120, (1024, 1280): 104}
FILM_FRAMES = 1800
# of the diameters 7, 9, 11, 13 px, noise sizes 1 and 1.5 px and 60 masses each, that with the best
# F-score on the frame of 640 x 480 px (seed 8): fewer spurious spots make trackpy quicker, too
TRACKPY = {"diameter": 9, "minmass": 62}
# the step that a 100 nm sphere exceeds once in 10,000 frames
TRACKPY_RADIUS_PX = 16
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def scene(height: int, width: int) -> Scene:
    """100 nm spheres in the regime of a NanoSight."""
    return nanosight(
        f"100nm:{NUMBER[height, width]}",
        height_px=height,
        width_px=width,
        number_fluctuates=False,
    )


def frame_row(height: int, width: int, n_frames: int) -> Row:
    """Median time of a frame for both tools, each on every frame in turn."""
    trackpy = quiet_trackpy()
    cv2.setNumThreads(1)
    made = scene(height, width)
    frames, _ = in_memory(made, n_frames, SEED)
    plan = make_plan(Film(frames), DetectionSettings(), made.conditions, 50.0)
    searcher = Searcher(plan, ENGINES["fast"], 255.0)

    def ours(frame: NDArray[Any]) -> int:
        return int((searcher.search(grey(frame), plan.first_model).spots.snr > 0).sum())

    def theirs(frame: NDArray[Any]) -> int:
        return len(trackpy.locate(frame, **TRACKPY, engine="numba"))

    (ours_ms, theirs_ms), (n_ours, n_theirs) = _in_turn((ours, theirs), frames)
    return {
        "evsize_spots": n_ours,
        "evsize_ms": ours_ms,
        "trackpy_spots": n_theirs,
        "trackpy_ms": theirs_ms,
        "ratio": theirs_ms / ours_ms,
    }


def _in_turn(
    calls: tuple[Callable[[NDArray[Any]], int], ...], frames: NDArray[Any]
) -> tuple[list[float], list[float]]:
    """Median milliseconds and mean answer of each call, ten frames in a row each."""
    for call in calls:
        call(frames[0])
    times, answers = np.empty((2, len(calls), len(frames)))
    for first in range(0, len(frames), 10):
        for j, call in enumerate(calls):
            for k in range(first, min(first + 10, len(frames))):
                start = time.process_time()
                answers[j, k] = call(frames[k])
                times[j, k] = 1e3 * (time.process_time() - start)
    return list(np.median(times, axis=1)), list(answers.mean(axis=1))


def film_file(height: int, width: int, n_frames: int) -> Path:
    """Write the recording, uncompressed TIFF, unless it is there."""
    path = FOLDER / "speed_film" / f"{width}x{height}_{n_frames}_{SEED}.tif"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        film = simulate(scene(height, width), n_frames, SEED)
        with tifffile.TiffWriter(partial, bigtiff=True) as tiff:
            for frame, _ in film.iter_frames():
                tiff.write(frame, contiguous=True)
        partial.replace(path)
    return path


def recording_row(height: int, width: int, n_frames: int) -> Row:
    """Whole analyses of one file, one after the other, each in a process of its own."""
    path = film_file(height, width, n_frames)
    total, seconds, peak, positions = run_evsize(path)
    trackpy = run_trackpy(path)
    return {
        "lasts_s": n_frames / scene(height, width).frame_rate_hz,
        "evsize_s": total,
        "reading_detection_s": seconds["detection"],
        "linking_s": seconds["tracking"],
        "sizing_s": seconds["diffusion"] + seconds["sizing"],
        "counting_s": seconds["completeness"],
        "rest_s": total - sum(seconds[k] for k in _STAGES),
        "trackpy_s": sum(trackpy.values()),
        **{f"trackpy_{name}_s": value for name, value in trackpy.items()},
        "ratio": sum(trackpy.values()) / total,
        "positions": positions,
        "peak_mb": peak["anonymous"],
        "peak_with_file_mb": peak["resident"],
        "allowed_mb": 700 + 150e-6 * positions,
    }


_STAGES = ("detection", "tracking", "diffusion", "sizing", "completeness")


def run_evsize(path: Path) -> tuple[float, dict[str, float], dict[str, float], int]:
    """Run ``evsize analyze``: seconds, those of each stage, peak memory (MB), positions tracked."""
    out = path.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.speed", "--evsize"]
    command += ["analyze", str(path), "-o", str(out), "--jobs", "1", "--quiet"]
    command += ["--pixel-size", "0.166", "--frame-rate", "25", "--exposure", "20"]
    command += ["--temperature", "22", "--medium", "water"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | ONE_CORE)
    peak = _watch(process)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"evsize analyze ended with exit code {process.returncode}")
    result = json.loads(next(out.glob("*/result.json")).read_text())
    total = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return total, result["provenance"]["seconds"], peak, int(result["tracks"]["positions"])


def _watch(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """Peak memory until a process ends, MB (Linux).

    ``anonymous`` is what the process itself holds; ``resident`` counts as well the pages of files
    that it has mapped, which the system takes back when it needs them.
    """
    status = Path(f"/proc/{process.pid}/status")
    peak = {"anonymous": 0.0, "resident": 0.0}
    while process.poll() is None:
        text = status.read_text()
        for key, name in (("anonymous", "RssAnon"), ("resident", "VmRSS")):
            if found := re.search(rf"{name}:\s+(\d+) kB", text):
                peak[key] = max(peak[key], int(found[1]) / 1e3)
        time.sleep(0.02)
    return peak


def run_trackpy(path: Path) -> dict[str, float]:
    """Seconds of each step of the usual pipeline, in a process of its own, imports included."""
    command = [sys.executable, "-m", "benchmarks.speed", "--trackpy", str(path)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | ONE_CORE, check=True, capture_output=True
    )
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return times


def trackpy_pipeline(path: str) -> None:
    """Locate, link, drift, imsd; print the seconds of each."""
    marks = [time.process_time()]
    trackpy = quiet_trackpy()
    frames = tifffile.memmap(path, mode="r")
    spots = trackpy.batch(frames, **TRACKPY, engine="numba", processes=1)
    marks.append(time.process_time())
    tracks = trackpy.filter_stubs(trackpy.link(spots, TRACKPY_RADIUS_PX, memory=1), 5)
    marks.append(time.process_time())
    tracks = trackpy.subtract_drift(tracks, trackpy.compute_drift(tracks))
    marks.append(time.process_time())
    trackpy.imsd(tracks, mpp=0.166, fps=25)
    marks.append(time.process_time())
    steps = ("locate", "link", "drift", "imsd")
    print(json.dumps(dict(zip(steps, np.diff(marks).tolist(), strict=True))))


def tables(names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Compute the tables named."""
    sizes = [{"height": h, "width": w} for h, w in NUMBER]
    made = {}
    if "frame" in names:
        cells = [size | {"n_frames": 60} for size in sizes]
        made["frame"] = rows(
            "speed_frame", cells, frame_row, ("evsize/detection", "benchmarks/speed.py")
        )
    if "recording" in names:
        cell = {"height": 1024, "width": 1280, "n_frames": FILM_FRAMES}
        table = rows("speed_recording", [cell], recording_row, ("evsize", "benchmarks/speed.py"))
        made["recording"] = table.T.reset_index().set_axis(["figure", "value"], axis=1)
    return made


def main(arguments: list[str]) -> None:
    """Run the tables named on the command line, all by default."""
    if arguments[:1] == ["--trackpy"]:
        return trackpy_pipeline(arguments[1])
    if arguments[:1] == ["--evsize"]:
        return evsize_command(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--write", action="store_true", help=f"tables into {PAGE.name}")
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.part) - set(PARTS)):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    for name, table in tables(asked.part or PARTS).items():
        print(f"\n{name}\n\n{markdown(table)}\n", flush=True)
        if asked.write:
            write(PAGE, name, markdown(table))
    return None


def evsize_command(arguments: list[str]) -> None:
    """Run the command line, its stages timed in processor seconds, OpenCV without own threads."""
    from evsize import pipeline  # noqa: PLC0415
    from evsize.cli.main import main as command_line  # noqa: PLC0415

    cv2.setNumThreads(1)
    setattr(pipeline, "time", SimpleNamespace(perf_counter=time.process_time))  # noqa: B010
    raise SystemExit(command_line(arguments))


if __name__ == "__main__":
    main(sys.argv[1:])

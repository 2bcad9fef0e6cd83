"""Time and memory of reading long recordings, each in a process of its own.

``python -m benchmarks.reading [--frames 3500] [--folder DIR]`` writes recordings of 1280 x 1024 px
(4.6 GB each at 3,500 frames, one after another) and reads every frame, then 200 in any order. The
file was just written and lies in the page cache as far as there is room for it. To be
reached: 2 ms a frame and 200 MB for uncompressed AVI and TIFF.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import tifffile
from numpy.typing import NDArray

from evsize.recording import open_recording

HEIGHT, WIDTH = 1024, 1280
RANDOM_READS = 200
Frames = Iterator[NDArray[np.uint8]]


def frames(count: int) -> Frames:
    """Noise with the number of the frame in its first pixels, low byte first."""
    noise = np.random.default_rng(0).integers(5, 60, (HEIGHT + 64, WIDTH), dtype=np.uint8)
    for number in range(count):
        frame = noise[number % 64 :][:HEIGHT].copy()
        frame[0, :2] = number % 256, number // 256
        yield frame


def write_avi(path: Path, count: int) -> None:
    """Uncompressed grey AVI, in several parts beyond 1 GB (OpenDML)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "gray"
        for number, pixels in enumerate(frames(count)):
            frame = av.VideoFrame.from_ndarray(pixels, "gray")
            frame.pts = number
            container.mux(stream.encode(frame))


def write_stack(path: Path, count: int) -> None:
    """BigTIFF as one block."""
    shape = (count, HEIGHT, WIDTH)
    options: dict[str, Any] = {"shape": shape, "dtype": np.uint8, "photometric": "minisblack"}
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(frames(count), **options)


def write_pages(path: Path, count: int) -> None:
    """BigTIFF with a page a frame, as camera software appends them."""
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for frame in frames(count):
            writer.write(frame, contiguous=False, metadata=None)


KINDS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "uncompressed AVI": ("a.avi", write_avi),
    "TIFF, one block": ("block.tif", write_stack),
    "TIFF, page by page": ("pages.tif", write_pages),
}


def number_of(frame: NDArray[np.uint8]) -> int:
    """Number written into a frame."""
    return int(frame[0, 0]) + 256 * int(frame[0, 1])


def peak_mb() -> float:
    """Largest memory of this process so far, MB; what the system calls VmHWM."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure(path: Path) -> dict[str, float]:
    """Read a recording; times in ms a frame, memory in MB."""
    before = peak_mb()
    begin = time.perf_counter()
    with open_recording(path) as recording:
        opened, worked = time.perf_counter(), time.process_time()
        for number, frame in enumerate(recording):
            assert number_of(frame) == number
        read, worked = time.perf_counter(), time.process_time() - worked
        chosen = np.random.default_rng(1).integers(0, len(recording), RANDOM_READS)
        for number in chosen:
            assert number_of(recording[int(number)]) == number
        done = time.perf_counter()
        return {
            "frames": len(recording),
            "open_ms": 1e3 * (opened - begin),
            "in_order_ms": 1e3 * (read - opened) / len(recording),
            "cpu_ms": 1e3 * worked / len(recording),
            "any_order_ms": 1e3 * (done - read) / RANDOM_READS,
            "memory_mb": peak_mb(),
            "imports_mb": before,
        }


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=3500)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return 0
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(
        "kind                 frames  open ms  in order ms (CPU)  any order ms  memory MB (imports)"
    )
    with tempfile.TemporaryDirectory(prefix="evsize-reading-", dir=options.folder) as folder:
        for kind, (name, write) in KINDS.items():
            path = Path(folder) / name
            write(path, options.frames)
            command = [sys.executable, "-m", "benchmarks.reading", "--measure", str(path)]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(answer.stdout)
            print(
                f"{kind:20s} {found['frames']:6.0f} {found['open_ms']:8.0f} "
                f"{found['in_order_ms']:12.2f} ({found['cpu_ms']:.2f}) "
                f"{found['any_order_ms']:12.2f} "
                f"{found['memory_mb']:10.0f} ({found['imports_mb']:.0f})",
                flush=True,
            )
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Nikon ND2 files, through the ``nd2`` package (an extra)."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.errors import RecordingError
from evsize.recording.base import Facts, Recording
from evsize.recording.checks import (
    DamagedFrameError,
    check_size,
    check_type,
    file_sha256,
    reading,
    white_level,
)
from evsize.recording.sidecar import plausible
from evsize.recording.tiff import AXIS_NAMES, plane_numbers, time_axis
from evsize.recording.times import rate_of, stated_times

SOURCE = "ND2 metadata"


class Nd2Recording(Recording):
    """Frames of an ND2 file: its time points, at the first channel, depth and position.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    RecordingError
        If the nd2 package is missing or the file is broken.
    """

    def __init__(self, path: Path) -> None:
        try:
            import nd2  # noqa: PLC0415  (an extra)
        except ImportError as error:
            raise RecordingError(
                f"{path} is a Nikon ND2 file", "the nd2 package", 'pip install "evsize[nd2]"'
            ) from error
        with ExitStack() as stack, reading(path):
            file = stack.enter_context(nd2.ND2File(path))
            sizes = dict(file.sizes)
            check_size(path, sizes.get("Y", 0), sizes.get("X", 0))
            dtype = check_type(path, np.dtype(file.dtype))
            outer = [(axis, n) for axis, n in sizes.items() if axis not in "CSYX"]
            time = time_axis(path, outer)
            self._planes = plane_numbers(outer, time)
            bits = int(file.attributes.bitsPerComponentSignificant or dtype.itemsize * 8)
            times, metadata, notes = describe(file, self._planes)
            values, doubts = plausible(metadata)
            others = [(a, n) for a, n in [*outer, ("C", sizes.get("C", 1))] if n > 1 and a != time]
            if others:
                left_out = " and ".join(f"{n} {AXIS_NAMES.get(a, a)}" for a, n in others)
                notes.append(f"The file holds {left_out}; only the first of them is read.")
            if time and time != "T":
                notes.append(f"The file calls its frames {AXIS_NAMES.get(time, time)}.")
            super().__init__(
                Facts(
                    path=str(path),
                    format=f"Nikon ND2, {dtype}",
                    frames=len(self._planes),
                    shape=(sizes["Y"], sizes["X"]),
                    dtype=dtype,
                    bit_depth=bits,
                    white_level=white_level(dtype, bits),
                    declared=len(self._planes),
                    notes=(*notes, *doubts),
                    metadata={SOURCE: values},
                    timestamps_s=times,
                ),
                stack.pop_all(),
            )
        self._file, self._channels = file, sizes.get("C", 1)

    def _read(self, index: int) -> NDArray[Any]:
        try:
            pixels = np.array(self._file.read_frame(int(self._planes[index])))
        except Exception as error:  # a broken file breaks its reader in any way it likes
            raise DamagedFrameError from error
        if not pixels.any():  # what the library gives for a frame that is not there
            raise DamagedFrameError
        return pixels[0] if self._channels > 1 else pixels

    def _digest(self) -> str:
        return file_sha256(Path(self.facts.path))


def describe(
    file: Any, planes: NDArray[np.int64]
) -> tuple[NDArray[np.float64] | None, dict[str, Any], list[str]]:
    """Return times of the frames (s), acquisition values and what was not used."""
    values: dict[str, Any] = {}
    notes = []
    voxel = file.voxel_size()
    if not math.isclose(voxel.x, voxel.y, rel_tol=1e-3):
        notes.append(f"The file's pixels are not square ({voxel.x:g} and {voxel.y:g} um).")
    elif voxel.x > 0 and voxel.x != 1:  # 1 is the library's "not calibrated"
        values["pixel_size_um"] = float(voxel.x)
    try:
        events = file.events(orient="list")
    except Exception:  # written by other software, or damaged
        events = {}
    times = None
    seconds = np.asarray(events.get("Time [s]", []), dtype=np.float64)
    if len(seconds) > planes.max(initial=0):
        times = stated_times(seconds[planes], len(planes))
        values |= rate_of(times)
    exposures = [name for name in events if name.endswith("Exposure Time [ms]")]
    if len(exposures) == 1:
        stated = {float(value) for value in events[exposures[0]]}
        if len(stated) == 1:
            values["exposure_ms"] = stated.pop()
    return times, values, notes

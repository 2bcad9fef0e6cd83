"""What the page shows and does, without the page: one recording, its settings, its result."""

from __future__ import annotations

import shlex
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from evsize.analysis import load_result
from evsize.errors import OutputError, UsageError
from evsize.preview import stretch
from evsize.recording import open_recording, part
from evsize.results import Acquisition
from evsize.settings import Settings, parse_settings
from evsize.storage import RESULT_FILE, check_output, result_name, whole_file
from evsize.view.look import Look, look_at
from evsize.view.runs import Run
from evsize.view.values import FIELDS, given_values, settings_of, spelled

SAMPLE_PIXELS = 3e7
"""Pixels looked at for an estimate: a second or two of work."""
FEWEST, MOST = 20, 100
"""Frames of such a sample."""


class Wanted(BaseModel):
    """What the page asks for.

    Attributes
    ----------
    frame : int
        The frame shown.
    threshold_snr : float or None
        None for the automatic one.
    values : dict of str to str
        Acquisition values as typed.
    path : str
        A file or folder on this machine.
    replace : bool
        Whether what stands there may be replaced.
    """

    model_config = ConfigDict(extra="forbid")

    frame: int = Field(0, ge=0)
    threshold_snr: float | None = Field(None, ge=2, le=100)
    values: dict[str, str] = Field(default_factory=dict)
    path: str = ""
    replace: bool = False


class Session:
    """One recording being looked at.

    Its methods may be called from several threads: files are read by one at a time.

    Parameters
    ----------
    settings : Settings, optional
        What is not set on the page.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._base = self._settings = settings or Settings()
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._recording: Any = None
        self._note = ""
        self._run = Run()

    def open(self, text: str) -> None:
        """Open a recording, or a result with the recording it was made from.

        Raises
        ------
        UsageError
            If no path was given, or while a run goes on.
        RecordingError, ResultError
            If there is nothing that can be opened.
        """
        text = text.strip().strip("\"'")
        if not text:
            raise UsageError("no path", "the path of a recording or result on this machine")
        self._run.check_idle()
        path = Path(text).expanduser()
        result = load_result(path) if (path / RESULT_FILE).is_file() else None
        settings, note = self._base, ""
        if result is not None:
            folder, path = path, Path(result.summary.recording.path)
            settings = settings_of(result.summary)
            if not path.exists():
                note = f"The recording of this result, {path}, is not there: only its result is."
        recording = None if note else open_recording(path)
        with self._lock:
            self._close()
            self._path, self._note, self._settings = path, note, settings
            if recording is not None:
                chosen = settings.recording
                self._recording = part(recording, chosen.frames, chosen.roi_px)
            self._run = Run() if result is None else Run.of(result, folder)

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._recording is not None:
            self._recording.close()
        self._recording = None

    def state(self) -> dict[str, Any]:
        """What is open and what became of it, for the page."""
        return {"recording": self._facts(), "note": self._note, "run": self._run.state()}

    def _facts(self) -> dict[str, Any] | None:
        recording, path = self._recording, self._path
        if recording is None or path is None:
            return None
        about = recording.about()
        known = self._known()
        return {
            "path": str(path),
            "name": path.name or str(path),
            "frames": len(recording),
            "height": about.height_px,
            "width": about.width_px,
            "about": f"{about.format}, {about.frames} frames of {about.width_px} x "
            f"{about.height_px} px, {about.bit_depth} bit",
            "notes": about.notes,
            "values": {name: spelled(getattr(known, name)) for name in FIELDS},
            "sources": {name: known.sources.get(name, "") for name in FIELDS},
            "threshold_snr": self._settings.detection.threshold_snr,
            "settings_file": f"{result_name(path)}_settings.toml",
            "out": "results",
        }

    def _opened(self) -> Any:
        if self._recording is None:
            raise UsageError("no recording is open", "a recording", "open one above")
        return self._recording

    def _known(self) -> Acquisition:
        """Acquisition values before anything is typed."""
        given = self._settings.acquisition.model_dump(exclude_none=True)
        known: Acquisition = self._opened().acquisition.updated(given, "settings")
        return known

    def picture(self, frame: int, contrast: float = 1.0) -> bytes:
        """One frame as a PNG.

        Raises
        ------
        UsageError
            If there is no such frame.
        """
        with self._lock:
            recording = self._opened()
            if not 0 <= frame < len(recording):
                raise UsageError(f"frame {frame}", f"0 to {len(recording) - 1}")
            pixels = np.asarray(recording[frame], dtype=np.float64)
        buffer = BytesIO()
        grey = Image.fromarray(stretch(pixels, float(np.clip(contrast, 0.1, 50))))
        grey.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def look(self, wanted: Wanted) -> Look:
        """Find spots and sizes in the frames around the one shown."""
        settings = self.settings(wanted)
        with self._lock:
            recording = self._opened()
            height, width = recording.frame_shape
            count = int(np.clip(SAMPLE_PIXELS / (height * width), FEWEST, MOST))
            count = min(count, len(recording))
            # whole blocks, so that moving within one asks for nothing new
            first = min(wanted.frame // count * count, len(recording) - count)
            return look_at(recording, settings, first, count)

    def settings(self, wanted: Wanted) -> Settings:
        """Settings as they stand on the page: those opened with, the values typed, the threshold.

        Raises
        ------
        UsageError
            If a value is out of its range.
        """
        with self._lock:
            known = self._known()
        data = self._settings.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        typed = given_values(wanted.values, known)
        data["acquisition"] = data.get("acquisition", {}) | typed
        detection = data.get("detection", {})
        detection.pop("threshold_snr", None)
        if wanted.threshold_snr is not None:
            detection["threshold_snr"] = wanted.threshold_snr
        data["detection"] = detection
        data = {name: section for name, section in data.items() if section}
        return parse_settings(data, "the settings")

    def save(self, wanted: Wanted) -> dict[str, str]:
        """Write the settings as TOML; return where, and the command that uses them.

        Raises
        ------
        OutputError
            If the file exists and may not be replaced, or cannot be written.
        """
        text = wanted.path.strip()
        if not text:
            raise UsageError("no file name", "a name for the settings, such as evsize.toml")
        path = Path(text).expanduser()
        settings = self.settings(wanted)
        data = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        if path.exists() and not wanted.replace:
            raise OutputError(f"{path} exists already", "another name", "or tick 'replace'")
        try:
            with whole_file(path) as partial:
                partial.write_text(tomli_w.dumps(data), encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"cannot write {path}: {error.strerror}", "a file name in a folder that exists"
            ) from error
        command = ["evsize", "analyze", str(self._path), "-c", str(path), "-o", "results"]
        return {"path": str(path), "command": shlex.join(command)}

    def start(self, wanted: Wanted) -> None:
        """Start to analyse the whole recording with the settings as they stand.

        Raises
        ------
        UsageError
            If something is missing, a run goes on, or the result cannot be written.
        """
        settings = self.settings(wanted)
        with self._lock:
            self._run.check_idle()
            known, path = self._known(), self._path
            assert path is not None
            known.updated(settings.acquisition.model_dump(exclude_none=True), "page").conditions()
            folder = Path(wanted.path.strip() or "results").expanduser() / result_name(path)
            check_output(folder, wanted.replace)
            self._run = Run()
            self._run.start(path, settings, folder, wanted.replace)

    @property
    def report(self) -> Path | None:
        """The page of the result, where there is one."""
        return self._run.report

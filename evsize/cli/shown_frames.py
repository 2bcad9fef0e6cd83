"""Some frames of a recording, for a person to look at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from evsize.errors import OutputError
from evsize.preview import stretch
from evsize.recording import Recording

SAMPLES = 6
STRIP_HEIGHT_PX = 240
LABEL_PX = 18
GAP_PX = 4


@dataclass(frozen=True)
class Sample:
    """Frames spread over a recording, and its white level."""

    numbers: list[int]
    frames: list[NDArray[Any]]
    white_level: float

    def figures(self) -> dict[str, float | str | None]:
        """Grey levels of the sampled frames, and whether spots are bright or dark."""
        pixels = np.concatenate([frame.ravel() for frame in self.frames])
        low, middle, high = (float(v) for v in np.percentile(pixels, [0.1, 50, 99.9]))
        saturated = float((pixels >= self.white_level).mean())
        return {
            "lowest": float(pixels.min()),
            "median": middle,
            "highest": float(pixels.max()),
            "white_level": self.white_level if math.isfinite(self.white_level) else None,
            "saturated_share": saturated,
            "looks": "dark spots on a bright ground"
            if middle - low > high - middle
            else "bright spots on a dark ground",
        }

    def sentence(self) -> str:
        """Say the figures."""
        figures = self.figures()
        white = figures["white_level"]
        said = f"Grey levels {figures['lowest']:g} to {figures['highest']:g}, "
        said += f"median {figures['median']:g}"
        if white is not None:
            said += f"; white is {white:g}, {100 * float(figures['saturated_share'] or 0):.2g} % "
            said += "of the pixels are saturated"
        return f"{said}. Looks like {figures['looks']}."

    def spelled(self) -> str:
        """Frame numbers."""
        return ", ".join(str(number) for number in self.numbers)


def take_sample(recording: Recording) -> Sample:
    """Read `SAMPLES` frames spread over a recording."""
    spread = np.linspace(0, len(recording) - 1, min(SAMPLES, len(recording)))
    numbers = [int(number) for number in spread]
    frames = [np.asarray(recording[number]) for number in numbers]
    return Sample(numbers, frames, recording.white_level)


def equal_frames(recording: Recording) -> tuple[int, ...]:
    """Read every frame; return the numbers of those that are copies of the one before."""
    same, previous = [], None
    for number, frame in enumerate(recording):
        if previous is not None and not frame.metadata and np.array_equal(frame, previous):
            same.append(number)
        previous = frame
    return tuple(same)


def write_strip(sample: Sample, path: Path, overwrite: bool) -> None:
    """Write the frames side by side with their numbers, contrast stretched alike.

    Raises
    ------
    OutputError
        If the file stands there already or cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise OutputError(f"thumbnails {path}", "a name that ends in .png", "correct it")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", "another name", "or --overwrite")
    height, width = sample.frames[0].shape
    scale = STRIP_HEIGHT_PX / height
    size = (max(1, round(width * scale)), STRIP_HEIGHT_PX)
    grey = stretch(np.stack([np.asarray(frame, dtype=np.float64) for frame in sample.frames]))
    total = (size[0] + GAP_PX) * len(sample.frames) - GAP_PX
    strip = Image.new("L", (total, size[1] + LABEL_PX), 255)
    pen = ImageDraw.Draw(strip)
    for place, (number, frame) in enumerate(zip(sample.numbers, grey, strict=True)):
        left = place * (size[0] + GAP_PX)
        strip.paste(Image.fromarray(frame).resize(size), (left, LABEL_PX))
        pen.text((left + 2, 3), f"frame {number}", fill=0)
    try:
        strip.save(path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}", "a folder to write in"
        ) from error

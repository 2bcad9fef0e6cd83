"""ViewSizer 3000 tables: sizes of single particles a video, and binned distributions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from evsize.errors import ResultError
from evsize.vendors.tables import (
    VendorResult,
    Video,
    binned_summary,
    binned_table,
    counted,
    particle_table,
)
from evsize.vendors.text import number, read_text, split_rows

IN_THE_CELL = "Concentrations are those in the cell: the file has no dilution."


def is_videos(head: str) -> bool:
    """Whether a text begins as a table of videos."""
    return "/Video#" in head


def is_bins(head: str) -> bool:
    """Whether a text begins as a table of bins."""
    return head.lstrip().startswith("/LowerBinDiameter_[nm]")


def read_videos(path: Path) -> VendorResult:
    """Read the sizes of each video's particles."""
    videos = []
    for row in split_rows(read_text(path)):
        values = [number(cell) for cell in row]
        if len(values) < 4 or None in values[:4] or row[0].startswith("/"):
            continue
        sizes = pd.Series([value for value in values[4:] if value is not None], dtype=float)
        empty = pd.Series(np.nan, sizes.index)
        numbers, zeros = sizes.index.to_series(), pd.Series(0, sizes.index)
        distribution, summary = counted(sizes)
        videos.append(
            Video(
                name=f"video {row[0]}",
                stated={"mean_nm": values[2] or 0.0, "sd_nm": values[3] or 0.0},
                summary=summary,
                distribution=distribution,
                particles=particle_table(numbers, zeros, zeros, sizes, empty),
            )
        )
    if not videos:
        raise ResultError(f"{path} is a ViewSizer table without videos", "a row a video")
    return VendorResult(str(path), "ViewSizer videos", tuple(videos))


def read_bins(path: Path) -> VendorResult:
    """Read a binned distribution; its density is corrected for the volume seen at each size."""
    rows = [[number(cell) for cell in row[:5]] for row in split_rows(read_text(path))]
    bins = np.array([row for row in rows if len(row) == 5 and None not in row], dtype=np.float64)
    if not len(bins):
        raise ResultError(f"{path} is a ViewSizer table without bins", "a row a bin")
    low, centre, high, _, density = bins.T
    per_ml = density * (high - low)
    table = binned_table(low, centre, high, per_ml, per_ml)
    video = Video(
        name=path.stem,
        summary=binned_summary(table),
        distribution=table,
        concentration_per_ml=float(per_ml.sum()),
    )
    return VendorResult(str(path), "ViewSizer bins", (video,), (IN_THE_CELL,))

"""Altered frames of a recording searched again, just as the recording was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from evsize.detection.model import FrameModel, grey
from evsize.detection.pattern import block_edges, build_model
from evsize.detection.plan import Plan
from evsize.detection.search import Engine, Searcher
from evsize.detection.table import Rows
from evsize.results import Frames


class SecondSearch:
    """Searches altered frames with the plan and the background found for the recording.

    Parameters
    ----------
    recording : Frames
        The recording as it was searched first.
    plan : Plan
        What was decided for it (`Detections.plan`).
    engine : callable
        The engine used then.
    """

    def __init__(self, recording: Frames, plan: Plan, engine: Engine) -> None:
        self._recording, self._plan = recording, plan
        self._searcher = Searcher(plan, engine, float(recording.white_level))
        self._edges = block_edges(len(recording))
        self._block = -1
        self._model: FrameModel | None = None

    @property
    def blocks(self) -> list[range]:
        """Stretches of frames that share a background; ask for frames of one after the other."""
        return [range(a, b) for a, b in zip(self._edges[:-1], self._edges[1:], strict=True)]

    def search(self, first: int, images: Iterable[NDArray[Any]]) -> pd.DataFrame:
        """Search frames that follow one another, all in one block.

        Parameters
        ----------
        first : int
            Number of the first in the recording.
        images : iterable of ndarray, (height, width)
            The altered frames.

        Returns
        -------
        DataFrame
            Schema `tables.DETECTIONS`; the first frame is number 0.
        """
        model = self._model_of(first)
        rows = Rows()
        for index, image in enumerate(images):
            found = self._searcher.search(grey(image), model)
            rows.add(index, found.spots, found.brightness, found.flags)
        return rows.table()

    def _model_of(self, first: int) -> FrameModel:
        block = next(k for k, frames in enumerate(self.blocks) if first in frames)
        if block != self._block or self._model is None:
            cell = self._plan.cell_px
            if block == 0:
                self._model = self._plan.first_model.with_cells(cell)
            else:
                frames = self.blocks[block]
                self._model = build_model(self._recording, frames.start, frames.stop, cell)
            self._block = block
        return self._model

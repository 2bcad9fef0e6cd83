"""Altered frames of a recording searched again, just as the recording was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evsize.detection.faint import Faint, gather
from evsize.detection.model import FrameModel, grey
from evsize.detection.pattern import block_edges, build_model
from evsize.detection.plan import Plan
from evsize.detection.search import Engine, Searcher
from evsize.detection.table import Rows
from evsize.results import Detections, Frames


class SecondSearch:
    """Searches altered frames with the plan and the background found for the recording.

    Parameters
    ----------
    recording : Frames
        The recording as it was searched first.
    detections : Detections
        What was found then.
    plan : Plan
        What was decided for it (`Detections.plan`).
    engine : callable
        The engine used then.
    """

    def __init__(
        self, recording: Frames, detections: Detections, plan: Plan, engine: Engine
    ) -> None:
        self._recording, self._detections, self._plan = recording, detections, plan
        self._searcher = Searcher(plan, engine, float(recording.white_level))
        self._edges = block_edges(len(recording))
        self._block = -1
        self._model: FrameModel | None = None

    @property
    def blocks(self) -> list[range]:
        """Stretches of frames that share a background; ask for frames of one after the other."""
        return [range(first, stop) for first, stop in pairwise(self._edges)]

    def search(self, frames: range, altered: Iterable[Sequence[NDArray[Any]]]) -> list[Detections]:
        """Search several altered versions of frames that follow one another, all in one block.

        Parameters
        ----------
        frames : range
            Their numbers in the recording.
        altered : iterable of sequence of ndarray, (height, width)
            For each frame its altered versions, as many for all.

        Returns
        -------
        list of Detections
            One a version, as of a recording of these frames alone, numbered from 0.
        """
        model = self._model_of(frames.start)
        rows: list[Rows] = []
        faint: list[list[Faint]] = []
        for index, versions in enumerate(altered):
            rows = rows or [Rows() for _ in versions]
            faint = faint or [[] for _ in versions]
            for each, weak, image in zip(rows, faint, versions, strict=True):
                found = self._searcher.search(grey(image), model)
                each.add(index, found.spots, found.brightness, found.flags)
                weak.append(found.faint)
        part = self._detections.frames.iloc[frames.start : frames.stop]
        table = part.assign(frame=np.arange(len(frames))).reset_index(drop=True)
        return [
            replace(
                self._detections,
                table=each.table(),
                frames=table,
                faint=gather(weak, self._plan.parameters),
                preview=None,
            )
            for each, weak in zip(rows, faint, strict=True)
        ]

    def _model_of(self, first: int) -> FrameModel:
        block = next(k for k, frames in enumerate(self.blocks) if first in frames)
        if block != self._block or self._model is None:
            frames = self.blocks[block]
            self._model = self._plan.later_models.get(frames.start) or build_model(
                self._recording, frames.start, frames.stop, self._plan.cell_px
            )
            self._block = block
        return self._model

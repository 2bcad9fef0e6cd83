"""One frame searched, or many at a time, the answers in the order of the frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evsize.detection.faint import Faint, find_faint
from evsize.detection.filtering import matched_filter
from evsize.detection.maxima import maxima_and_minima
from evsize.detection.model import FrameModel, frame_buffers
from evsize.detection.peaks import count_free, keep_strongest
from evsize.detection.plan import Plan
from evsize.detection.scaling import Image
from evsize.detection.spots import Filtered, Parameters, Spots
from evsize.detection.table import mark_spots

MOST_PEAKS = 20000
# of the frame; with less left the count of false spots would be too rough
LEAST_FREE = 0.02

Engine = Callable[[tuple[Image, Image, Image], Filtered, Parameters], Spots]


class Found(NamedTuple):
    """What the search of one frame gives.

    Attributes
    ----------
    spots : Spots
        See `Spots`.
    flags : ndarray of uint32, (n,)
        Their `Flag` bits.
    brightness : ndarray, (n,)
        Sum over each spot, grey levels.
    false : float
        Spots that noise alone gives, from the negated frame; NaN where spots leave no free area.
    background, noise : float
        Of a typical pixel, grey levels.
    faint : Faint
        Peaks too weak to be spots.
    """

    spots: Spots
    flags: NDArray[np.uint32]
    brightness: NDArray[np.float64]
    false: float
    background: float
    noise: float
    faint: Faint

    @staticmethod
    def nothing() -> Found:
        """Of a frame that was not searched."""
        none = Spots.none()
        return Found(none, np.zeros(0, np.uint32), none.flux, np.nan, np.nan, np.nan, Faint.none())


class Searcher:
    """Searches frames by one plan.

    Parameters
    ----------
    plan : Plan
        What was decided for the recording.
    engine : callable
        One of `ENGINES`.
    white_level : float
        Grey level of a saturated pixel.
    jobs : int
        Frames searched at a time, in threads: what takes time runs outside the interpreter's lock.
        The answers do not depend on it.
    """

    def __init__(self, plan: Plan, engine: Engine, white_level: float, jobs: int = 1) -> None:
        self._plan, self._engine, self._white_level = plan, engine, white_level
        self._jobs = jobs
        shape = plan.first_model.pattern.mean.shape
        self._spare: SimpleQueue[tuple[tuple[Image, Image, Image], Image]] = SimpleQueue()
        for _ in range(jobs):
            self._spare.put((frame_buffers(shape), np.empty(shape, np.float32)))

    def search(self, frame: NDArray[Any] | None, model: FrameModel) -> Found:
        """Search one frame; None stands for one that could not be read."""
        if frame is None:
            return Found.nothing()
        buffers, out = self._spare.get()
        try:
            plan = self._plan
            scaled = model.scale(frame, plan.sign, buffers)
            spots, faint, false = search_frame(scaled.images, plan, self._engine, out)
            flags = mark_spots(spots, frame, plan, self._white_level)
        finally:
            self._spare.put((buffers, out))
        height, width = frame.shape
        x = np.clip(np.rint(spots.x_px), 0, width - 1).astype(np.intp)
        y = np.clip(np.rint(spots.y_px), 0, height - 1).astype(np.intp)
        brightness = spots.flux * model.pattern.noise[y, x] * scaled.noise_at(y, x)
        return Found(spots, flags, brightness, false, scaled.background, scaled.noise, faint)

    def search_all(
        self, frames: Iterable[NDArray[Any] | None], model: FrameModel
    ) -> Iterator[Found]:
        """Search frames that share a model; they are read here, one by one, in order."""
        if self._jobs == 1:
            for frame in frames:
                yield self.search(frame, model)
            return
        with ThreadPoolExecutor(self._jobs) as pool:
            under_way: deque[Future[Found]] = deque()
            for frame in frames:
                under_way.append(pool.submit(self.search, frame, model))
                if len(under_way) > 2 * self._jobs:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()


def search_frame(
    images: tuple[Image, Image, Image], plan: Plan, engine: Engine, out: Image | None = None
) -> tuple[Spots, Faint, float]:
    """Spots of one scaled frame, its faint peaks, and how many spots noise alone gives.

    Noise is as often dark as bright: the peaks that the negated frame has above the upper
    threshold are counted. Strong spots have dark surroundings (diffraction rings, and a background
    that is never known exactly), which are left out; the count is scaled to the whole frame.
    """
    parameters = plan.parameters
    image = matched_filter(images[0], parameters.filter_sd_px, parameters.filter_noise, out)
    lowest = min(plan.faint_snr)
    maxima, minima = maxima_and_minima(image, lowest, parameters.threshold, MOST_PEAKS)
    filtered = Filtered(image, maxima)
    spots = engine(images, filtered, parameters)
    faint = find_faint(filtered, plan.faint_snr, spots, parameters.window_px)
    rows, cols = minima
    heights = -image[rows, cols].astype(np.float64)
    reach = np.full(len(rows), parameters.separation_px)
    kept = keep_strongest(minima, heights, reach, parameters.threshold)
    strong = spots.snr >= parameters.threshold
    n, share = count_free(
        (rows[kept], cols[kept]),
        (spots.x_px[strong], spots.y_px[strong]),
        plan.halo_px,
        image.shape,
    )
    return spots, faint, n / share if share > LEAST_FREE else np.nan

"""Frames with drawn spots, of known centre, width and brightness."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from evsize.results import Acquisition


@dataclass
class Film:
    """Frames in memory, as detection takes them."""

    frames: NDArray[Any]
    white_level: float = 255.0
    acquisition: Acquisition = field(default_factory=Acquisition)

    @property
    def frame_shape(self) -> tuple[int, ...]:
        return self.frames.shape[1:]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, key: int, /) -> NDArray[Any]:
        frame: NDArray[Any] = self.frames[key]
        return frame


def add_spots(
    image: NDArray[np.float64], xy: NDArray[np.float64], sd: float, flux: NDArray[np.float64]
) -> None:
    """Add Gaussian spots, integrated over the pixels, to an image in place."""
    height, width = image.shape

    def shares(centre: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        edges = np.arange(n + 1) - 0.5
        cumulative = 0.5 * erf((edges - centre[:, None]) / (np.sqrt(2) * sd))
        return np.diff(cumulative, axis=1)

    image += np.einsum("k,ki,kj->ij", flux, shares(xy[:, 1], height), shares(xy[:, 0], width))


def flux_for_snr(snr: float, sd: float, noise: float) -> float:
    """Brightness whose matched-filter amplitude is ``snr`` noises."""
    pixel_sd = np.sqrt(sd**2 + 1 / 12)
    return float(snr * noise * 2 * np.sqrt(np.pi) * pixel_sd)


def lattice(rng: np.random.Generator, shape: tuple[int, int], spacing: int) -> NDArray[np.float64]:
    """Centres (x, y) far from each other, anywhere within a pixel."""
    y, x = np.meshgrid(
        np.arange(spacing, shape[0] - spacing, spacing),
        np.arange(spacing, shape[1] - spacing, spacing),
        indexing="ij",
    )
    xy = np.column_stack([x.ravel(), y.ravel()]).astype(float)
    return xy + rng.uniform(-3, 3, xy.shape)


def draw_film(
    rng: np.random.Generator,
    n_frames: int,
    shape: tuple[int, int],
    *,
    snr: float,
    sd: float = 1.5,
    noise: float = 3.0,
    level: float = 40.0,
    sign: int = 1,
    spacing: int = 32,
) -> tuple[Film, list[NDArray[np.float64]]]:
    """Eight-bit frames with spots that are elsewhere in each frame, and their centres."""
    frames = np.empty((n_frames, *shape), np.uint8)
    truth = []
    for k in range(n_frames):
        image = np.zeros(shape)
        xy = lattice(rng, shape, spacing) + rng.uniform(-8, 8, 2)
        add_spots(image, xy, sd, np.full(len(xy), flux_for_snr(snr, sd, noise)))
        image = level + sign * image + rng.normal(0, noise, shape)
        frames[k] = np.clip(np.rint(image), 0, 255)
        truth.append(xy)
    return Film(frames), truth


def match(
    found: NDArray[np.float64], truth: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of rows (found, truth) nearest to each other within ``reach``."""
    if not len(found) or not len(truth):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    distance = np.hypot(*(found[:, None] - truth).transpose(2, 0, 1))
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(found))
    good = (distance[rows, nearest] < reach) & (distance.argmin(axis=0)[nearest] == rows)
    return rows[good], nearest[good]

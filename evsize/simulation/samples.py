"""The three sample recordings: 100 nm beads, a mixture of two sizes, a blank.

``python -m evsize.simulation.samples FOLDER`` writes them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evsize.results import Progress
from evsize.simulation.instruments import nanosight
from evsize.simulation.recording import simulate
from evsize.simulation.scene import Camera, Scene

# Noise of 1.0 and 0.9 grey level: little to store. The larger gain leaves room for 220 nm.
_BEAD_CAMERA = Camera(bit_depth=8, gain_e=5.0, offset=5.0, read_noise_e=2.0)
_MIXTURE_CAMERA = Camera(bit_depth=8, gain_e=6.0, offset=5.0, read_noise_e=2.0)


def bead_scene(snr_at_100nm: float = 25.0) -> Scene:
    """100 nm beads in water, about 30 seen in a frame."""
    return nanosight(
        "100nm:50",
        snr_at_100nm=snr_at_100nm,
        height_px=240,
        width_px=320,
        exposure_ms=18.0,
        temperature_c=22.0,
        particle_index=1.59,
        camera=_BEAD_CAMERA,
    )


def mixture_scene(snr_at_100nm: float = 20.0) -> Scene:
    """Two sizes, 100 and 220 nm, in PBS; about 20 and 15 seen in a frame."""
    return nanosight(
        "100nm:40,220nm:10",
        snr_at_100nm=snr_at_100nm,
        height_px=240,
        width_px=320,
        exposure_ms=18.0,
        temperature_c=22.0,
        medium="pbs",
        dilution=100.0,
        camera=_MIXTURE_CAMERA,
    )


def blank_scene() -> Scene:
    """Make the scene of the beads without any particle."""
    return bead_scene().changed(population="")


@dataclass(frozen=True)
class Sample:
    """A sample recording: its scene, length and seed."""

    scene: Callable[[], Scene]
    n_frames: int
    seed: int


SAMPLES: Mapping[str, Sample] = {
    "beads_100nm": Sample(bead_scene, 400, 1),
    "ev_mixture": Sample(mixture_scene, 350, 1),
    "blank": Sample(blank_scene, 120, 1),
}


def write_samples(
    folder: Path,
    *,
    seed: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the sample recordings with their truth.

    Parameters
    ----------
    folder : Path
        Made if missing.
    seed : int, optional
        Another seed than that of the samples which come with evsize.
    overwrite : bool
        Replace what stands there.
    progress : callable, optional
        Called after every frame.

    Returns
    -------
    list of Path
        The TIFF files.

    Raises
    ------
    OutputError
        If the folder cannot be written or holds them already.
    """
    paths = []
    for name, sample in SAMPLES.items():
        chosen = sample.seed if seed is None else seed
        recording = simulate(sample.scene(), sample.n_frames, chosen)
        paths.append(
            recording.write(
                folder, name, overwrite=overwrite, compression_level=9, progress=progress
            )
        )
    return paths


if __name__ == "__main__":
    write_samples(Path(sys.argv[1] if len(sys.argv) > 1 else "."), overwrite=True)

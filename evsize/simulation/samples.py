"""The three sample recordings: 100 nm beads, a mixture of two sizes, a blank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evsize.errors import UsageError
from evsize.results import Progress
from evsize.simulation.instruments import nanosight
from evsize.simulation.recording import simulate
from evsize.simulation.scene import Camera, Scene

# Noise of half a grey level, as in many 8 bit films of NTA: little to store.
_COMMON = {
    "height_px": 240,
    "width_px": 320,
    "frame_rate_hz": 50.0,
    "exposure_ms": 9.0,
    "temperature_c": 22.0,
    "camera": Camera(bit_depth=8, gain_e=10.0, offset=5.0, read_noise_e=2.0),
}


def bead_scene(snr_at_100nm: float = 40.0) -> Scene:
    """100 nm beads in water, about 20 followed in a frame."""
    return nanosight("100nm:28", snr_at_100nm=snr_at_100nm, particle_index=1.59, **_COMMON)


def mixture_scene(snr_at_100nm: float = 30.0) -> Scene:
    """Two sizes, 100 and 220 nm, in PBS; about 13 and 11 followed in a frame."""
    return nanosight(
        "100nm:24,220nm:8", snr_at_100nm=snr_at_100nm, medium="pbs", dilution=100.0, **_COMMON
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
    "beads_100nm": Sample(bead_scene, 600, 1),
    "ev_mixture": Sample(mixture_scene, 640, 1),
    "blank": Sample(blank_scene, 60, 1),
}


def write_samples(
    folder: Path,
    *,
    only: str | None = None,
    seed: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the sample recordings with their truth.

    Parameters
    ----------
    folder : Path
        Made if missing.
    only : str, optional
        Name of the one that is wanted; all of `SAMPLES` if left out.
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
    UsageError
        If there is no sample of that name.
    OutputError
        If the folder cannot be written or holds them already.
    """
    if only is not None and only not in SAMPLES:
        raise UsageError(f"no sample '{only}'", f"one of {', '.join(SAMPLES)}", "correct --only")
    paths = []
    for name in SAMPLES if only is None else (only,):
        sample = SAMPLES[name]
        chosen = sample.seed if seed is None else seed
        recording = simulate(sample.scene(), sample.n_frames, chosen)
        paths.append(recording.write(folder, name, overwrite=overwrite, progress=progress))
    return paths

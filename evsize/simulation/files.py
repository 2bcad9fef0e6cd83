"""Writes a simulated recording: TIFF, sidecar and truth, frame by frame."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import tifffile
from numpy.typing import NDArray

from evsize.errors import OutputError
from evsize.results import Progress
from evsize.simulation.population import population_text
from evsize.simulation.recording import TRUTH, TRUTH_PARTICLES, SimulatedRecording
from evsize.simulation.scene import Scene

FRAMES_A_ROW_GROUP = 50
BIGTIFF_FROM_BYTES = 2_000_000_000


def write_recording(
    recording: SimulatedRecording,
    folder: str | Path,
    name: str,
    *,
    overwrite: bool = False,
    compression_level: int = 4,
    progress: Progress | None = None,
) -> Path:
    """Write a recording with all that is known of it.

    ``NAME.tif`` (zlib, lossless; BigTIFF where the frames exceed 2 GB), ``NAME.toml`` (tables
    ``acquisition`` and ``truth``), ``NAME_truth.parquet`` (a row a particle and frame) and
    ``NAME_truth_particles.csv``. They appear together, when all is written.

    Parameters
    ----------
    recording : SimulatedRecording
        What is written; its memory does not grow with its length.
    folder : path
        Made if missing.
    name : str
        Stem of the files.
    overwrite : bool
        Replace files of that name.
    compression_level : int
        Of zlib, 0 to 9: 9 saves some 8 % at forty times the cost of 4.
    progress : callable, optional
        Called after every frame.

    Returns
    -------
    Path
        The TIFF.

    Raises
    ------
    OutputError
        If the folder cannot be written or holds files of that name.
    """
    folder = Path(folder)
    names = [f"{name}{end}" for end in (".tif", ".toml", "_truth.parquet", "_truth_particles.csv")]
    present = [file for file in names if (folder / file).exists()]
    if present and not overwrite:
        raise OutputError(
            f"{folder / present[0]} exists already", "another folder or name", "or --overwrite"
        )
    aside = folder / f".{name}.part"
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        _write_all(recording, aside, names, compression_level, progress)
        for file in names:
            (aside / file).replace(folder / file)
    except OSError as error:
        raise OutputError(
            f"cannot write into {folder}: {error.strerror}", "a folder that can be written"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder / names[0]


def _write_all(
    recording: SimulatedRecording,
    folder: Path,
    names: list[str],
    compression_level: int,
    progress: Progress | None,
) -> None:
    shape = (recording.n_frames, *recording.frame_shape)
    dtype = np.dtype(np.uint8 if recording.scene.camera.bit_depth == 8 else np.uint16)
    size = int(np.prod(shape)) * dtype.itemsize
    with _TruthWriter(folder / names[2]) as truth:
        frames = _frames(recording, truth, progress)
        with tifffile.TiffWriter(folder / names[0], bigtiff=size > BIGTIFF_FROM_BYTES) as tiff:
            tiff.write(
                frames,
                shape=shape,
                dtype=dtype,
                photometric="minisblack",
                compression="zlib",
                compressionargs={"level": compression_level},
                metadata={"axes": "TYX"},
            )
        truth.particles().to_csv(folder / names[3], index=False)
    (folder / names[1]).write_text(sidecar_text(recording, truth.n_particles), encoding="utf-8")


def _frames(
    recording: SimulatedRecording, truth: _TruthWriter, progress: Progress | None
) -> Iterator[NDArray[Any]]:
    height, width = recording.frame_shape
    for number, (frame, rows) in enumerate(recording.iter_frames()):
        inside = rows["x_px"].between(-0.5, width - 0.5) & rows["y_px"].between(-0.5, height - 0.5)
        truth.add(rows, inside.to_numpy())
        yield frame
        if progress is not None:
            progress("simulating", number + 1, recording.n_frames)


class _TruthWriter:
    """Streams the truth into a parquet file and counts the frames of each particle."""

    def __init__(self, path: Path) -> None:
        self._schema = pa.Schema.from_pandas(TRUTH.empty(), preserve_index=False)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[pd.DataFrame] = []
        self._diameter_nm: list[float] = []
        self._in_view: list[int] = []

    def __enter__(self) -> _TruthWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    @property
    def n_particles(self) -> int:
        """Particles seen so far."""
        return len(self._diameter_nm)

    def add(self, rows: pd.DataFrame, inside: NDArray[np.bool_]) -> None:
        """Add the rows of one frame."""
        ids = rows["particle_id"].to_numpy()
        for particle, diameter, seen in zip(ids, rows["diameter_nm"], inside, strict=True):
            if particle == len(self._diameter_nm):
                self._diameter_nm.append(float(diameter))
                self._in_view.append(0)
            self._in_view[particle] += int(seen)
        self._waiting.append(rows)
        if len(self._waiting) == FRAMES_A_ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pd.concat(self._waiting, ignore_index=True)
            self._writer.write_table(
                pa.Table.from_pandas(table, schema=self._schema, preserve_index=False)
            )
            self._waiting = []

    def particles(self) -> pd.DataFrame:
        """Return one row a particle."""
        return TRUTH_PARTICLES.build(
            particle_id=np.arange(len(self._diameter_nm)),
            diameter_nm=self._diameter_nm,
            frames_in_view=self._in_view,
        )


def sidecar_text(recording: SimulatedRecording, particles_written: int) -> str:
    """Compose the TOML sidecar: how it was recorded, and the truth."""
    scene = recording.scene
    acquisition = scene.acquisition.model_dump(exclude_none=True)
    return (
        "# A simulated recording: how it was made, and the truth.\n"
        f"[acquisition]\n{_toml(acquisition)}\n[truth]\n{_toml(_truth(recording))}"
        f"particles_written = {particles_written}\n\n[scene]\n{_toml(_scene_values(scene))}"
    )


def _truth(recording: SimulatedRecording) -> dict[str, Any]:
    scene = recording.scene
    volume_ml = scene.illuminated_volume_ml
    return {
        "population": population_text(scene.population),
        "diameters_nm": [component.diameter_nm for component in scene.population],
        "sd_ln": [component.sd_ln for component in scene.population],
        "numbers_in_illuminated_volume": [component.number for component in scene.population],
        "concentrations_per_ml": [component.number / volume_ml for component in scene.population],
        "concentration_per_ml": scene.concentration_per_ml,
        "illuminated_volume_ml": volume_ml,
        "n_frames": recording.n_frames,
        "seed": recording.seed,
    }


def _scene_values(scene: Scene) -> dict[str, Any]:
    acquisition = set(type(scene.acquisition).model_fields)
    values = scene.model_dump(exclude=acquisition | {"population"}, exclude_none=True)
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": item for key, item in value.items() if item is not None}
        else:
            flat[name] = value
    return flat


def _toml(values: dict[str, Any]) -> str:
    # A JSON string, number, list or boolean is TOML as well.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())

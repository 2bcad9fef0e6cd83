"""A small recording of every family of files, and a table of every vendor's kind."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.recording.makers import (
    GREY_PALETTE,
    micro_manager_tiff,
    write_dib_avi,
    write_film,
    write_grey_avi,
)
from tests.vendors import makers as vendor

REAL = Path(
    os.environ.get("EVSIZE_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)


def walking_spots(count: int = 120, height: int = 48, width: int = 64, spots: int = 6) -> Any:
    """Frames of a few spots that walk at random over noise, (count, height, width) uint8."""
    rng = np.random.default_rng(5)
    places = rng.uniform(8, 40, (spots, 2)) + np.cumsum(rng.normal(0, 0.7, (count, spots, 2)), 0)
    rows, cols = np.arange(height)[:, None], np.arange(width)
    frames = rng.normal(20, 2, (count, height, width))
    for number, spots_now in enumerate(places % (height, width)):
        for y, x in spots_now:
            frames[number] += 120 * np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / 4.5)
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


SPOTS = walking_spots()
DEEP = SPOTS.astype(np.uint16) * 200
Writer = Callable[[Path], Any]


def tiff(frames: NDArray[Any], **options: Any) -> Writer:
    return lambda path: tifffile.imwrite(path, frames, photometric="minisblack", **options)


def film(codec: str, pix_fmt: str, **options: str) -> Writer:
    return lambda path: write_film(path, SPOTS, codec, pix_fmt, options)


def images(path: Path) -> None:
    path.mkdir()
    for number, frame in enumerate(SPOTS):
        Image.fromarray(frame).save(path / f"f{number}.png")


def zarr_array(path: Path) -> None:
    import zarr

    array = zarr.open(str(path), mode="w", shape=SPOTS.shape, chunks=(20, 48, 64), dtype="u1")
    array[:] = SPOTS


def copy_of(name: str) -> Writer:
    return lambda path: shutil.copyfile(REAL / "formats" / name, path)


FAMILIES: dict[str, Writer] = {
    "plain.tif": tiff(SPOTS),
    "zlib.tif": tiff(DEEP, compression="zlib", metadata=None),
    "imagej.tif": tiff(DEEP, imagej=True, metadata={"axes": "TYX", "unit": "um"}),
    "ome.ome.tif": tiff(SPOTS, ome=True, metadata={"axes": "TYX"}, compression="zlib"),
    "bigtiff.tif": tiff(DEEP, bigtiff=True),
    "float.tif": tiff(SPOTS.astype(np.float32)),
    "mm.tif": lambda path: micro_manager_tiff(path, DEEP, 40.0),
    "folder": images,
    "array.npy": lambda path: np.save(path, SPOTS),
    "grey.avi": film("rawvideo", "gray"),
    "palette.avi": lambda path: write_dib_avi(path, SPOTS, GREY_PALETTE),
    "y16.avi": lambda path: write_grey_avi(path, DEEP, b"Y16 "),
    "mjpeg.avi": film("mjpeg", "yuvj420p"),
    "h264.avi": film("libx264", "yuv420p"),
    "ffv1.mkv": film("ffv1", "gray"),
    "h264.mp4": film("libx264", "yuv420p", g="20"),
    "h264.mov": film("libx264", "yuv420p", bf="2"),
    "wmv.wmv": film("wmv2", "yuv420p"),
}
if (REAL / "formats").is_dir():
    FAMILIES |= {"nikon.nd2": copy_of("cluster.nd2"), "phantom.cine": copy_of("cine_781.cine")}
if importlib.util.find_spec("zarr") is not None:
    FAMILIES["array.zarr"] = zarr_array

VENDOR_FILES: dict[str, Writer] = {
    "ExperimentSummary.csv": lambda path: path.write_text(vendor.experiment_summary("3.4")),
    "ParticleData.csv": lambda path: path.write_text(vendor.particle_data()),
    "AllTracks.csv": lambda path: path.write_text(vendor.all_tracks()),
    "OldTracks.csv": lambda path: path.write_text(vendor.old_tracks()),
    "zetaview.txt": lambda path: path.write_bytes(vendor.zetaview().encode("latin-1")),
    "Videos.dat": lambda path: path.write_text(vendor.viewsizer_videos()),
    "Bins.dat": lambda path: path.write_text(vendor.viewsizer_bins()),
}

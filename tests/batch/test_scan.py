"""Recordings of a folder, and the table that is made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from evsize.batch.manifest import ManifestError, read_manifest
from evsize.batch.scan import scan, scan_checked, write_template
from evsize.errors import OutputError, UsageError

Film = Callable[..., Path]


def images(folder: Path, ending: str, n: int = 3) -> None:
    folder.mkdir(parents=True)
    for number in range(n):
        frame = np.full((16, 16), number, np.uint8)
        if ending == "tif":
            tifffile.imwrite(folder / f"{number}.tif", frame)
        else:
            Image.fromarray(frame).save(folder / f"{number}.{ending}")


def test_what_counts_as_a_recording(film: Film, tmp_path: Path) -> None:
    folder = film("b.tif").parent
    film("A.TIF")
    film("day2/c.tif")
    film("out/d.tif")
    film("result/e.tif").with_name("result.json").write_text("{}")
    film(".hidden/f.tif")
    film(".g.tif")
    images(folder / "png", "png")
    images(folder / "frames", "tif")
    (folder / "notes.txt").write_text("x")
    (folder / "one").mkdir()
    Image.new("L", (9, 9)).save(folder / "one" / "logo.png")
    (folder / "loop").symlink_to(folder)
    found = scan(folder, out=folder / "out")
    assert [one.recording for one in found] == ["A.TIF", "b.tif", "day2/c.tif", "frames", "png"]
    assert [one.name for one in found] == ["A", "b", "c", "frames", "png"]


def test_a_folder_of_images_is_one_recording(tmp_path: Path) -> None:
    images(tmp_path / "film", "png")
    assert [one.name for one in scan(tmp_path / "film")] == ["film"]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recordings in"):
        scan(tmp_path)
    with pytest.raises(UsageError, match="cannot read"):
        scan(tmp_path / "none")


def test_names_that_clash(film: Film, tmp_path: Path) -> None:
    folder = film("day1/a.tif").parent.parent
    film("day2/a.tif")
    with pytest.raises(ManifestError, match="--init"):
        scan_checked(folder, tmp_path / "out")
    path, count = write_template(folder)
    assert count == 2
    assert [one.name for one in read_manifest(path)] == ["day1_a.tif", "day2_a.tif"]


def test_the_template_can_be_read_back(film: Film) -> None:
    folder = film("=1.tif").parent
    film("b.tif")
    path, _ = write_template(folder)
    assert path == folder / "manifest.csv"
    assert "\n=" not in path.read_text()
    first, second = read_manifest(path)
    assert first.path == folder / "=1.tif"
    assert (second.name, second.sample, second.role) == ("b", "b", "sample")
    with pytest.raises(OutputError, match="--overwrite"):
        write_template(folder)
    write_template(folder, overwrite=True)

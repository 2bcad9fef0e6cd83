from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tifffile

import evsize
from evsize.batch.task import Task, run
from evsize.cli.main import main
from evsize.report.figures import write_figures
from tests.contract import example


def lonely_axes(rows: int = 1, columns: int = 1) -> np.ndarray:
    from matplotlib.figure import Figure

    return np.asarray(Figure().subplots(rows, columns, squeeze=False))


def test_the_curve_is_the_table() -> None:
    result = evsize.Analysis.of(example.result())
    ax = result.plot_distribution(lonely_axes()[0, 0])
    curve = next(line for line in ax.lines if line.get_label() == "distribution")
    table = result.distribution_table.set_index("diameter_nm")
    sizes, shares = curve.get_data()
    np.testing.assert_allclose(shares, 100 * table.loc[sizes, "fraction"], rtol=0, atol=1e-12)
    assert shares.sum() == pytest.approx(100, abs=0.5)  # at most 0.05 % of a bin is out of view
    assert "nm" in ax.get_xlabel()
    assert ax.get_ylim()[0] == 0


def test_tracks_lie_where_they_ran() -> None:
    result = evsize.Analysis.of(example.result())
    ax = result.plot_tracks(lonely_axes()[0, 0], most=5)
    (lines,) = ax.collections
    longest = result.particles.nlargest(5, "frames")["track_id"]
    drawn = np.concatenate(lines.get_segments())
    rows = result.tracks[result.tracks["track_id"].isin(longest)]
    assert sorted(drawn[:, 0]) == sorted(rows["x_um"])
    assert ax.get_ylim() == (480 * 0.166, 0)  # rows count downwards


def test_panels_of_quality() -> None:
    frames = example.frames(200).assign(flow_x_um_s=np.nan)  # and no flow along y either
    result = evsize.Analysis.of(dataclasses.replace(example.result(), frames=frames))
    axes = result.plot_qc(lonely_axes(2, 2))
    assert axes.shape == (2, 2)
    assert axes[0, 0].lines[0].get_ydata().mean() == pytest.approx(
        result.frames["detections"].mean(), rel=1 / 240
    )
    counted = sum(bar.get_height() for bar in axes[1, 0].patches)
    same = np.diff(result.tracks["track_id"]) == 0
    assert counted == (same & (np.diff(result.tracks["frame"]) == 1)).sum()


def test_files_are_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_figures(example.result(), tmp_path / name, ("svg", "pdf", "png"))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    assert len(list((tmp_path / "one").iterdir())) == 9
    assert ">Hydrodynamic diameter (nm)</text>" in (tmp_path / "one/distribution.svg").read_text()


def test_a_blank_has_figures_too(tmp_path: Path) -> None:
    result = evsize.Analysis.of(example.blank())
    result.save(tmp_path / "blank", figures=("svg",))
    assert {path.name for path in (tmp_path / "blank").glob("*.svg")} == {
        "distribution.svg",
        "qc.svg",
        "tracks.svg",
    }
    assert "nothing was sized" in (tmp_path / "blank/distribution.svg").read_text()
    assert evsize.load_result(tmp_path / "blank").plot_distribution() is not None


def test_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evsize.pipeline.run", lambda *_, **__: example.result())
    film, out = tmp_path / "a.tif", tmp_path / "out"
    tifffile.imwrite(film, np.zeros((3, 8, 8), np.uint8), photometric="minisblack")
    how = "--pixel-size 0.166 --frame-rate 25 --temperature 22 --medium pbs --quiet --figures"
    assert main(["analyze", str(film), "-o", str(out), *how.split(), "bmp"]) == 2
    assert main(["analyze", str(film), "-o", str(out), *how.split(), "svg,png"]) == 0
    assert len([*(out / "a").glob("*.svg"), *(out / "a").glob("distribution.png")]) == 4


def test_size_and_batch_have_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evsize.pipeline.run", lambda *_, **__: example.result())
    monkeypatch.setattr("evsize.pipeline.run_tracks", lambda *_, **__: example.result())
    given = "--pixel-size 0.166 --frame-rate 25 --temperature 22 --medium pbs"
    table = tmp_path / "b.csv"
    table.write_text("particle,frame,x,y\n1,0,3,4\n1,1,4,4\n")
    size = ["size", str(table), "-o", str(tmp_path), *given.split(), "--quiet"]
    assert main([*size, "--figures", "bmp"]) == 2
    assert main([*size, "--figures", "svg"]) == 0
    assert len(list((tmp_path / "b").glob("*.svg"))) == 3

    film = tmp_path / "a.tif"
    tifffile.imwrite(film, np.zeros((3, 8, 8), np.uint8), photometric="minisblack")
    settings = evsize.Settings.model_validate({"output": {"figures": ["svg"]}})
    assert run(Task("a", film, tmp_path / "a", settings)).status == "done"
    assert len(list((tmp_path / "a").glob("*.svg"))) == 3


def test_what_a_notebook_shows() -> None:
    shown = evsize.Analysis.of(example.result())._repr_html_()
    assert "<svg" in shown
    assert "exosome-size" in shown
    assert "Verdict warn" in shown
    assert "<script" not in shown
    assert "not determined" in evsize.Analysis.of(example.blank())._repr_html_()

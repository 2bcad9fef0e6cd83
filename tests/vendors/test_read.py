"""Vendors' files in evsize's tables: real ones against their own figures, made ones exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evsize import vendors
from evsize.errors import ResultError
from evsize.tables import DISTRIBUTION, PARTICLES, Flag
from tests.vendors import makers

STATED = {"mean_nm", "mode_nm", "d10_nm", "d50_nm", "d90_nm"}


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


@pytest.mark.parametrize(
    ("name", "videos", "version"), [("beads.csv", 12, "3.2"), ("beads2.csv", 5, "3.4")]
)
def test_real_nanosight_summaries_give_back_their_figures(
    name: str, videos: int, version: str, shared_data: Path
) -> None:
    result = vendors.read(shared_data / "nanosight" / name)
    assert len(result.videos) == videos
    assert version in result.kind
    for video in result.videos:
        assert set(video.stated) >= STATED
        for figure in STATED:
            again = getattr(video.summary, figure).value
            # stated to 0.1 nm: half of that, and what rounding the counts adds
            assert again == pytest.approx(video.stated[figure], abs=0.051), (video.name, figure)
        assert len(video.distribution) == 1000
        assert video.distribution["fraction"].sum() == pytest.approx(1)
        assert {"temperature_c", "viscosity_mpas", "exposure_ms", "frame_rate_hz"} <= set(
            video.acquisition
        )


def test_real_nanosight_concentration_has_its_dilution_once(shared_data: Path) -> None:
    video = vendors.read(shared_data / "nanosight" / "beads2.csv").videos[0]
    assert video.acquisition["dilution"] == 1e4
    assert video.concentration_per_ml == 5.91e12
    # the size data add up to the concentration that the file states
    total = video.distribution["concentration_per_ml"].sum()
    assert total == pytest.approx(5.91e12, rel=0.01)


@pytest.mark.parametrize(("separator", "encoding"), [(",", "cp1252"), (";", "utf-8-sig")])
@pytest.mark.parametrize("version", ["3.2", "3.4"])
def test_summary_of_either_version_and_locale(
    version: str, separator: str, encoding: str, tmp_path: Path
) -> None:
    text = makers.experiment_summary(version, separator=separator)
    result = vendors.read(write(tmp_path, "a.csv", text, encoding))
    assert [video.name for video in result.videos] == ["film_00", "film_01"]
    for video, mode, sd in zip(result.videos, (100, 120), (10, 12), strict=True):
        assert video.summary.mode_nm.value == pytest.approx(mode, abs=0.05)
        assert video.summary.mean_nm.value == pytest.approx(mode, abs=0.05)
        shift = -1.0 if version == "3.2" else 0.0  # 1.28155 is the 90 % quantile of a normal law
        expected = mode + 1.28155 * sd + shift
        assert video.summary.d90_nm.value == pytest.approx(expected, abs=0.05)
    assert result.videos[0].acquisition["temperature_c"] == 22.348
    assert result.videos[0].acquisition["medium"] == "pbs"
    assert result.videos[0].concentration_per_ml == 2.5e7


def test_dilution_that_is_not_in_the_figures_is_multiplied_in_once(tmp_path: Path) -> None:
    text = makers.experiment_summary("3.4", adjusted=False)
    result = vendors.read(write(tmp_path, "a.csv", text))
    assert result.videos[0].concentration_per_ml == 2.5e9
    assert any("multiplied" in note for note in result.notes)
    text = makers.experiment_summary("3.4", dilution="Not recorded")
    result = vendors.read(write(tmp_path, "b.csv", text))
    assert result.videos[0].concentration_per_ml == 2.5e7
    assert "dilution" not in result.videos[0].acquisition
    assert any("not recorded" in note for note in result.notes)


def test_particle_data_keeps_what_the_vendor_left_out_and_does_not_count_it(tmp_path: Path) -> None:
    video = vendors.read(write(tmp_path, "a_ParticleData.csv", makers.particle_data())).videos[0]
    table = PARTICLES.validate(video.particles)
    assert list(table["diameter_nm"]) == [101 + n for n in range(20)]
    assert list(table["flags"]) == [0] * 15 + [int(Flag.TOO_SHORT)] * 5
    assert list(table["frames"]) == [9 + n for n in range(20)]
    assert list(table["first_frame"]) == [3 * n for n in range(20)]
    np.testing.assert_allclose(table["d_um2_s"], 4.2)
    np.testing.assert_allclose(table["brightness"], np.exp(2.0))
    assert video.summary.mean_nm.value == 108  # 101 to 115
    assert video.summary.d50_nm.value == 108
    assert video.summary.mode_nm.value is None


def test_all_tracks_give_positions_and_particles(tmp_path: Path) -> None:
    video = vendors.read(write(tmp_path, "a_AllTracks.csv", makers.all_tracks())).videos[0]
    positions, particles = video.positions, PARTICLES.validate(video.particles)
    assert list(positions["track_id"]) == [0] * 3 + [1] * 4
    assert list(positions["frame"]) == [0, 1, 2, 5, 6, 7, 8]
    assert list(positions["x_px"]) == [10, 11, 12, 50, 51, 52, 53]
    assert list(positions["y_px"]) == [20, 19, 18, 60, 61, 62, 63]
    np.testing.assert_allclose(positions["brightness"], np.exp([1.0] * 3 + [3.0] * 4))
    assert list(particles["frames"]) == [3, 4]
    assert list(particles["first_frame"]) == [0, 5]
    np.testing.assert_allclose(particles["d_um2_s"], [4.3, 1.4])
    assert video.summary.mean_nm.value == 99.5  # the second was left out


def test_older_tracks_are_steps_with_d_in_hundredths(tmp_path: Path) -> None:
    video = vendors.read(write(tmp_path, "a.csv", makers.old_tracks())).videos[0]
    positions, particles = video.positions, PARTICLES.validate(video.particles)
    assert list(positions["track_id"]) == [7] * 4 + [9] * 3
    assert list(positions["frame"]) == [0, 1, 2, 3, 0, 1, 2]
    assert list(positions["x_px"]) == [10, 11, 12, 13, 40, 40, 40]
    assert list(positions["y_px"]) == [5, 5, 5, 5, 30, 31, 32]
    assert list(particles["frames"]) == [4, 3]
    np.testing.assert_allclose(particles["d_um2_s"], [4.3, 2.15])
    assert video.summary.mean_nm.value == 150


@pytest.mark.parametrize("comma", [False, True])
def test_zetaview_report(comma: bool, tmp_path: Path) -> None:
    path = write(tmp_path, "film.txt", makers.zetaview(comma), "latin-1")
    video = vendors.read(path).videos[0]
    table = video.distribution
    assert len(table) == 200  # the bins of 5 nm, not the logarithmic ones behind the row of -1
    assert list(table["diameter_nm"][:2]) == [2.5, 7.5]
    assert list(table["bin_high_nm"][:2]) == [5, 10]
    assert video.summary.mean_nm.value == pytest.approx(110, abs=0.1)
    # counts are reached at the label of a bin, half a bin below its upper edge
    assert video.summary.d50_nm.value == pytest.approx(107.5, abs=0.1)
    counts = np.rint(makers.bell(110, 20, 400, np.arange(2.5, 1000, 5)))
    assert video.concentration_per_ml == pytest.approx(counts.sum() * 1e4 * 1000, rel=1e-3)
    assert video.acquisition["dilution"] == 1000


def test_zetaview_without_dilution_or_drift_says_so(tmp_path: Path) -> None:
    text = makers.zetaview(dilution="", drift="1904-01-01")
    result = vendors.read(write(tmp_path, "film.txt", text, "latin-1"))
    assert any("in the cell" in note for note in result.notes)
    assert any("never measured" in note for note in result.notes)
    assert "dilution" not in result.videos[0].acquisition


def test_viewsizer_tables(tmp_path: Path) -> None:
    videos = vendors.read(write(tmp_path, "Videos_a.dat", makers.viewsizer_videos())).videos
    assert [list(video.particles["diameter_nm"]) for video in videos] == [
        [100, 150, 200],
        [100, 120],
    ]
    assert [video.stated["mean_nm"] for video in videos] == [150, 110]
    assert [video.summary.mean_nm.value for video in videos] == [150, 110]
    bins = vendors.read(write(tmp_path, "Bins_a.dat", makers.viewsizer_bins()))
    total = makers.bell(150, 20, 1e5).sum()
    assert bins.videos[0].concentration_per_ml == pytest.approx(total, rel=1e-4)
    assert bins.videos[0].summary.d50_nm.value == pytest.approx(150, abs=0.05)
    assert any("in the cell" in note for note in bins.notes)


def test_real_viewsizer_tables_agree_with_each_other(shared_data: Path) -> None:
    folder = shared_data / "viewsizer"
    videos = vendors.read(folder / "Videos_150nm.dat").videos
    assert len(videos) == 15
    for video in videos:
        assert video.summary.mean_nm.value == pytest.approx(video.stated["mean_nm"], rel=1e-6)
        spread = video.particles["diameter_nm"].std(ddof=1)
        assert spread == pytest.approx(video.stated["sd_nm"], rel=0.01)
    even = vendors.read(folder / "ConstantBinsTable_150nm.dat").videos[0]
    spaced = vendors.read(folder / "LogarithmicBinsTable_150nm.dat").videos[0]
    assert even.concentration_per_ml == pytest.approx(spaced.concentration_per_ml, rel=1e-6)
    # a logarithmic bin at 157 nm is 3.9 nm wide
    assert spaced.summary.d50_nm.value == pytest.approx(even.summary.d50_nm.value, abs=3.9)


@pytest.mark.parametrize("name", vendors.READERS)
def test_every_reader_takes_its_kind_and_tables_are_valid(name: str, tmp_path: Path) -> None:
    texts = {
        "nanosight_summary": makers.experiment_summary("3.4"),
        "nanosight_particles": makers.particle_data(),
        "nanosight_tracks": makers.all_tracks(),
        "nanosight_old_tracks": makers.old_tracks(),
        "viewsizer_videos": makers.viewsizer_videos(),
        "viewsizer_bins": makers.viewsizer_bins(),
        "zetaview": makers.zetaview(),
    }
    path = write(tmp_path, "a.dat", texts[name], "latin-1")
    taken = [kind for kind, reader in vendors.READERS.items() if reader.recognises(texts[name])]
    assert taken[0] == name
    for video in vendors.read(path).videos:
        DISTRIBUTION.validate(video.distribution)
        assert video.distribution["fraction"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no vendor's result"),
        (b"size,count\n1,2\n", "no vendor's result"),
        (b"NTA Experiment Summary File\n[Conditions]\n", "without size data"),
        (b"ZetaView S/N:\t1\n", "without sizes"),
        (b"/Video#\t#particles\n", "without videos"),
        (b"/LowerBinDiameter_[nm]\n", "without bins"),
        (b"Particle ID,Size/nm,Start frame,Tracklength\n", ""),
    ],
)
def test_what_is_no_result_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    if not message:  # a table without a row is a result with nothing in it
        assert len(vendors.read(tmp_path / "a.csv").videos[0].particles) == 0
        return
    with pytest.raises(ResultError, match=message) as error:
        vendors.read(tmp_path / "a.csv")
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 4


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="cannot read"):
        vendors.read(tmp_path / "none.csv")

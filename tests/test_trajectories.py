"""Tables of other trackers: what is read, what is said of what cannot be used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evsize.diffusion import estimate_diffusion
from evsize.errors import RecordingError
from evsize.settings import SizingSettings
from evsize.simulation import simulate_tracks
from evsize.sizing import size
from evsize.tables import TRACKS, Flag
from evsize.tracking.given import with_flow
from evsize.trajectories import as_tracks, read_table
from tests.theory.brownian import WATER

FEW = SizingSettings(n_bootstrap=20)


def trackpy_table(n_tracks=40, n_positions=12, seed=1, d_um2_s=4.0):
    rng = np.random.default_rng(seed)
    xy = simulate_tracks(d_um2_s, n_positions, 0.04, 0.5, 0.05, rng, n_tracks=n_tracks)
    xy = (xy + rng.uniform(10, 80, (n_tracks, 1, 2))) / WATER.pixel_size_um
    particle, frame = np.divmod(np.arange(n_tracks * n_positions), n_positions)
    x, y = xy.reshape(-1, 2).T
    return pd.DataFrame({"particle": particle, "frame": frame, "x": x, "y": y})


def sized(table, settings=FEW):
    return size(estimate_diffusion(table, WATER), WATER, settings)


def same_positions(one, other):
    columns = ["track_id", "frame", "x_um", "y_um"]
    assert np.allclose(one.tracks.table[columns], other.tracks.table[columns])


def test_trackpy_positions_are_pixels():
    table = trackpy_table()
    found = as_tracks(table, WATER)
    TRACKS.validate(found.tracks.table)
    assert np.allclose(found.tracks.table["x_um"], table["x"] * WATER.pixel_size_um)
    assert found.n_frames == 12
    assert found.notes == ()


@pytest.mark.parametrize(
    "names",
    [
        {"particle": "TRACK_ID", "frame": "FRAME", "x": "POSITION_X", "y": "POSITION_Y"},
        {"particle": "Trajectory", "frame": "Frame", "x": "x [px]", "y": "y [px]"},
    ],
)
def test_other_names(names, tmp_path):
    table = trackpy_table()
    path = tmp_path / "tracks.csv"
    table.rename(columns=names).to_csv(path, index=False)
    same_positions(as_tracks(read_table(path), WATER), as_tracks(table, WATER))


@pytest.mark.parametrize(("unit", "scale"), [("(micron)", WATER.pixel_size_um), ("(pixel)", 1.0)])
def test_trackmate_with_three_further_header_rows(unit, scale, tmp_path):
    table = trackpy_table(5)
    lines = [
        "LABEL,TRACK_ID,FRAME,POSITION_X,POSITION_Y",
        "Label,Track ID,Frame,X,Y",
        "Label,Track ID,Frame,X,Y",
        f",,,{unit},{unit}",
    ]
    lines += [
        f"ID{i},{row.particle:.0f},{row.frame:.0f},{row.x * scale!r},{row.y * scale!r}"
        for i, row in enumerate(table.itertuples())
    ]
    path = tmp_path / "spots.csv"
    path.write_text("\n".join(lines) + "\n")
    same_positions(as_tracks(read_table(path), WATER), as_tracks(table, WATER))


def test_um_semicolons_and_own_columns(tmp_path):
    table = trackpy_table()
    path = tmp_path / "tracks.csv"
    own = table.assign(x_um=table["x"] * 0.166, y_um=table["y"] * 0.166, loc_se_nm=40.0)
    own.drop(columns=["x", "y"]).to_csv(path, index=False, sep=";")
    found = as_tracks(read_table(path), WATER)
    same_positions(found, as_tracks(table, WATER))
    assert (found.tracks.table["loc_se_nm"] == 40).all()


def test_decimal_commas(tmp_path):
    table = trackpy_table(5)
    table.to_csv(tmp_path / "a.csv", sep=";", decimal=",", index=False)
    assert ",5" in (tmp_path / "a.csv").read_text()
    read = as_tracks(read_table(tmp_path / "a.csv"), WATER)
    same_positions(as_tracks(table, WATER), read)


def test_a_table_without_one_number_is_no_result():
    table = trackpy_table(2).astype(str).replace(r"\.", ",", regex=True)
    with pytest.raises(RecordingError, match="decimal sign"):
        as_tracks(table, WATER)


def test_trackmate_xml_says_what_to_export(tmp_path):
    path = tmp_path / "tracks.xml"
    path.write_text("<?xml version='1.0'?>\n<TrackMate>\n<a b='1, 2, 3'/>\n</TrackMate>\n")
    with pytest.raises(RecordingError, match="export the spots as CSV"):
        as_tracks(read_table(path), WATER)


def test_order_of_the_rows_does_not_matter():
    table = trackpy_table()
    mixed = table.sample(frac=1, random_state=1)
    same_positions(as_tracks(mixed, WATER), as_tracks(table, WATER))
    one, two = sized(table), sized(mixed)
    assert one.distribution == two.distribution


def test_places_that_are_no_numbers_are_gaps():
    table = trackpy_table()
    table.loc[[5, 17], "x"] = np.nan
    table.loc[40, "y"] = np.inf
    found = as_tracks(table, WATER)
    assert len(found.tracks.table) == len(table) - 3
    assert "3 positions" in found.notes[0]
    assert sized(table).distribution.d50_nm.value > 0


def test_two_positions_in_a_frame_are_not_one_particle():
    table = trackpy_table()
    table.loc[3, "frame"] = 2
    found = as_tracks(table, WATER)
    assert found.rejected == {"two_in_a_frame": 1}
    assert found.tracks.table["track_id"].nunique() == 39
    assert "two positions in one frame" in found.notes[0]


def test_what_cannot_be_read_is_said_in_one_line(tmp_path):
    with pytest.raises(RecordingError, match=r"no column for track.*needed: a track number"):
        as_tracks(trackpy_table().drop(columns="particle"), WATER)
    with pytest.raises(RecordingError, match=r"frame numbered 0\.5"):
        as_tracks(trackpy_table().assign(frame=0.5), WATER)
    with pytest.raises(RecordingError, match="frame numbered -1"):
        as_tracks(trackpy_table().assign(frame=-1), WATER)
    with pytest.raises(RecordingError, match="cannot read"):
        read_table(tmp_path / "nowhere.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(RecordingError, match="is no table"):
        read_table(tmp_path / "empty.csv")


@pytest.mark.parametrize("n_positions", [1, 2])
def test_tracks_of_one_or_two_positions_are_counted_and_size_nothing(n_positions):
    likelihoods = estimate_diffusion(trackpy_table(30, n_positions), WATER)
    assert likelihoods.rejected["too_short"] == 30
    found = size(likelihoods, WATER, FEW)
    assert found.distribution.d50_nm.value is None
    assert found.distribution.d50_nm.low is None


def test_no_row_at_all():
    found = sized(trackpy_table().iloc[:0])
    assert found.distribution.d50_nm.value is None


def test_positions_that_only_tremble_give_no_narrow_answer():
    """White noise about fixed places: D by covariance is negative or nothing for most tracks.

    They are as large as the range allows, or larger: most are flagged, and no interval is given.
    """
    rng = np.random.default_rng(1)
    table = trackpy_table(60, 8)
    still = table.groupby("particle")[["x", "y"]].transform("first")
    table[["x", "y"]] = still + rng.standard_normal((len(table), 2))
    likelihoods = estimate_diffusion(table, WATER)
    negative = likelihoods.d_cov_um2_s < 0
    assert negative.any()
    assert np.array_equal((likelihoods.flags & np.uint32(Flag.NEGATIVE_D)) > 0, negative)
    found = size(likelihoods, WATER, FEW)
    at_end = (found.particles["flags"] & np.uint32(Flag.OUTSIDE_RANGE)) > 0
    assert at_end.mean() > 0.3
    assert found.distribution.d50_nm.low is None
    assert found.distribution.d50_nm.high is None


def test_one_particle_alone_has_no_interval_of_the_population():
    found = sized(trackpy_table(1, 60))
    assert found.distribution.d50_nm.value > 0
    assert found.distribution.d50_nm.low is None
    assert len(found.particles) == 1


def test_one_particle_in_many_tracks_has_none_either():
    # one path of 600 positions cut into 40 tracks by gaps
    rng = np.random.default_rng(2)
    xy = simulate_tracks(4.0, 800, 0.04, 0.5, 0.05, rng)[0] / WATER.pixel_size_um
    frame = np.arange(800)
    seen = frame % 20 < 15
    table = pd.DataFrame({"particle": frame // 20, "frame": frame, "x": xy[:, 0], "y": xy[:, 1]})[
        seen
    ]
    found = sized(table)
    assert found.choices["independent_units"].value == 1
    assert found.distribution.d50_nm.low is None


def test_a_thousand_copies_of_one_track_are_one_track():
    one = trackpy_table(1, 30)
    many = pd.concat([one.assign(particle=i) for i in range(1000)], ignore_index=True)
    likelihoods = estimate_diffusion(many, WATER)
    assert likelihoods.rejected["copy"] == 999
    found = size(likelihoods, WATER, FEW)
    assert found.distribution.d50_nm.low is None
    alone = sized(one)
    assert found.distribution.d50_nm.value == pytest.approx(alone.distribution.d50_nm.value)


def test_few_particles_have_wide_intervals():
    """Three tracks of 20 steps know ln d to 1/sqrt(20 x 3) = 13 %; Student's t with two degrees
    of freedom asks for 4.3 of these on either side, so well over 50 % from end to end."""
    found = sized(trackpy_table(3, 21), SizingSettings(n_bootstrap=200)).distribution.d50_nm
    assert np.log(found.high / found.low) > 0.5


def test_a_flow_is_taken_off_tracks_of_others():
    table = trackpy_table(300, 12)
    flowing = table.assign(x=table["x"] + 4 * table["frame"])
    still, moving = (as_tracks(t, WATER).tracks for t in (table, flowing))
    one, two = (
        size(estimate_diffusion(with_flow(t, WATER), WATER), WATER, FEW) for t in (still, moving)
    )
    assert two.distribution.d50_nm.value == pytest.approx(one.distribution.d50_nm.value, rel=1e-3)
    naive = sized(flowing).distribution.d50_nm.value
    assert naive < 0.8 * two.distribution.d50_nm.value  # the test has teeth

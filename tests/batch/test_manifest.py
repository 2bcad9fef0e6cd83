"""A table of recordings: what it may look like, and every way in which it may be wrong."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from evsize.batch.manifest import MOST_PROBLEMS, ManifestError, read_manifest
from evsize.errors import UsageError

FULL = (
    "recording,name,sample,replicate,role,condition,dilution,pixel_size_um,medium\n"
    "a.tif,first,serum,1,sample,before,1e3,0.166,pbs\n"
    "\n"
    '"b,b.tif",,"serum; 2",2,BLANK,,,,\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for name in ("a.tif", "b.tif", "b,b.tif", "in/a.tif", "in/c.ome.tif"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def table(folder: Path, text: str, coding: str = "utf-8") -> Path:
    path = folder / "manifest.csv"
    path.write_bytes(text.encode(coding))
    return path


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_all_columns(folder: Path, coding: str, end: str) -> None:
    first, second = read_manifest(table(folder, FULL.replace("\n", end), coding))
    assert (first.name, first.sample, first.replicate, first.role) == (
        "first",
        "serum",
        "1",
        "sample",
    )
    assert first.path == folder / "a.tif"
    assert first.acquisition == {"dilution": 1000.0, "pixel_size_um": 0.166, "medium": "pbs"}
    assert (second.name, second.sample, second.role, second.row) == ("b,b", "serum; 2", "blank", 4)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_tables_of_spreadsheets(folder: Path, mark: str) -> None:
    text = f"Recording{mark}Sample{mark}\na.tif{mark}\xb5-EV{mark}\n"
    (one,) = read_manifest(table(folder, text, "cp1252"))
    assert one.sample == "\xb5-EV"


def test_what_is_left_out(folder: Path) -> None:
    (one,) = read_manifest(table(folder, "recording\nin/c.ome.tif\n"))
    assert (one.name, one.sample, one.replicate, one.role, one.condition) == (
        "c",
        "c",
        "",
        "sample",
        "",
    )
    assert not one.acquisition


@pytest.mark.parametrize("name", ["=1+1", "-EV", "<b>x</b>", "[red]x[/nope]", "@x"])
def test_names_of_samples_are_only_text(folder: Path, name: str) -> None:
    (one,) = read_manifest(table(folder, f"recording,sample\na.tif,{name}\n"))
    assert one.sample == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("recording\nnone.tif\n", "row 2, column recording: there is no"),
        ("recording\n\n,\na.tif\n,x\n", "row 5: more cells"),
        ("recording,sample\n,x\n", "row 2, column recording: is empty"),
        ("recording\na.tif\na.tif\n", "row 3, column recording: 'a.tif' is listed in row 2"),
        ("recording\na.tif\n./in/../a.tif\n", "row 3, column recording"),
        ("recording\na.tif\nin/a.tif\n", "would be written over that of row 2"),
        ("recording,name\na.tif,x\nb.tif,X\n", "row 3, column name: the result 'X'"),
        ("recording,name\na.tif,../x\n", "row 2, column name: a result cannot be called '../x'"),
        ("recording,name\na.tif,..\\x\n", "row 2, column name"),
        ("recording,name\na.tif,.x\n", "row 2, column name"),
        ("recording,name\na.tif,summary.csv\n", "row 2, column name"),
        (f"recording,name\na.tif,{'x' * 201}\n", "not too long"),
        ("recording,role\na.tif,control\n", "row 2, column role: 'control'; needed: sample, blank"),
        ("recording,dilution\na.tif,0.5\n", "row 2, column dilution: 0.5"),
        ("recording,dilution\na.tif,ten\n", "row 2, column dilution: 'ten' is no number"),
        ("recording,dilution\na.tif,nan\n", "row 2, column dilution"),
        ('recording,pixel_size_um\na.tif,"0,166"\n', "row 2, column pixel_size_um: '0,166' has a"),
        ("recording;dilution\na.tif;1,5\n", "row 2, column dilution: '1,5' has a comma"),
        ("recording,pixel_size_um\na.tif,0,166\n", "row 2: more cells than the header; a decimal"),
        ("recording,temprature_c\na.tif,22\n", "row 1: unknown column 'temprature_c'; did you"),
        ("recording,colour\na.tif,red\n", "row 1: unknown column 'colour'; known are"),
        ("recording,role,role\na.tif,,\n", "the column 'role' is there 2 times"),
        ("sample\nx\n", "the column 'recording' is missing"),
        ("", "the column 'recording' is missing"),
        ("recording\n", "lists no recordings"),
        ('recording\n"a.tif\n', "is no table"),
        ("recording,sample\na.tif,a\x1b[31m\n", "row 2, column sample"),
        ("recording\na\0.tif\n", "is not text"),
    ],
)
def test_what_can_be_wrong(folder: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_manifest(table(folder, text))
    assert words in str(caught.value)
    assert "manifest.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_problems_are_told_at_once(folder: Path) -> None:
    rows = "".join(f"none{n}.tif,0\n" for n in range(30))
    with pytest.raises(ManifestError) as caught:
        read_manifest(table(folder, f"recording,dilution\n{rows}"))
    assert len(caught.value.problems) == 60
    text = str(caught.value)
    assert f"and {60 - MOST_PROBLEMS} more" in text
    assert text.index("row 2,") < text.index("row 3,") < text.index("row 11,")
    assert str(pickle.loads(pickle.dumps(caught.value))) == text


def test_a_root_keeps_recordings_inside(folder: Path) -> None:
    path = table(folder / "in", "recording\n../b.tif\n")
    assert read_manifest(path)[0].path == folder / "b.tif"
    with pytest.raises(ManifestError, match="lies outside of"):
        read_manifest(path, root=folder / "in")
    (folder / "in" / "link.tif").symlink_to(folder / "b.tif")
    with pytest.raises(ManifestError, match="lies outside of"):
        read_manifest(table(folder, "recording\nlink.tif\n"), root=folder / "in")
    with pytest.raises(ManifestError, match="lies outside of"):
        read_manifest(table(folder, f"recording\n{folder}/b.tif\n"), root=folder / "in")
    assert read_manifest(table(folder, "recording\nin/a.tif\n"), root=folder)


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_manifest(tmp_path / "none.csv")


def test_how_the_sample_was_made(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch()
    table = tmp_path / "manifest.csv"
    table.write_text("recording,made_from,volume_ml,protein_ug,bead_nm\na.tif,raw,0.5,20,\n")
    (entry,) = read_manifest(table)
    made = entry.preparation
    assert (made.made_from, made.volume_ml, made.protein_ug, made.bead_nm) == ("raw", 0.5, 20, None)
    table.write_text("recording,volume_ml,protein_ug,bead_nm\na.tif,-1,much,nan\n")
    with pytest.raises(ManifestError) as error:
        read_manifest(table)
    for told in (
        "row 2, column volume_ml: -1 is not above 0",
        "row 2, column protein_ug: 'much' is no number",
        "row 2, column bead_nm: nan is not above 0",
    ):
        assert told in str(error.value)


def test_results_alone_need_no_recordings(tmp_path: Path) -> None:
    table = tmp_path / "manifest.csv"
    table.write_text("recording,sample\ngone.tif,plasma\n")
    with pytest.raises(ManifestError, match="there is no"):
        read_manifest(table)
    (entry,) = read_manifest(table, there=False)
    assert (entry.name, entry.sample) == ("gone", "plasma")

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from evsize.storage.formats import plain_cell, write_csv, write_parquet, write_xlsx
from evsize.tables import FRAMES, PARTICLES, TRACKS, Flag
from tests.contract import example


def test_csv_is_for_people(tmp_path: Path) -> None:
    table = example.frames().head(2)
    table.loc[0, ["background", "noise"]] = [123.456789012, np.inf]
    table.loc[1, "flags"] = int(Flag.SCENE_CUT | Flag.CORRUPT_FRAME)
    write_csv(table, tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    assert "123.4568," in text
    assert "corrupt_frame;scene_cut" in text
    assert "nan" not in text.lower()
    assert "inf" not in text.lower()
    back = pd.read_csv(tmp_path / "a.csv")
    assert list(back.columns) == FRAMES.names
    assert np.isnan(back.loc[0, "noise"])


def test_parquet_carries_units_and_nulls(tmp_path: Path) -> None:
    write_parquet(example.particles(), tmp_path / "a.parquet", PARTICLES)
    read = pq.read_table(tmp_path / "a.parquet")
    metadata = read.schema.field("d_um2_s").metadata
    assert metadata[b"unit"] == b"um^2/s"
    assert metadata[b"description"]
    assert json.loads(read.schema.metadata[b"flags"])["negative_d"] == int(Flag.NEGATIVE_D)
    assert read["diameter_high_nm"].null_count > 0
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(0).column(0).compression == (
        "ZSTD"
    )


def test_xlsx_holds_the_table_and_its_units(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("evsize.storage.formats._XLSX_ROWS", 300)
    table = example.particles()
    write_xlsx(table, tmp_path / "a.xlsx", PARTICLES)
    book = load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["particles", "particles_2", "particles_3", "columns"]
    rows = list(book["particles"].iter_rows(values_only=True))
    assert list(rows[0]) == PARTICLES.names
    assert rows[5][3] == pytest.approx(table["diameter_nm"][4], rel=1e-14)
    undefined = int(np.flatnonzero(table["diameter_high_nm"].isna())[0])
    assert rows[undefined + 1][5] is None
    assert ("d_um2_s", "um^2/s", PARTICLES.columns[6].description) in list(
        book["columns"].iter_rows(values_only=True)
    )
    book.close()


def test_tables_of_nothing(tmp_path: Path) -> None:
    empty = TRACKS.empty()
    write_csv(empty, tmp_path / "a.csv")
    write_xlsx(empty, tmp_path / "a.xlsx", TRACKS)
    write_parquet(empty, tmp_path / "a.parquet", TRACKS)
    assert (tmp_path / "a.csv").read_text().strip() == ",".join(TRACKS.names)
    assert pd.read_parquet(tmp_path / "a.parquet").empty


def test_formulas_stay_text(tmp_path: Path) -> None:
    for text in ("=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "\r=1"):
        assert plain_cell(text) == f"'{text}"
    assert plain_cell("a=b") == "a=b"

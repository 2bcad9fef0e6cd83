"""Declared tables and their flags."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from evsize.errors import EvsizeError
from evsize.tables import FLAG_MEANING, FRAMES, PARTICLES, SCHEMAS, Flag, flag_names

# the unit that each ending of a name stands for
ENDINGS = {
    "_nm": "nm",
    "_um": "um",
    "_px": "px",
    "_s": "s",
    "_um2_s": "um^2/s",
    "_um_s": "um/s",
    "_per_ml": "1/mL",
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
class TestEverySchema:
    def test_names_carry_their_units(self, schema):
        for column in schema:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
            assert column.description
            assert column.dtype in ("int64", "float64", "uint32")
            ending = max((e for e in ENDINGS if column.name.endswith(e)), key=len, default=None)
            if ending:
                assert column.unit == ENDINGS[ending], column.name
            else:
                assert column.unit in ("", "grey levels"), column.name
        assert len(set(schema.names)) == len(schema.names)

    def test_nothing_is_every_column_and_no_row(self, schema):
        table = schema.empty()
        assert list(table.columns) == schema.names
        assert len(table) == 0
        assert [str(t) for t in table.dtypes] == [column.dtype for column in schema]
        pd.testing.assert_frame_equal(schema.validate(table), table)

    def test_build_casts_and_validate_orders(self, schema):
        table = schema.build(**{name: [1, 2] for name in schema.names})
        assert [str(t) for t in table.dtypes] == [column.dtype for column in schema]
        mixed = table[schema.names[::-1]].assign(extra=0)
        pd.testing.assert_frame_equal(schema.validate(mixed), table)

    def test_a_missing_column_is_named(self, schema):
        name = schema.names[-1]
        with pytest.raises(EvsizeError, match=name):
            schema.validate(schema.empty().drop(columns=name))
        with pytest.raises(EvsizeError, match=schema.name):
            schema.build(**{schema.names[0]: []})

    def test_an_unknown_column_is_refused(self, schema):
        with pytest.raises(EvsizeError, match="colour"):
            schema.build(**{name: [] for name in [*schema.names, "colour"]})


def test_build_copies_nothing_of_the_callers_order():
    table = PARTICLES.build(**{name: np.arange(3) for name in reversed(PARTICLES.names)})
    assert list(table.columns) == PARTICLES.names


def test_flags_fit_their_column_and_have_a_meaning():
    assert set(FLAG_MEANING) == set(Flag)
    for flag in Flag:
        assert flag.value.bit_count() == 1
        assert np.uint32(flag) == flag.value
    assert "uint32" in {column.dtype for column in FRAMES if column.name == "flags"}


def test_flag_names():
    assert flag_names(0) == ""
    assert flag_names(int(Flag.EDGE | Flag.WEAK)) == "edge;weak"
    assert flag_names(int(Flag.FILLED | Flag.NEGATIVE_D)) == "filled;negative_d"

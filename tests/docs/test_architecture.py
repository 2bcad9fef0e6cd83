"""The picture of the house and the house are the same."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = {
    f"{path.name}/" if path.is_dir() else path.name
    for path in (ROOT / "evsize").iterdir()
    if (path.is_dir() or path.suffix == ".py") and not path.name.startswith("__")
}
NAMED = set(re.findall(r"`(?:evsize/)?(\w+(?:/|\.py))`", PAGE))
ELSEWHERE = {"__init__.py", "benchmarks/", "docs/"}


def test_every_room_is_named_and_every_room_named_is_there() -> None:
    assert len(ROOMS) > 20
    assert not ROOMS - NAMED
    assert not NAMED - ROOMS - ELSEWHERE


@pytest.mark.parametrize(
    ("room", "registry"),
    [("recording", "READERS"), ("detection", "ENGINES"), ("qc", "RULES"), ("physics", "MEDIA")],
)
def test_registries_stand_where_the_page_says(room: str, registry: str) -> None:
    assert re.search(rf"`{room}(?:/|\.py)`[^|]*`{registry}`|`{registry}` in `{room}\.py`", PAGE)
    assert len(getattr(import_module(f"evsize.{room}"), registry)) > 1

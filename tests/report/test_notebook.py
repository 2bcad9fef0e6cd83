"""The example notebook of the documentation: executed, and its code still runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.contract import example

NOTEBOOK = ROOT / "docs" / "example.ipynb"


@pytest.fixture
def cells() -> list[dict[str, Any]]:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


def test_it_was_executed(cells: list[dict[str, Any]]) -> None:
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [output["output_type"] for cell in cells for output in cell["outputs"]]
    assert "error" not in kinds
    assert str(Path.home()) not in NOTEBOOK.read_text(encoding="utf-8")


def test_its_code_runs(
    cells: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the sizing replaced by the example, for speed."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    monkeypatch.setattr("evsize.pipeline.run", lambda *_, **__: example.result())
    monkeypatch.chdir(NOTEBOOK.parent)
    names: dict[str, Any] = {}
    plt.close("all")
    with mpl.rc_context({"backend": "agg"}):
        for cell in cells:
            exec("".join(cell["source"]), names)
        assert len(plt.get_fignums()) == 3
        plt.close("all")
    printed = capsys.readouterr().out
    assert "median 102.4" in printed
    assert "distribution.svg" in printed

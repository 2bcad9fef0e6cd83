"""Every public function says what it takes and what it gives."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from tests.conftest import ROOT

NAMES = re.findall(r"^::: (\S+)", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.M)


def public(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


FUNCTIONS = [name for name in NAMES if inspect.isfunction(public(name))]


def left_out(function: Callable[..., Any]) -> list[str]:
    """Parameters that the docstring does not list, and whether it says what is returned."""
    said = inspect.getdoc(function) or ""
    listed = re.findall(r"^[*]*(\w+(?:, \w+)*)(?: :|$)", said, re.M)
    words = {word for line in listed for word in line.split(", ")}
    missing = [name for name in inspect.signature(function).parameters if name not in words]
    return missing if "Returns\n---" in said else [*missing, "Returns"]


def test_functions_are_found() -> None:
    assert len(FUNCTIONS) > 10


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_is_described(name: str) -> None:
    assert left_out(public(name)) == []


def test_the_gate_bites() -> None:
    def silent(speed_um_s: float) -> float:
        """Half of speed_um_s, without a word on it."""
        return speed_um_s / 2

    assert left_out(silent) == ["speed_um_s", "Returns"]

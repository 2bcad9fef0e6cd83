"""Values that every result is made of: a setting with its source, a figure with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]

Progress = Callable[[str, int, int], None]
"""Called with the name of the stage, the steps done and their number."""


class Model(BaseModel):
    """A frozen value that is also a part of ``result.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(Model):
    """A setting with its unit and where it came from."""

    value: float | int | str | bool | None
    unit: str = ""
    source: str = ""


def numbers(values: Mapping[str, Value], *names: str) -> list[float] | None:
    """Numbers among the values, in the order of their names; None if one is missing."""
    found = [values[name].value for name in names if name in values]
    known = [float(value) for value in found if isinstance(value, int | float)]
    return known if len(known) == len(names) else None


class Estimate(Model):
    """A figure with its 95 % interval; None is "undefined"."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    def __float__(self) -> float:
        return float("nan") if self.value is None else self.value

    def __format__(self, spec: str) -> str:
        if self.value is None:
            return "undefined"
        text = format(self.value, spec)
        if self.low is None or self.high is None:
            return text
        return f"{text} ({format(self.low, spec)} to {format(self.high, spec)})"

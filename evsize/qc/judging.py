"""What a rule says, and the comparisons that all rules share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evsize.results import Status

Limits = Mapping[str, Any]


@dataclass(frozen=True)
class Judgement:
    """What one rule found; the rest of a finding is the same for all.

    Attributes
    ----------
    status : str
    measured : float, str or None
    limit, unit : str
        What `measured` was held against.
    message : str
        What was found, in words.
    advice : str
        What to do about it, where that is more than the rule says of itself.
    """

    status: Status
    measured: float | str | None = None
    limit: str = ""
    unit: str = ""
    message: str = ""
    advice: str = ""


def above(value: float, warn: float, fail: float = math.inf) -> Status:
    """Judge a figure that should be small; NaN fails."""
    return "pass" if value <= warn else "warn" if value <= fail else "fail"


def below(value: float, warn: float, fail: float = -math.inf) -> Status:
    """Judge a figure that should be large; NaN fails."""
    return "pass" if value >= warn else "warn" if value >= fail else "fail"


def worst(*statuses: Status) -> Status:
    """Return the worst of several: fail, warn or pass."""
    return "fail" if "fail" in statuses else "warn" if "warn" in statuses else "pass"


def no_data(message: str, advice: str = "") -> Judgement:
    """Say that a figure which the rule needs is not there."""
    return Judgement("no_data", message=message, advice=advice)


def not_applicable(message: str) -> Judgement:
    """Say that the question does not arise here."""
    return Judgement("not_applicable", message=message)


def at_most(limits: Limits, scale: float = 1.0) -> str:
    """Write an upper limit: ``<= 1, fail over 5``."""
    text = f"<= {scale * limits['warn_above']:g}"
    return f"{text}, fail over {scale * limits['fail_above']:g}" if "fail_above" in limits else text


def at_least(limits: Limits) -> str:
    """Write a lower limit: ``>= 30, fail under 5``."""
    text = f">= {limits['warn_below']:g}"
    return f"{text}, fail under {limits['fail_below']:g}" if "fail_below" in limits else text

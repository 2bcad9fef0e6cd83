"""Profiles: the limits of the rules, built in or a user's own."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from evsize.errors import UsageError
from evsize.qc.named import LIMITS, TEXTS, named_figure
from evsize.qc.registry import RULES, UNWAIVABLE, Rule
from evsize.settings import read_toml

BASE = "general"
ORDERED = (
    ("fail_below", "warn_below"),
    ("warn_above", "fail_above"),
    ("low", "high"),
    ("fail_below", "low"),
    ("warn_above_percent", "fail_above_percent"),
    ("truncated_warn_above", "truncated_fail_above"),
    ("ambiguous_warn_above", "ambiguous_fail_above"),
)
"""Limits of which the first may not exceed the second."""


@dataclass(frozen=True)
class Profile:
    """Limits by rule.

    Attributes
    ----------
    name : str
        A built-in one's, or the path of a file.
    limits : dict of str to dict
        By rule; each has a ``source``.
    waived : dict of str to str
        Rules that do not count, with the reason.
    added : dict of str to Rule
        Rules that only this profile has.
    """

    name: str
    limits: Mapping[str, Mapping[str, Any]]
    waived: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def rules(self) -> dict[str, Rule]:
        """All rules that it judges by."""
        return {**RULES, **self.added}


def built_in() -> list[str]:
    """Names of the built-in profiles."""
    folder = files("evsize.qc") / "profiles"
    endings = [entry.name for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return sorted(name.removesuffix(".toml") for name in endings)


def load_profile(name: str) -> Profile:
    """Read a profile.

    Parameters
    ----------
    name : str
        A built-in one, or the path of a TOML file that changes one: tables named after rules set
        their limits, ``[waive]`` names rules that do not count and the reason, ``[add.NAME]``
        adds a rule on a figure of the stages.

    Raises
    ------
    UsageError
        If there is no such profile, or what is wrong with it.
    """
    known = built_in()
    if name in known:
        return _changed(name, _packaged(name)) if name != BASE else Profile(name, _packaged(name))
    if not name.endswith(".toml"):
        raise UsageError(
            f"unknown quality profile '{name}'", f"one of {', '.join(known)}, or a TOML file"
        )
    return _changed(name, read_toml(Path(name)))


def _packaged(name: str) -> dict[str, Any]:
    path = files("evsize.qc") / "profiles" / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _changed(name: str, changes: dict[str, Any]) -> Profile:
    """Lay changes over the profile that they extend."""
    parent = changes.pop("extends", BASE)
    if parent not in built_in() or parent == name:
        raise UsageError(
            f"{name}: extends = {parent!r}", f"a built-in profile: {', '.join(built_in())}"
        )
    base = load_profile(parent)
    waive, add = changes.pop("waive", {}), changes.pop("add", {})
    problem = next(_problems(changes, waive, add, base), None)
    if problem is not None:
        raise UsageError(f"{name}: {problem}", advice="see docs/qc_rules.md")
    limits = {rule: dict(values) for rule, values in base.limits.items()}
    for rule, values in changes.items():
        own = {"source": f"profile {Path(name).stem}"} | values
        limits[rule] = limits.get(rule, {}) | own
    for rule, values in add.items():
        limits[rule] = {"source": f"profile {Path(name).stem}"} | values
    added = {rule: _named(rule, values) for rule, values in add.items()}
    return Profile(name, limits, dict(waive), added)


def _named(name: str, values: Mapping[str, Any]) -> Rule:
    return Rule(named_figure, required=values.get("required", False), called=name)


def _problems(changes: Any, waive: Any, add: Any, base: Profile) -> Iterator[str]:
    """Say in a sentence each what is wrong."""
    for rule, values in changes.items():
        if rule not in RULES:
            yield f"there is no rule '{rule}'{_near(rule, RULES)}"
        elif not isinstance(values, dict):
            yield f"'{rule}' must be a table of limits, as in [{rule}]"
        else:
            allowed = {*base.limits.get(rule, {}), *RULES[rule].may_have, "source"}
            yield from _limit_problems(rule, values, allowed, base.limits.get(rule, {}))
    if not isinstance(waive, dict):
        yield "'waive' must be a table, as in [waive]"
        return
    for rule, reason in waive.items():
        if rule not in RULES:
            yield f"[waive] there is no rule '{rule}'{_near(rule, RULES)}"
        elif rule in UNWAIVABLE:
            yield f"[waive] '{rule}' cannot be waived: without it there is no size"
        elif not isinstance(reason, str) or not reason.strip():
            yield f"[waive] '{rule}' needs a reason, as text"
    if not isinstance(add, dict):
        yield "'add' must hold tables, as in [add.my_rule]"
        return
    for rule, values in add.items():
        yield from _added_problems(rule, values)


def _added_problems(rule: str, values: Any) -> Iterator[str]:
    if rule in RULES or not re.fullmatch(r"[a-z][a-z0-9_]*", rule):
        yield f"[add.{rule}] a new rule needs a new name of small letters, digits and _"
    elif not isinstance(values, dict) or not isinstance(values.get("diagnostic"), str):
        yield f"[add.{rule}] needs diagnostic = the name of a figure in result.json"
    elif not set(values) & set(LIMITS):
        yield f"[add.{rule}] needs one of {', '.join(LIMITS)}"
    elif not isinstance(values.get("required", False), bool):
        yield f"[add.{rule}] required must be true or false"
    else:
        known = {*LIMITS, *TEXTS, "required"}
        numbers = {key: value for key, value in values.items() if key != "required"}
        yield from _limit_problems(f"add.{rule}", numbers, known, {})


def _limit_problems(
    rule: str, values: Mapping[str, Any], allowed: set[str], before: Mapping[str, Any]
) -> Iterator[str]:
    for key, value in values.items():
        if key not in allowed:
            yield f"[{rule}] there is no '{key}'{_near(key, allowed)}"
        elif key in TEXTS:
            if not isinstance(value, str):
                yield f"[{rule}] {key} must be text"
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield f"[{rule}] {key} must be a number"
        elif not math.isfinite(value):
            yield f"[{rule}] {key} must be finite"
    whole = {**before, **values}
    for small, large in ORDERED:
        if small in whole and large in whole and whole[small] > whole[large]:
            yield f"[{rule}] {small} = {whole[small]:g} is above {large} = {whole[large]:g}"


def _near(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(sorted(known))}"

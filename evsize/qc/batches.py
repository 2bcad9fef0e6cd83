"""The quality rules about a whole batch: equal settings, temperature, bead standard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from evsize.qc.groups import BatchEvidence, Member, by_unit
from evsize.qc.judging import Judgement, Limits, above, at_most, no_data, not_applicable

AGREEMENT = 0.01
"""Relative difference of two numbers that counts as none."""
ALONE = "There is one recording only."
SAME_OPTICS = ("pixel_size_um",)
"""What beads must share with the samples; their exposure and camera level may differ."""


def equal_settings(evidence: BatchEvidence, _: Limits) -> Judgement:
    """Were all recordings made and analysed alike?

    Numbers of recordings made differently cannot be compared: film, or analyse, them again
    alike.
    """
    compared = evidence.of_role("sample", "blank")
    beads = evidence.of_role("beads")
    if len(compared) + len(beads) < 2:
        return not_applicable(ALONE)
    first, *others = compared or beads
    differing = [_first_difference(first, one) for one in others]
    differing += [_first_difference(first, one, SAME_OPTICS) for one in beads if compared]
    found = [text for text in differing if text]
    return Judgement(
        "fail" if found else "pass",
        measured=len(found),
        limit="0",
        unit="recordings that differ",
        message=found[0] if found else "All recordings were made and analysed alike.",
    )


def _first_difference(first: Member, other: Member, names: Sequence[str] = ()) -> str:
    for name in names or dict.fromkeys([*first.settings, *other.settings]):
        one, two = first.settings.get(name), other.settings.get(name)
        if not _same(one, two):
            return (
                f"{name.removesuffix('_um').replace('_', ' ') if name in SAME_OPTICS else name} is "
                f"{_spelled(one)} in {first.name} and {_spelled(two)} in {other.name}."
            )
    return ""


def _same(one: Any, two: Any) -> bool:
    numbers = isinstance(one, float) and isinstance(two, int | float)
    return math.isclose(one, two, rel_tol=AGREEMENT) if numbers else bool(one == two)


def _spelled(value: Any) -> str:
    return (
        "not given" if value is None else f"{value:.6g}" if isinstance(value, float) else f"{value}"
    )


def steady_temperature(evidence: BatchEvidence, limits: Limits) -> Judgement:
    """Were all recordings made at the same temperature?

    Each recording is sized at its own temperature, but one that changes makes the liquid
    stream: let the cell settle before filming.
    """
    if len(evidence.members) < 2:
        return not_applicable(ALONE)
    known: Mapping[str, float] = {
        one.name: one.temperature_c for one in evidence.members if one.temperature_c is not None
    }
    if len(known) < len(evidence.members):
        return no_data("The temperature of some recordings is not known.")
    coldest, warmest = (pick(known, key=known.__getitem__) for pick in (min, max))
    change = known[warmest] - known[coldest]
    message = f"The temperature changes by {change:.2g} K"
    if change > 0:
        message += f", from {known[coldest]:g} degC ({coldest}) to {known[warmest]:g} ({warmest})"
    return Judgement(
        above(change, limits["warn_above"]),
        measured=change,
        limit=at_most(limits),
        unit="K",
        message=f"{message}.",
    )


def bead_standard(evidence: BatchEvidence, limits: Limits) -> Judgement:
    """Does the bead standard read its nominal size?

    Check pixel size, frame rate, temperature and focus, and the age of the beads.
    """
    beads = evidence.of_role("beads")
    if not beads:
        return not_applicable("No bead standard was given.")
    off = {}
    for nominal in dict.fromkeys(one.preparation.bead_nm for one in beads):
        if nominal is None:
            return no_data("The nominal size of the beads is not given.", "Give bead_nm, in nm.")
        same = [one for one in beads if one.preparation.bead_nm == nominal]
        found = [
            fmean(sizes)
            for group in by_unit(same)
            if (sizes := [one.d50_nm for one in group if one.d50_nm is not None])
        ]
        if not found:
            return no_data(f"No bead of {nominal:g} nm was sized.")
        off[nominal] = round(100 * (fmean(found) / nominal - 1), 6)  # 110 of 100 is 10 %
    nominal = max(off, key=lambda size: abs(off[size]))
    change = off[nominal]
    return Judgement(
        above(abs(change), limits["warn_above_percent"], limits["fail_above_percent"]),
        measured=change,
        limit=f"within {limits['warn_above_percent']:g}, fail beyond "
        f"{limits['fail_above_percent']:g}",
        unit="%",
        message=f"Beads of {nominal:g} nm read {nominal * (1 + change / 100):.3g} nm, off by "
        f"{change:+.2g} %.",
    )

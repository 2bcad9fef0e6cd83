"""The quality rules about the recordings of one sample: replicates, blank, isolation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from evsize.qc.groups import Member, SampleEvidence, by_unit
from evsize.qc.judging import (
    Judgement,
    Limits,
    above,
    at_least,
    at_most,
    below,
    no_data,
    not_applicable,
)

ONE = "There is one replicate only."


def replicates(evidence: SampleEvidence, limits: Limits) -> Judgement:
    """Are there enough replicates to know how far they differ?

    Film three to five recordings of 60 s, fresh sample in the cell for each.
    """
    if not evidence.grouped:
        return not_applicable("Which recordings belong to one sample was not said.")
    n = len(evidence.replicates)
    left_out = [one.name for one in evidence.members if one.verdict == "fail"]
    message = f"{n} replicate{'s' if n != 1 else ''} can be used."
    if left_out:
        message += f" Left out, their own verdict is fail: {', '.join(left_out)}."
    return Judgement(
        below(n, limits["warn_below"], limits["fail_below"]),
        measured=n,
        limit=at_least(limits),
        unit="replicates",
        message=message,
    )


def replicate_counts(evidence: SampleEvidence, limits: Limits) -> Judgement:
    """Do the replicates hold equally many particles?

    Mix well, rinse the cell, film at the same place.
    """
    if len(evidence.replicates) < 2:
        return not_applicable(ONE)
    counts, what = _counts(evidence.replicates)
    return _spread(counts, limits, what)


def _counts(replicates: Sequence[Sequence[Member]]) -> tuple[list[float], str]:
    """Concentration of each replicate; relative ones where the depth is not known."""
    known = [
        [one.concentration_per_ml for one in group if one.concentration_per_ml is not None]
        for group in replicates
    ]
    if all(known):
        return [fmean(values) for values in known], "concentration"
    seen = [fmean(one.seen_per_mm2 * one.dilution for one in group) for group in replicates]
    return seen, "number of particles in view times the dilution"


def replicate_sizes(evidence: SampleEvidence, limits: Limits) -> Judgement:
    """Do the replicates show the same size?

    Mix well; look for clumps or settling.
    """
    if len(evidence.replicates) < 2:
        return not_applicable(ONE)
    modes = [
        fmean(found)
        for group in evidence.replicates
        if (found := [one.mode_nm for one in group if one.mode_nm is not None])
    ]
    if len(modes) < 2:
        return no_data("Fewer than two replicates have a mode.")
    return _spread(modes, limits, "most frequent size")


def _spread(values: Sequence[float], limits: Limits, what: str) -> Judgement:
    mean = fmean(values)
    cv = stdev(values) / mean if mean > 0 else math.nan
    return Judgement(
        above(100 * cv, limits["warn_above_percent"]),
        measured=100 * cv,
        limit=f"<= {limits['warn_above_percent']:g}",
        unit="% (standard deviation over mean)",
        message=f"The {what} of {len(values)} replicates spreads by {100 * cv:.2g} %.",
    )


def blank_share(evidence: SampleEvidence, limits: Limits) -> Judgement:
    """Does the sample hold far more particles than the blank?

    Filter the diluent and rinse the cell; dilute the sample less.
    """
    if not evidence.blanks:
        return not_applicable("No blank was given.")
    if not evidence.usable:
        return no_data("No recording of the sample can be used.")
    seen = fmean(one.seen_per_mm2 for one in evidence.usable)
    blank = fmean(one.seen_per_mm2 for one in evidence.blanks)
    if not seen > 0:
        return no_data("Nothing was seen in the sample.")
    share = blank / seen
    return Judgement(
        above(share, limits["warn_above"], limits["fail_above"]),
        measured=100 * share,
        limit=at_most(limits, 100),
        unit="% of the sample's particles",
        message=f"The blank shows {100 * share:.2g} % as many particles as the sample, both as "
        "filmed.",
    )


def recovery(evidence: SampleEvidence, limits: Limits) -> Judgement:
    """Which share of the particles is left after isolation?

    Compare with your other preparations; check volumes and dilutions.
    """
    if not any(one.preparation.made_from for one in evidence.members):
        return not_applicable("The manifest does not say what the sample was made from.")
    after, before = _mean_amount(evidence.usable), _mean_amount(evidence.sources)
    if after is None or not before:
        return no_data(
            "Concentration or volume of the sample, or of what it was made from, is not known.",
            "Give volume_ml of both, and film with a calibrated depth.",
        )
    return _reported(
        100 * after / before,
        limits,
        "%",
        f"{100 * after / before:.3g} % of the particles are left after isolation.",
    )


def particles_per_protein(evidence: SampleEvidence, limits: Limits) -> Judgement:
    """How many particles are there for each microgram of protein?

    Compare with your other preparations; check the protein assay, volumes and dilutions.
    """
    given = [one for one in evidence.usable if one.preparation.protein_ug]
    if not any(one.preparation.protein_ug for one in evidence.members):
        return not_applicable("The manifest gives no protein.")
    ratios = [
        one.amount / one.preparation.protein_ug
        for one in given
        if one.amount is not None and one.preparation.protein_ug
    ]
    if not ratios:
        return no_data(
            "The concentration or the volume of the sample is not known.",
            "Give volume_ml beside protein_ug, and film with a calibrated depth.",
        )
    ratio = fmean(ratios)
    return _reported(
        ratio, limits, "particles/ug", f"There are {ratio:.2g} particles for each ug of protein."
    )


def dilution_linearity(evidence: SampleEvidence, limits: Limits) -> Judgement:
    """Does twice the dilution show half the particles?

    Dilute into the range in which it does; check the pipetting.
    """
    groups: dict[float, list[Member]] = {}
    for one in evidence.usable:
        groups.setdefault(one.dilution, []).append(one)
    if len(groups) < 2:
        return not_applicable("The recordings have one dilution only.")
    seen = {dilution: _in_cell(members) for dilution, members in groups.items()}
    if not all(seen.values()):
        return no_data("At one of the dilutions nothing was seen.")
    x = [-math.log(dilution) for dilution in seen]
    y = [math.log(value) for value in seen.values()]
    middle = fmean(x)
    slope = sum((a - middle) * b for a, b in zip(x, y, strict=True))
    slope /= sum((a - middle) ** 2 for a in x)
    return _reported(
        slope,
        limits,
        "",
        f"Over {len(groups)} dilutions from {min(groups):g}x to {max(groups):g}x the number seen "
        f"goes as the concentration to the power of {slope:.3g}; 1 is right.",
    )


def _in_cell(members: Sequence[Member]) -> float:
    """Particles as filmed, mean over replicates; concentrations where all are known."""
    values = []
    for group in by_unit(members):
        known = [one.concentration_per_ml for one in group if one.concentration_per_ml is not None]
        if len(known) < len(group):
            return fmean(one.seen_per_mm2 for one in members)
        values.append(fmean(known) / group[0].dilution)
    return fmean(values)


def _mean_amount(members: Sequence[Member]) -> float | None:
    """Particles in the whole sample, mean over its replicates."""
    means = [
        fmean(known)
        for group in by_unit(members)
        if (known := [one.amount for one in group if one.amount is not None])
    ]
    return fmean(means) if means else None


def _reported(value: float, limits: Limits, unit: str, message: str) -> Judgement:
    """Report a figure; only a profile that sets limits judges it."""
    low, high = limits.get("low", -math.inf), limits.get("high", math.inf)
    parts = [f">= {low:g}" if "low" in limits else "", f"<= {high:g}" if "high" in limits else ""]
    return Judgement(
        "pass" if low <= value <= high else "warn",
        measured=value,
        limit=" and ".join(part for part in parts if part) or "reported",
        unit=unit,
        message=message,
    )

"""The quality rules about how much there is: tracks, time, particles, sizes in range."""

from __future__ import annotations

import math

from evsize.qc.evidence import Evidence
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
from evsize.results import Status

INSIDE = 2.0
"""How far from the end of a range of concentrations a dilution is advised to lead."""


def something_to_size(evidence: Evidence, _: Limits) -> Judgement:
    """Is there anything to size at all?

    Right for a blank. Otherwise check focus, laser and dilution.
    """
    found = evidence.n_used > 0
    return Judgement(
        "pass" if found else "fail",
        measured=evidence.n_used,
        limit="at least 1",
        unit="tracks",
        message="Particles were found." if found else "No particle was found.",
    )


def tracks_used(evidence: Evidence, limits: Limits) -> Judgement:
    """Are there enough tracks for a distribution?

    Film longer, film more positions, or dilute less.
    """
    return Judgement(
        below(evidence.n_used, limits["warn_below"], limits["fail_below"]),
        measured=evidence.n_used,
        limit=at_least(limits),
        unit="tracks",
        message=f"{evidence.n_used} tracks carry a size.",
    )


def tracks_share(evidence: Evidence, limits: Limits) -> Judgement:
    """Is a good part of the tracks long enough to be used?

    Most tracks are too short: dilute more, look for a flow or a thin layer of light.
    """
    if not evidence.n_tracks:
        return no_data("Nothing was followed from one frame to the next.")
    share = evidence.n_used / evidence.n_tracks
    return Judgement(
        below(share, limits["warn_below"]),
        measured=share,
        limit=at_least(limits),
        message=f"{evidence.n_used} of {evidence.n_tracks} tracks are long enough to be used.",
    )


def duration(evidence: Evidence, limits: Limits) -> Judgement:
    """Is the recording long enough?

    Record 30 to 60 s.
    """
    if evidence.duration_s is None:
        return no_data("The frame rate is not known.")
    return Judgement(
        below(evidence.duration_s, limits["warn_below"], limits["fail_below"]),
        measured=evidence.duration_s,
        limit=at_least(limits),
        unit="s",
        message=f"The recording lasts {evidence.duration_s:.3g} s.",
    )


def particles_per_frame(evidence: Evidence, limits: Limits) -> Judgement:
    """Is the sample neither too thin nor too crowded?

    Dilute more where it is crowded; dilute less, or film longer, where it is thin.
    """
    n = evidence.particles_per_frame
    if n is None:
        return no_data("No frame was analysed.")
    low, high = limits["low"], limits["high"]
    status: Status = "fail" if n < limits["fail_below"] else "pass" if low <= n <= high else "warn"
    advice = "Dilute less, or film longer."
    if n > high:
        advice = f"Dilute about {n / math.sqrt(low * high):.1f}x more."
    return Judgement(
        status,
        measured=n,
        limit=f"{low:g} to {high:g}, fail under {limits['fail_below']:g}",
        unit="particles a frame",
        message=f"{n:.3g} particles are followed in a frame.",
        advice=advice,
    )


def cell_concentration(evidence: Evidence, limits: Limits) -> Judgement:
    """Is the concentration in the cell in the range in which counts are proportional?

    Dilute by the factor that is told.
    """
    n, low, high = evidence.cell_per_ml, limits["low"], limits["high"]
    if n is None:
        reason = evidence.no_concentration
        return not_applicable(f"The concentration is not known{f': {reason}' if reason else ''}.")
    # well inside the range, and no further: what is thinner than need be is counted worse
    more, less = INSIDE * n / high, INSIDE * low / max(n, 1.0)
    return Judgement(
        "pass" if low <= n <= high else "warn",
        measured=n,
        limit=f"{low:.0e} to {high:.0e}".replace("e+0", "e"),
        unit="particles/mL",
        message=f"As filmed there are {n:.2g} particles in a mL.",
        advice=f"Dilute about {more:.2g}x more." if n > high else f"Dilute about {less:.2g}x less.",
    )


def outside_range(evidence: Evidence, limits: Limits) -> Judgement:
    """Are the sizes within the range that is looked for?

    Widen the range ([sizing] min_diameter_nm, max_diameter_nm); check pixel size, frame rate
    and exposure; look for stuck particles.
    """
    share = evidence.figures.get("outside_range_share")
    if share is None:
        return no_data("No track carries a size.")
    return Judgement(
        above(share, limits["warn_above"], limits["fail_above"]),
        measured=100 * share,
        limit=at_most(limits, 100),
        unit="% of tracks",
        message=f"{100 * share:.2g} % of the tracks fit best at an end of the range of sizes.",
    )

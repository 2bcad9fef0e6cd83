"""The quality rules: one function each; limits come from the profile.

A rule's docstring says what it asks. It returns a status, the value measured and words for a
biologist; the registry at the end is the list of all rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evsize.qc.damage import DAMAGE_RULES
from evsize.qc.evidence import Evidence
from evsize.results import Finding, Status

Limits = Mapping[str, Any]
Rule = Callable[[Evidence, Limits], Finding]

OWN_FRAMES = (
    "Is this film compressed, resampled, stabilised, or are frames missing? Use the camera's own "
    "frames with their own times."
)


def _above(value: float, warn: float, fail: float = math.inf) -> Status:
    return "pass" if value <= warn else "warn" if value <= fail else "fail"  # NaN fails


def _below(value: float, warn: float, fail: float = -math.inf) -> Status:
    return "pass" if value >= warn else "warn" if value >= fail else "fail"  # NaN fails


def _no_data(rule: str, message: str) -> Finding:
    return Finding(rule=rule, status="no_data", message=message)


def something_to_size(evidence: Evidence, _: Limits) -> Finding:
    """Is there anything to size at all?"""
    found = evidence.n_used > 0
    return Finding(
        rule="something_to_size",
        status="pass" if found else "fail",
        measured=evidence.n_used,
        limit="at least 1",
        unit="tracks",
        message="Particles were found." if found else "No particle was found.",
        advice="" if found else "Right for a blank. Otherwise check focus, laser and dilution.",
    )


def tracks_used(evidence: Evidence, limits: Limits) -> Finding:
    """Are there enough tracks for a distribution?"""
    status = _below(evidence.n_used, limits["warn_below"], limits["fail_below"])
    return Finding(
        rule="tracks_used",
        status=status,
        measured=evidence.n_used,
        limit=f">= {limits['warn_below']:g}, fail under {limits['fail_below']:g}",
        unit="tracks",
        message=f"{evidence.n_used} tracks carry a size.",
        advice="" if status == "pass" else "Film longer, film more positions, or dilute less.",
    )


def duration(evidence: Evidence, limits: Limits) -> Finding:
    """Is the recording long enough?"""
    if evidence.duration_s is None:
        return _no_data("duration", "The frame rate is not known.")
    status = _below(evidence.duration_s, limits["warn_below"], limits["fail_below"])
    return Finding(
        rule="duration",
        status=status,
        measured=evidence.duration_s,
        limit=f">= {limits['warn_below']:g}, fail under {limits['fail_below']:g}",
        unit="s",
        message=f"The recording lasts {evidence.duration_s:.3g} s.",
        advice="" if status == "pass" else "Record 30 to 60 s.",
    )


def particles_per_frame(evidence: Evidence, limits: Limits) -> Finding:
    """Is the sample neither too thin nor too crowded?"""
    n = evidence.particles_per_frame
    if n is None:
        return _no_data("particles_per_frame", "No frame was analysed.")
    low, high = limits["low"], limits["high"]
    status: Status = "fail" if n < limits["fail_below"] else "pass" if low <= n <= high else "warn"
    advice = ""
    if n > high:
        advice = f"Dilute about {n / math.sqrt(low * high):.1f}x more."
    elif n < low:
        advice = "Dilute less, or film longer." if n else "Right for a blank."
    return Finding(
        rule="particles_per_frame",
        status=status,
        measured=n,
        limit=f"{low:g} to {high:g}, fail under {limits['fail_below']:g}",
        unit="particles a frame",
        message=f"{n:.3g} particles are followed in a frame.",
        advice=advice,
    )


def false_detections(evidence: Evidence, limits: Limits) -> Finding:
    """Does noise alone look like particles?"""
    n = evidence.false_detections_per_frame
    if n is None:
        return _no_data("false_detections", "No frame was analysed.")
    status = _above(n, limits["warn_above"], limits["fail_above"])
    return Finding(
        rule="false_detections",
        status=status,
        measured=n,
        limit=f"<= {limits['warn_above']:g}, fail over {limits['fail_above']:g}",
        unit="a frame",
        message=f"The negated image shows {n:.2g} spots a frame.",
        advice="" if status == "pass" else "Raise the detection threshold (SNR).",
    )


def search_radius(evidence: Evidence, limits: Limits) -> Finding:
    """Is the search radius wide enough for the steps, and the sample thin enough for it?"""
    cut = evidence.figures.get("truncated_step_share")
    mixed = evidence.figures.get("ambiguous_link_share")
    if cut is None or mixed is None:
        return _no_data("search_radius", "Too few tracks to tell.")
    statuses = (
        _above(cut, limits["truncated_warn_above"], limits["truncated_fail_above"]),
        _above(mixed, limits["ambiguous_warn_above"], limits["ambiguous_fail_above"]),
    )
    status: Status = "fail" if "fail" in statuses else "warn" if "warn" in statuses else "pass"
    return Finding(
        rule="search_radius",
        status=status,
        measured=100 * max(cut, mixed),
        limit=f"{100 * limits['truncated_warn_above']:g} % cut off, "
        f"{100 * limits['ambiguous_warn_above']:g} % exchanged",
        unit="%",
        message=f"{100 * cut:.2g} % of the steps are cut off by the search radius, "
        f"{100 * mixed:.2g} % of the links may join two different particles.",
        advice="" if status == "pass" else "Dilute more, or record more frames a second.",
    )


def step_correlation(evidence: Evidence, limits: Limits) -> Finding:
    """Are steps independent, as Brownian motion demands beyond blur and noise?"""
    figures = evidence.figures
    pairs = [
        (value, error)
        for lag in (2, 3, 4, 5, 6)
        if (value := figures.get(f"step_correlation_lag_{lag}")) is not None
        and (error := figures.get(f"step_correlation_se_lag_{lag}")) is not None
    ]
    if not pairs:
        return _no_data("step_correlation", "Too few long tracks to tell.")
    total = sum(value for value, _ in pairs)
    error = math.sqrt(sum(error**2 for _, error in pairs))
    # a random walk whose steps correlate diffuses 1 + 2 sum(r) times as fast in the long run
    change = 200 * total
    bad = abs(change) > limits["warn_above_percent"] and abs(total) > 4 * error
    message = f"Steps two to six frames apart change D by {change:.2g} %: no more than chance."
    if bad:
        message = (
            f"Steps two to six frames apart are correlated, in Brownian motion they are not: D "
            f"depends by {abs(change):.2g} % on the time over which it is taken. {_by_lag(figures)}"
        )
    return Finding(
        rule="step_correlation",
        status="warn" if bad else "pass",
        measured=change,
        limit=f"within {limits['warn_above_percent']:g}, or chance",
        unit="% of D",
        message=message,
        advice=OWN_FRAMES if bad else "",
    )


def _by_lag(figures: Mapping[str, float | None]) -> str:
    sizes = [
        f"{size:.4g} nm over {n} frame{'s' if n > 1 else ''}"
        for n in (1, 4, 8, 12)
        if (size := figures.get(f"diameter_from_lag_{n}_nm")) is not None
    ]
    return f"Mean diameter from steps {', '.join(sizes)}." if sizes else ""


def even_steps(evidence: Evidence, limits: Limits) -> Finding:
    """Do particles move equally far from every frame to the next?"""
    variation = evidence.figures.get("frame_step_variation")
    z = evidence.figures.get("frame_step_variation_z")
    if variation is None or z is None:
        return _no_data("even_steps", "Too few steps to tell.")
    bad = 100 * variation > limits["warn_above_percent"] and z > 5
    period = evidence.figures.get("frame_step_period")
    every = f", again every {period:.0f} frames" if period is not None else ""
    message = f"The mean squared step changes from frame to frame by {100 * variation:.2g} %"
    message += " beyond chance." if not bad else f" beyond chance{every}: sizes may be wrong."
    return Finding(
        rule="even_steps",
        status="warn" if bad else "pass",
        measured=100 * variation,
        limit=f"<= {limits['warn_above_percent']:g}",
        unit="%",
        message=f"{message} {_by_lag(evidence.figures)}" if bad else message,
        advice=OWN_FRAMES if bad else "",
    )


def flow(evidence: Evidence, limits: Limits) -> Finding:
    """Is the flow slow against the search radius?"""
    step = evidence.figures.get("max_flow_step_um")
    mean = evidence.figures.get("flow_speed_um_s")
    if step is None or mean is None or not evidence.search_radius_um:
        return _no_data("flow", "Too few tracks to tell.")
    share = step / evidence.search_radius_um
    status = _above(share, limits["warn_above"])
    return Finding(
        rule="flow",
        status=status,
        measured=mean,
        limit=f"at most {limits['warn_above']:g} search radii a frame",
        unit="um/s",
        message=f"The mean flow is {mean:.2g} um/s, at most {share:.2g} search radii a frame; "
        "it was removed.",
        advice="" if status == "pass" else "Let the sample settle, or slow the pump.",
    )


def sudden_motion(evidence: Evidence, limits: Limits) -> Finding:
    """Did the stage stand still, and the pump run evenly?"""
    events = evidence.sudden_frames
    if events is None:
        return _no_data("sudden_motion", "The frames were not looked at.")
    moved = sorted({*events.get("stage_jump", ()), *events.get("pulse", ())})
    cuts = events.get("scene_cut", ())
    status = _above(len(moved), limits["warn_above"])
    message = "All particles were never displaced together."
    if moved:
        message = f"All particles were suddenly displaced together before {_frames(moved)}."
    if cuts:
        message += f" The scene changed before {_frames(cuts)}: tracks end there."
    return Finding(
        rule="sudden_motion",
        status=status,
        measured=len(moved),
        limit=f"at most {limits['warn_above']:g}",
        unit="frames",
        message=message,
        advice=""
        if status == "pass"
        else "Look for vibration, a touched stage or a pump that runs in pulses.",
    )


def _frames(numbers: Sequence[int], most: int = 10) -> str:
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    word = "frame" if len(numbers) == 1 else "frames"
    return f"{word} {', '.join(str(n) for n in numbers[:most])}{more}"


def motion_blur(evidence: Evidence, limits: Limits) -> Finding:
    """Is the exposure known, and short enough?"""
    share = evidence.exposure_fraction
    if share is None:
        return Finding(
            rule="motion_blur",
            status="warn",
            limit="known",
            message="The exposure is not known: half the frame was assumed, and the systematic "
            "error widened.",
            advice="Give --exposure, in ms.",
        )
    status = _above(share, limits["warn_above"])
    return Finding(
        rule="motion_blur",
        status=status,
        measured=100 * share,
        limit=f"<= {100 * limits['warn_above']:g}",
        unit="% of the frame",
        message=f"The shutter is open for {100 * share:.3g} % of the frame.",
        advice="" if status == "pass" else "Shorten the exposure.",
    )


def saturated_spots(evidence: Evidence, limits: Limits) -> Finding:
    """Are few spots saturated?"""
    share = evidence.saturated_share
    if share is None:
        return _no_data("saturated_spots", "No position was followed.")
    status = _above(share, limits["warn_above"])
    return Finding(
        rule="saturated_spots",
        status=status,
        measured=100 * share,
        limit=f"<= {100 * limits['warn_above']:g}",
        unit="% of positions",
        message=f"{100 * share:.2g} % of the spots are saturated.",
        advice="" if status == "pass" else "Lower the camera level; sizes stay valid.",
    )


def localisation_noise(evidence: Evidence, limits: Limits) -> Finding:
    """Does the localisation error seen in the steps agree with the one expected from noise?"""
    seen = evidence.figures.get("loc_var_measured_um2")
    error = evidence.figures.get("loc_var_measured_se_um2")
    expected = evidence.figures.get("loc_var_predicted_um2")
    if seen is None or error is None or expected is None:
        return _no_data("localisation_noise", "One of the two is not known.")
    ratio = seen / expected
    apart = abs(seen - expected) > 4 * error
    outside = ratio > limits["warn_above"] ** 2 or ratio < 1 / limits["warn_above"] ** 2
    bad = apart and outside
    measured = math.copysign(math.sqrt(abs(seen)), seen) * 1e3
    return Finding(
        rule="localisation_noise",
        status="warn" if bad else "pass",
        measured=measured,
        limit=f"within {limits['warn_above']:g}x of {math.sqrt(expected) * 1e3:.3g}",
        unit="nm",
        message=f"The steps show a localisation error of {measured:.3g} nm, "
        f"the noise explains {math.sqrt(expected) * 1e3:.3g} nm.",
        advice="Check focus, vibration and the exposure given." if bad else "",
    )


def as_recorded(evidence: Evidence, _: Limits) -> Finding:
    """Is the recording as the camera made it, as far as the file shows?"""
    odd = bool(evidence.notes)
    return Finding(
        rule="as_recorded",
        status="warn" if odd else "pass",
        measured=len(evidence.notes),
        limit="no remark",
        message=" ".join(evidence.notes) if odd else "Nothing odd was found in the file.",
        advice="Use the camera's own frames, unconverted." if odd else "",
    )


RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        something_to_size,
        tracks_used,
        duration,
        particles_per_frame,
        false_detections,
        search_radius,
        step_correlation,
        even_steps,
        flow,
        sudden_motion,
        motion_blur,
        saturated_spots,
        localisation_noise,
        as_recorded,
        *DAMAGE_RULES,
    )
}
"""Every rule by its name."""

REQUIRED = frozenset(RULES) - {
    "search_radius",
    "step_correlation",
    "even_steps",
    "flow",
    "sudden_motion",
    "localisation_noise",
    "polarity",
}
"""Rules without whose data no recording passes."""

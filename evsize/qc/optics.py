"""The quality rules about the images: noise, saturation, place in the pixel, a steady picture."""

from __future__ import annotations

import math

from evsize.qc.evidence import Evidence
from evsize.qc.judging import Judgement, Limits, above, at_most, no_data, not_applicable

NO_IMAGES = "The sizes come from trajectories; there were no images to look at."


def false_detections(evidence: Evidence, limits: Limits) -> Judgement:
    """Does noise alone look like particles?

    Raise the detection threshold ([detection] threshold_snr).
    """
    n = evidence.false_detections_per_frame
    if n is None:
        missing = "No frame has room between its spots to tell."
        return no_data(missing) if evidence.images else not_applicable(NO_IMAGES)
    return Judgement(
        above(n, limits["warn_above"], limits["fail_above"]),
        measured=n,
        limit=at_most(limits),
        unit="a frame",
        message=f"The negated image shows {n:.2g} spots a frame.",
    )


def saturated_spots(evidence: Evidence, limits: Limits) -> Judgement:
    """Are few spots saturated?

    Lower the camera level; sizes stay valid.
    """
    if not evidence.images:
        return not_applicable(NO_IMAGES)
    share = evidence.saturated_share
    if share is None:
        return no_data("No position was followed.")
    return Judgement(
        above(share, limits["warn_above"]),
        measured=100 * share,
        limit=at_most(limits, 100),
        unit="% of positions",
        message=f"{100 * share:.2g} % of the spots are saturated.",
    )


def localisation_noise(evidence: Evidence, limits: Limits) -> Judgement:
    """Does the localisation error seen in the steps agree with the one expected from noise?

    Check focus, vibration and the exposure given.
    """
    seen = evidence.figures.get("loc_var_measured_um2")
    error = evidence.figures.get("loc_var_measured_se_um2")
    expected = evidence.figures.get("loc_var_predicted_um2")
    if expected is None and not evidence.images:
        return not_applicable("The table of trajectories gives no localisation error.")
    if seen is None or error is None or expected is None:
        return no_data("One of the two is not known.")
    ratio = seen / expected
    apart = abs(seen - expected) > 4 * error
    outside = ratio > limits["warn_above"] ** 2 or ratio < 1 / limits["warn_above"] ** 2
    measured = math.copysign(math.sqrt(abs(seen)), seen) * 1e3
    return Judgement(
        "warn" if apart and outside else "pass",
        measured=measured,
        limit=f"within {limits['warn_above']:g}x of {math.sqrt(expected) * 1e3:.3g}",
        unit="nm",
        message=f"The steps show a localisation error of {measured:.3g} nm, "
        f"the noise explains {math.sqrt(expected) * 1e3:.3g} nm."
        if seen >= 0
        else f"Successive steps point the same way more than the exposure given allows, by "
        f"{-measured:.3g} nm: was the shutter open for longer?",
    )


def sub_pixel_bias(evidence: Evidence, limits: Limits) -> Judgement:
    """Are positions spread evenly within a pixel?

    Use the camera's own frames; spots narrower than a pixel need less binning or a higher
    magnification.
    """
    rms = evidence.figures.get("sub_pixel_rms_px")
    if rms is None:
        return no_data("Too few positions to tell.")
    return Judgement(
        above(rms, limits["warn_above"]),
        measured=rms,
        limit=at_most(limits),
        unit="px",
        message=f"Positions are drawn towards places within the pixel by {rms:.2g} px (rms).",
    )


def steady_focus(evidence: Evidence, limits: Limits) -> Judgement:
    """Do the number and the brightness of the spots stay the same through the recording?

    Look for a drifting focus or laser, settling particles or an air bubble; film again when it
    is steady.
    """
    if not evidence.images:
        return not_applicable(NO_IMAGES)
    if _several_positions(evidence):
        return not_applicable("Several positions were filmed one after another.")
    parts = {
        "number": ("spot_number_change", "spot_number_change_z"),
        "brightness": ("spot_snr_change", "spot_snr_change_z"),
    }
    found = {
        name: (change, z)
        for name, (first, second) in parts.items()
        if (change := evidence.figures.get(first)) is not None
        and (z := evidence.figures.get(second)) is not None
    }
    if len(found) < len(parts):
        return no_data("Too few particles to tell.")
    bad = [name for name, (change, z) in found.items() if change > limits["warn_above"] and z > 4]
    change = max(found[name][0] for name in bad or found)
    text = "From fifth to fifth of the recording the number of spots changes by a factor of "
    text += f"{found['number'][0]:.2g}, their brightness by {found['brightness'][0]:.2g}"
    return Judgement(
        "warn" if bad else "pass",
        measured=change,
        limit=f"{at_most(limits)}, or chance",
        unit="times",
        message=f"{text}{': more than chance.' if bad else '.'}",
    )


def steady_background(evidence: Evidence, limits: Limits) -> Judgement:
    """Does the background stay the same through the recording?

    Look for stray light, a laser that warms up, or a cell that was not rinsed.
    """
    if not evidence.images:
        return not_applicable(NO_IMAGES)
    if _several_positions(evidence):
        return not_applicable("Several positions were filmed one after another.")
    change = evidence.figures.get("background_change_sd")
    if change is None:
        return no_data("Too few frames to tell.")
    return Judgement(
        above(change, limits["warn_above"]),
        measured=change,
        limit=at_most(limits),
        unit="x pixel noise",
        message=f"The background changes by {change:.2g} standard deviations of a pixel's noise.",
    )


def _several_positions(evidence: Evidence) -> bool:
    return bool((evidence.sudden_frames or {}).get("scene_cut"))

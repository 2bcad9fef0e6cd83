"""The quality rules about motion: links, independent steps, flow, jolts, blur."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evsize.qc.evidence import Evidence
from evsize.qc.judging import Judgement, Limits, above, no_data, not_applicable, worst


def search_radius(evidence: Evidence, limits: Limits) -> Judgement:
    """Is the search radius wide enough for the steps, and the sample thin enough for it?

    Dilute more, or record more frames a second.
    """
    cut = evidence.figures.get("truncated_step_share")
    mixed = evidence.figures.get("ambiguous_link_share")
    if cut is None or mixed is None:
        if not evidence.images:
            return not_applicable("The tracks were linked elsewhere; how is not known.")
        return no_data("Too few tracks to tell.")
    status = worst(
        above(cut, limits["truncated_warn_above"], limits["truncated_fail_above"]),
        above(mixed, limits["ambiguous_warn_above"], limits["ambiguous_fail_above"]),
    )
    return Judgement(
        status,
        measured=100 * max(cut, mixed),
        limit=f"{100 * limits['truncated_warn_above']:g} % cut off, "
        f"{100 * limits['ambiguous_warn_above']:g} % exchanged",
        unit="%",
        message=f"{100 * cut:.2g} % of the steps are cut off by the search radius, "
        f"{100 * mixed:.2g} % of the links may join two different particles.",
    )


def step_correlation(evidence: Evidence, limits: Limits) -> Judgement:
    """Are steps independent, as Brownian motion demands beyond blur and noise?

    Is this film compressed, resampled, stabilised, or are frames missing? Use the camera's own
    frames with their own times.
    """
    figures = evidence.figures
    pairs = [
        (value, error)
        for lag in (2, 3, 4, 5, 6)
        if (value := figures.get(f"step_correlation_lag_{lag}")) is not None
        and (error := figures.get(f"step_correlation_se_lag_{lag}")) is not None
    ]
    if not pairs:
        return no_data("Too few long tracks to tell.")
    total = sum(value for value, _ in pairs)
    error = math.sqrt(sum(error**2 for _, error in pairs))
    # a random walk whose steps correlate diffuses 1 + 2 sum(r) times as fast in the long run
    change = 200 * total
    surely = abs(total) > 4 * error
    warn, fail = limits["warn_above_percent"], limits["fail_above_percent"]
    status = above(abs(change), warn, fail) if surely else "pass"
    message = f"Steps two to six frames apart change D by {change:.2g} %: no more than chance."
    if status != "pass":
        message = (
            f"Steps two to six frames apart are correlated, in Brownian motion they are not: D "
            f"depends by {abs(change):.2g} % on the time over which it is taken. {_by_lag(figures)}"
        )
    return Judgement(
        status,
        measured=change,
        limit=f"within {warn:g}, fail beyond {fail:g}, or chance",
        unit="% of D",
        message=message,
    )


def _by_lag(figures: Mapping[str, float | None]) -> str:
    sizes = [
        f"{size:.4g} nm over {n} frame{'s' if n > 1 else ''}"
        for n in (1, 4, 8, 12)
        if (size := figures.get(f"diameter_from_lag_{n}_nm")) is not None
    ]
    return f"Mean diameter from steps {', '.join(sizes)}." if sizes else ""


def even_steps(evidence: Evidence, limits: Limits) -> Judgement:
    """Do particles move equally far from every frame to the next?

    Is this film compressed, resampled, stabilised, or are frames missing? Use the camera's own
    frames with their own times.
    """
    variation = evidence.figures.get("frame_step_variation")
    z = evidence.figures.get("frame_step_variation_z")
    if variation is None or z is None:
        return no_data("Too few steps to tell.")
    warn, fail = limits["warn_above_percent"], limits["fail_above_percent"]
    status = above(100 * variation, warn, fail) if z > 5 else "pass"
    period = evidence.figures.get("frame_step_period")
    every = f", again every {period:.0f} frames" if period is not None else ""
    message = f"The mean squared step changes from frame to frame by {100 * variation:.2g} %"
    wrong = {
        "pass": "",
        "warn": f"{every}: sizes may be wrong",
        "fail": f"{every}: sizes are wrong",
    }
    message += f" beyond chance{wrong[status]}."
    return Judgement(
        status,
        measured=100 * variation,
        limit=f"<= {warn:g}, fail over {fail:g}",
        unit="%",
        message=message if status == "pass" else f"{message} {_by_lag(evidence.figures)}",
    )


def flow(evidence: Evidence, limits: Limits) -> Judgement:
    """Is the flow slow against the search radius?

    Let the sample settle, or slow the pump.
    """
    if evidence.search_radius_um is None and not evidence.images:
        return not_applicable("The tracks were linked elsewhere; how is not known.")
    step = evidence.figures.get("max_flow_step_um")
    mean = evidence.figures.get("flow_speed_um_s")
    if step is None or mean is None or not evidence.search_radius_um:
        return no_data("Too few tracks to tell.")
    share = step / evidence.search_radius_um
    direction = ""
    if evidence.flow_um_s is not None:
        x, y = evidence.flow_um_s
        direction = f" ({abs(x):.2g} {'right' if x >= 0 else 'left'}, "
        direction += f"{abs(y):.2g} {'down' if y >= 0 else 'up'})"
    return Judgement(
        above(share, limits["warn_above"]),
        measured=share,
        limit=f"<= {limits['warn_above']:g}",
        unit="search radii a frame",
        message=f"The mean flow is {mean:.2g} um/s{direction}, at most {share:.2g} search radii a "
        "frame; it was removed.",
    )


def sudden_motion(evidence: Evidence, limits: Limits) -> Judgement:
    """Did the stage stand still, and the pump run evenly?

    Look for vibration, a touched stage or a pump that runs in pulses.
    """
    events = evidence.sudden_frames
    if events is None:
        if not evidence.images:
            return not_applicable("Sudden motion is looked for in images only.")
        return no_data("The frames were not looked at.")
    moved = sorted({*events.get("stage_jump", ()), *events.get("pulse", ())})
    cuts = events.get("scene_cut", ())
    message = "All particles were never displaced together."
    if moved:
        message = f"All particles were suddenly displaced together before {_frames(moved)}."
    if cuts:
        message += f" The scene changed before {_frames(cuts)}: tracks end there."
    return Judgement(
        above(len(moved), limits["warn_above"]),
        measured=len(moved),
        limit=f"at most {limits['warn_above']:g}",
        unit="frames",
        message=message,
    )


def _frames(numbers: Sequence[int], most: int = 10) -> str:
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    word = "frame" if len(numbers) == 1 else "frames"
    return f"{word} {', '.join(str(n) for n in numbers[:most])}{more}"


def motion_blur(evidence: Evidence, limits: Limits) -> Judgement:
    """Is the exposure known, and short enough?

    Shorten the exposure; give --exposure, in ms, where it is not known.
    """
    share = evidence.exposure_fraction
    if share is None:
        return Judgement(
            "warn",
            limit="known",
            message="The exposure is not known: half the frame was assumed, and the systematic "
            "error widened.",
            advice="Give --exposure, in ms.",
        )
    return Judgement(
        above(share, limits["warn_above"]),
        measured=100 * share,
        limit=f"<= {100 * limits['warn_above']:g}",
        unit="% of the frame",
        message=f"The shutter is open for {100 * share:.3g} % of the frame.",
        advice="Shorten the exposure.",
    )

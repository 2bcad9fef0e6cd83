"""Rules that a profile adds: a named figure of the stages, and its limits."""

from __future__ import annotations

import difflib
import math

from evsize.qc.evidence import Evidence
from evsize.qc.judging import Judgement, Limits, above, below, no_data, worst

LIMITS = ("warn_below", "fail_below", "warn_above", "fail_above")
TEXTS = ("diagnostic", "unit", "question", "advice", "source")
OWN_FIGURES = (
    "duration_s",
    "n_used",
    "n_tracks",
    "particles_per_frame",
    "false_detections_per_frame",
    "exposure_fraction",
    "saturated_share",
    "search_radius_um",
    "temperature_c",
    "cell_per_ml",
    "detection_limit_nm",
)


def named_figure(evidence: Evidence, limits: Limits) -> Judgement:
    """Is a figure of the stages within the limits of the profile?

    Look at the source of the limit.
    """
    name = limits["diagnostic"]
    figures = {own: getattr(evidence, own) for own in OWN_FIGURES} | dict(evidence.figures)
    value = figures.get(name)
    if value is None:
        near = difflib.get_close_matches(name, figures, 1)
        hint = f" Did you mean '{near[0]}'?" if near and near[0] != name else ""
        return no_data(f"The figure '{name}' is not known for this recording.{hint}")
    low, high = limits.get("fail_below", -math.inf), limits.get("fail_above", math.inf)
    status = worst(
        below(value, limits.get("warn_below", low), low),
        above(value, limits.get("warn_above", high), high),
    )
    return Judgement(
        status,
        measured=float(value),
        limit=", ".join(
            f"{key.replace('_', ' ')} {limits[key]:g}" for key in LIMITS if key in limits
        ),
        unit=limits.get("unit", ""),
        message=f"The figure '{name}' is {value:.3g}.",
        advice=limits.get("advice", ""),
    )

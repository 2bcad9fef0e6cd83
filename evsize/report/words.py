"""Figures as people write them: three digits, their unit, their interval."""

from __future__ import annotations

import math
from pathlib import Path

from evsize.results import ClassShare, Estimate, Peak, Position, Report, Value

UNKNOWN = "not determined"
SUMMARY_NAMES = {
    "d10_nm": "D10",
    "d50_nm": "D50 (median)",
    "d90_nm": "D90",
    "mean_nm": "mean",
    "mode_nm": "mode",
    "span": "span, (D90 - D10) / D50",
}
VERDICT_MEANING = {
    "pass": "the recording meets the quality rules",
    "warn": "usable, but read the remarks",
    "fail": "do not rely on these numbers",
}


STATUS_MARK = {
    "pass": "\u2713",
    "warn": "!",
    "fail": "\u2715",
    "no_data": "?",
    "not_applicable": "\u2013",
    "waived": "~",
}
"""A sign beside each status, so that none is told by colour alone."""


def recording_name(report: Report) -> str:
    """Name of the recording without its folder."""
    return Path(report.recording.path.replace("\\", "/")).name or report.recording.path


def figure(value: float | None, digits: int = 3) -> str:
    """Write a number with so many significant digits; a power of ten only where it helps."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if not -4 <= exponent <= 5:
        return f"{value / 10.0**exponent:.{digits - 1}f}e{exponent}"
    # a float, for numpy rounds its own ties otherwise
    return f"{round(float(value), digits - 1 - exponent):.{max(digits - 1 - exponent, 0)}f}"


def estimate(value: Estimate | None, unit: str = "") -> str:
    """Write a figure with unit and interval: ``102 nm (99.3 to 106)``."""
    if value is None or value.value is None:
        return UNKNOWN
    text = f"{figure(value.value)} {unit}".strip()
    return f"{text} ({limits(value)})" if limits(value) else text


def per_ml(value: Estimate) -> str:
    """Write a number of particles in a mL with its interval; less than one is none."""
    whole = {
        name: 0.0 if end is not None and end < 1 else end
        for name, end in (("value", value.value), ("low", value.low), ("high", value.high))
    }
    return estimate(Estimate(**whole))


def limits(value: Estimate | None) -> str:
    """Write the 95 % interval: ``99.3 to 106``; nothing where there is none."""
    if value is None or value.low is None or value.high is None:
        return ""
    return f"{figure(value.low)} to {figure(value.high)}"


def percent(share: float | None) -> str:
    """Write a share as a percentage: ``81.3 %``."""
    if share is None:
        return UNKNOWN
    return "< 0.1 %" if share < 0.0005 else f"{_tenths(share)} %"


def share_limits(value: Estimate) -> str:
    """Write the 95 % interval of a share, in percent: ``77.8 to 84.2``."""
    if value.low is None or value.high is None:
        return ""
    return f"{_tenths(value.low)} to {_tenths(value.high)}"


def share(value: Estimate) -> str:
    """Write a share with its interval as percentages."""
    spread = share_limits(value)
    return f"{percent(value.value)} ({spread})" if spread else percent(value.value)


def _tenths(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def peak_size(peak: Peak) -> Estimate:
    """Diameter of a peak with its interval."""
    return Estimate(value=peak.mode_nm, low=peak.mode_low_nm, high=peak.mode_high_nm)


def peak_share(peak: Peak) -> Estimate:
    """Share of the population under a peak, with its interval."""
    return Estimate(value=peak.fraction, low=peak.fraction_low, high=peak.fraction_high)


def size_range(item: ClassShare) -> str:
    """Write the range of a size class: ``40-160 nm``."""
    if item.high_nm is None:
        return f">= {item.low_nm:g} nm"
    if item.low_nm == 0:
        return f"< {item.high_nm:g} nm"
    return f"{item.low_nm:g}-{item.high_nm:g} nm"


def measured(value: float | str | None, unit: str = "") -> str:
    """Write what a rule measured."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else figure(value)
    return f"{text} {unit}".strip()


def plain(name: str) -> str:
    """Write a machine's name as words: ``too_short`` becomes ``too short``."""
    return name.replace("_", " ")


def setting(value: Value) -> str:
    """Write a setting with its unit; the unit is left out where there is no number."""
    if value.value is None:
        return "not set"
    if isinstance(value.value, bool):
        return "yes" if value.value else "no"
    text = f"{value.value:.6g}" if isinstance(value.value, float) else str(value.value)
    return f"{text} {value.unit}".strip()


def position(one: Position) -> str:
    """One field of view of a film that shows several."""
    text = f"frames {one.first_frame} to {one.last_frame}, "
    text += f"{figure(one.particles_per_frame)} particles a frame, {one.tracks_used} tracks used"
    if one.median_diameter_nm is None:
        return text
    return f"{text}, median of single tracks {figure(one.median_diameter_nm)} nm"

"""Acquisition values and settings, between the page and evsize."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from evsize.errors import UsageError
from evsize.results import Acquisition, Report
from evsize.settings import AcquisitionSettings, Section, Settings, parse_settings

FIELDS: Mapping[str, str] = {
    "pixel_size_um": "pixel size, um",
    "frame_rate_hz": "frame rate, 1/s",
    "exposure_ms": "exposure, ms",
    "temperature_c": "temperature, degC",
    "medium": "liquid",
    "viscosity_mpas": "viscosity, mPa s",
}
"""What the page asks of a recording, and how it calls it."""


def spelled(value: float | str | None) -> str:
    """Write a value as people type it; empty for none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.9g}"


def given_values(typed: Mapping[str, str], known: Acquisition) -> dict[str, Any]:
    """Return the values that were typed and say something else than what is known.

    Raises
    ------
    UsageError
        If one is no number or out of its range.
    """
    values = {}
    for name, entry in typed.items():
        if name not in FIELDS:
            raise UsageError(f"no value is called '{name}'", ", ".join(FIELDS))
        text = entry.strip()
        if text and text != spelled(getattr(known, name)):
            values[name] = text if name == "medium" else text.replace(",", ".")
    try:
        checked = AcquisitionSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise UsageError(
            f"{FIELDS[name]}: '{first['input']}'",
            AcquisitionSettings.model_fields[name].description or name,
            first["msg"].lower(),
        ) from error
    return checked.model_dump(exclude_none=True)


def settings_of(report: Report) -> Settings:
    """Settings that a result was made with, as far as they were given.

    Raises
    ------
    UsageError
        If one of them is out of the range that this version takes.
    """
    data: dict[str, dict[str, Any]] = {}
    for name, value in report.settings.items():
        section, _, key = name.partition(".")
        given = value.source.startswith("given") and value.value is not None
        if given and key in _keys(section):
            data.setdefault(section, {})[key] = value.value
    region = data.get("recording", {}).get("roi_px")
    if region is not None:
        data["recording"]["roi_px"] = [int(part) for part in str(region).split(",")]
    known = report.acquisition
    data["acquisition"] = {
        name: value.value
        for name, value in known.items()
        if not value.source.startswith("assumed")
        and not (name == "viscosity_mpas" and "medium" in known)
    }
    return parse_settings(data, "the saved result")


def _keys(section: str) -> frozenset[str]:
    """Settings of a section; a result also notes what followed from them."""
    field = Settings.model_fields.get(section)
    kind = None if field is None else field.annotation
    if isinstance(kind, type) and issubclass(kind, Section):
        return frozenset(kind.model_fields)
    return frozenset()

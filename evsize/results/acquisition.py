"""How a recording was made, where each value came from, and what contradicts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from evsize.errors import MissingSettingsError, UsageError
from evsize.physics import Conditions, find_medium
from evsize.results.values import Model, Value

UNITS: Mapping[str, str] = {
    "pixel_size_um": "um",
    "frame_rate_hz": "1/s",
    "exposure_ms": "ms",
    "temperature_c": "degC",
    "medium": "",
    "viscosity_mpas": "mPa s",
    "depth_um": "um",
    "dilution": "",
}

AGREEMENT = 0.01
"""Relative difference within which two sources say the same."""
AGREEMENT_K = 0.5
"""Difference of two temperatures, K, within which they are the same: 1 % of a size."""


def _agree(name: str, value: Any, other: Any) -> bool:
    if other is None or value == other:
        return True
    if isinstance(value, str) or isinstance(other, str):
        return str(value).casefold() == str(other).casefold()
    within = AGREEMENT_K if name == "temperature_c" else AGREEMENT * abs(other)
    return bool(abs(value - other) <= within)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


class Acquisition(Model):
    """How a recording was made; None is "not known".

    Attributes
    ----------
    sources : dict
        For each known value, where it came from.
    conflicts : tuple of str
        A sentence for each value that a weaker source states otherwise.
    """

    pixel_size_um: float | None = None
    frame_rate_hz: float | None = None
    exposure_ms: float | None = None
    temperature_c: float | None = None
    medium: str | None = None
    viscosity_mpas: float | None = None
    depth_um: float | None = None
    dilution: float | None = None
    sources: dict[str, str] = Field(default_factory=dict)
    conflicts: tuple[str, ...] = ()

    def known(self) -> dict[str, Value]:
        """Return the known values with unit and source."""
        return {
            name: Value(value=value, unit=unit, source=self.sources.get(name, "given"))
            for name, unit in UNITS.items()
            if (value := getattr(self, name)) is not None
        }

    def updated(self, values: Mapping[str, Any], source: str) -> Acquisition:
        """Return a copy in which the given values (not None) replace what was known.

        A value that says something else than the one it replaces is a conflict.
        """
        new = {name: value for name, value in values.items() if value is not None}
        sources = self.sources | dict.fromkeys(new, source)
        conflicts = tuple(
            f"{name}: {source} says {_plain(value)}, {self.sources.get(name, 'given')} "
            f"{_plain(getattr(self, name))}; the former is used."
            for name, value in new.items()
            if not _agree(name, value, getattr(self, name))
        )
        warmer = "temperature_c" in new and not _agree(
            "temperature_c", new["temperature_c"], self.temperature_c
        )
        beside = self.sources.get("viscosity_mpas") == self.sources.get("temperature_c")
        if "viscosity_mpas" not in new and ("medium" in new or (warmer and beside)):
            # a viscosity known from a weaker source belonged to another medium or temperature
            new["viscosity_mpas"] = None
            sources.pop("viscosity_mpas", None)
        return self.model_copy(
            update={**new, "sources": sources, "conflicts": (*self.conflicts, *conflicts)}
        )

    def missing(self) -> list[str]:
        """Names of the values without which evsize refuses to size."""
        names = [
            name
            for name in ("pixel_size_um", "frame_rate_hz", "temperature_c")
            if getattr(self, name) is None
        ]
        if self.medium is None and self.viscosity_mpas is None:
            names.append("medium")
        return names

    def conditions(self) -> Conditions:
        """Everything needed to size, with the viscosity worked out.

        An unknown exposure counts as half the frame; the pipeline says so and widens the error.

        Raises
        ------
        MissingSettingsError
            Naming all that is missing and the options that give it.
        UsageError
            If the exposure is longer than the frame or the medium is unknown.
        """
        options = {
            "pixel_size_um": "--pixel-size (um)",
            "frame_rate_hz": "--frame-rate (1/s)",
            "temperature_c": "--temperature (degC)",
            "medium": "--medium (or --viscosity, mPa s)",
        }
        missing = self.missing()
        if missing:
            raise MissingSettingsError(
                f"not known: {', '.join(missing)}",
                "pixel size, frame rate, temperature and medium",
                f"give {', '.join(options[name] for name in missing)}",
            )
        assert self.pixel_size_um is not None
        assert self.frame_rate_hz is not None
        assert self.temperature_c is not None
        viscosity = self.viscosity_mpas
        if viscosity is None:
            assert self.medium is not None
            viscosity = find_medium(self.medium).viscosity_mpas(self.temperature_c)
        interval_s = 1 / self.frame_rate_hz
        fraction = 0.5 if self.exposure_ms is None else self.exposure_ms / 1e3 / interval_s
        if fraction > 1.02:
            raise UsageError(
                f"an exposure of {self.exposure_ms:g} ms is longer than the frame "
                f"({interval_s * 1e3:.4g} ms at {self.frame_rate_hz:g} frames/s)",
                "an exposure within the frame",
                "check --exposure (ms) and --frame-rate (1/s)",
            )
        return Conditions(
            self.pixel_size_um, interval_s, min(fraction, 1.0), self.temperature_c, viscosity
        )


def as_conditions(value: Acquisition | Conditions) -> Conditions:
    """Conditions of a complete acquisition; conditions pass through."""
    return value if isinstance(value, Conditions) else value.conditions()

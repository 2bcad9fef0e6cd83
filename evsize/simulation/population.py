"""What swims in the cell: populations written as ``"100nm:200,250nm:30"``."""

from __future__ import annotations

import re
from typing import Annotated

import numpy as np
from pydantic import Field

from evsize.errors import UsageError
from evsize.results import Floats
from evsize.settings import Section

EXAMPLE = "'100nm:200,250nm:30' or, log-normal with sd 0.25 of ln d, '120nm~0.25:50'"
_COMPONENT = re.compile(
    r"(?P<diameter>[0-9.]+(?:e[+-]?[0-9]+)?)\s*nm(?:\s*~\s*(?P<sd>[0-9.]+))?"
    r"\s*:\s*(?P<number>[0-9.]+(?:e[+-]?[0-9]+)?)",
    re.IGNORECASE,
)


class Component(Section):
    """One part of a population: a single size, or a log-normal range of sizes."""

    diameter_nm: Annotated[float, Field(ge=5, le=5000)] = Field(
        description="diameter, nm; the median where the sizes are log-normal"
    )
    number: Annotated[float, Field(ge=0, le=1e6)] = Field(
        description="mean number in the illuminated volume (field of view times depth)"
    )
    sd_ln: Annotated[float, Field(ge=0, le=1.5)] = Field(
        0.0, description="standard deviation of ln(diameter); 0 for a single size"
    )

    def __str__(self) -> str:
        spread = f"~{self.sd_ln:g}" if self.sd_ln else ""
        return f"{self.diameter_nm:g}nm{spread}:{self.number:g}"

    def draw_nm(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw the diameters (nm) of n particles, cut at four standard deviations of ln d."""
        normal = np.clip(rng.standard_normal(n), -4, 4) if self.sd_ln else np.zeros(n)
        return np.asarray(self.diameter_nm * np.exp(self.sd_ln * normal), dtype=np.float64)

    @property
    def smallest_nm(self) -> float:
        """Diameter (nm) below which about 2 % of the component lie."""
        return float(self.diameter_nm * np.exp(-2 * self.sd_ln))


def parse_population(text: str) -> tuple[Component, ...]:
    """Read a population.

    Parameters
    ----------
    text : str
        Components joined by commas: ``DIAMETERnm:NUMBER``, or ``DIAMETERnm~SD:NUMBER`` for a
        log-normal component with median DIAMETER and standard deviation SD of ln d. NUMBER is
        the mean number of particles in the illuminated volume. Empty for no particle at all.

    Returns
    -------
    tuple of Component

    Raises
    ------
    UsageError
        If a part cannot be read or is out of range; the message carries an example.

    Examples
    --------
    >>> parse_population("100nm:200, 120nm~0.25:50")[1].sd_ln
    0.25
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    return tuple(_parse_component(part, text) for part in parts)


def _parse_component(part: str, text: str) -> Component:
    match = _COMPONENT.fullmatch(part)
    if match is None:
        raise UsageError(
            f"cannot read '{part}' in the population '{text}'",
            "DIAMETERnm:NUMBER, joined by commas",
            f"for example {EXAMPLE}",
        )
    try:
        return Component(
            diameter_nm=float(match["diameter"]),
            number=float(match["number"]),
            sd_ln=float(match["sd"] or 0),
        )
    except ValueError as error:
        raise UsageError(
            f"'{part}' in the population '{text}' is not a number or out of range",
            "a diameter of 5 to 5000 nm, a number of 0 to 1e6, a spread of 0 to 1.5",
            f"for example {EXAMPLE}",
        ) from error


def population_text(components: tuple[Component, ...]) -> str:
    """Write a population the way `parse_population` reads it."""
    return ",".join(str(component) for component in components)

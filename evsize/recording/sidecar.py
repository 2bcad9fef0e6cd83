"""Acquisition values beside a recording, and which of several values counts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evsize.results import Acquisition
from evsize.settings import AcquisitionSettings, parse_settings, read_toml


def find_sidecar(path: Path) -> Path | None:
    """Return the ``NAME.toml`` beside ``NAME.tif`` (``NAME.ome.tif``) or the folder ``NAME``."""
    place = path.absolute()
    if place.is_dir():
        names = [place.resolve().name]
    else:
        names = [place.stem]
        if place.stem.lower().endswith(".ome"):
            names.append(place.stem[: -len(".ome")])
    candidates = [place.parent / f"{name}.toml" for name in names]
    return next((file for file in candidates if file.is_file()), None)


def read_sidecar(file: Path) -> dict[str, Any]:
    """Return the ``[acquisition]`` table of a sidecar; other tables are not ours.

    Raises
    ------
    UsageError
        If the file is not TOML, a key is unknown or a value out of its range.
    """
    table = read_toml(file).get("acquisition", {})
    return checked(table, f"sidecar {file}")


def checked(values: Any, origin: str) -> dict[str, Any]:
    """Check acquisition values; None is "not said".

    Raises
    ------
    UsageError
        Naming the key and where it stands.
    """
    settings = parse_settings({"acquisition": values}, origin).acquisition
    return {key: value for key, value in settings.model_dump().items() if value is not None}


def plausible(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Keep the values from a file that can be true; a sentence for each that cannot."""
    kept: dict[str, Any] = {}
    notes = []
    for key, value in values.items():
        try:
            AcquisitionSettings(**{key: value})
        except ValidationError:
            notes.append(f"The file says {key} = {value}, which cannot be: not used.")
        else:
            kept[key] = value
    return kept, notes


def combine(known: Acquisition, layers: Mapping[str, Mapping[str, Any]]) -> Acquisition:
    """Lay values over each other, the later ones counting more.

    Parameters
    ----------
    known : Acquisition
        What the file itself says.
    layers : dict of str to dict
        Source and its values, the weakest first.
    """
    for source, values in layers.items():
        known = known.updated(values, source)
    return known

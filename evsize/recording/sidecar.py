"""Acquisition values beside a recording, and which of several values counts."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evsize import vendors
from evsize.results import Acquisition
from evsize.settings import AcquisitionSettings, parse_settings, read_toml

FOLDER_FILE = "folder.toml"
MOST_FILES = 500
"""Tables of a folder that are looked at."""


def names_of(path: Path) -> list[str]:
    """Names under which files beside a recording may stand, without their endings."""
    place = path.absolute()
    if place.is_dir():
        return [place.resolve().name]
    names = [place.stem]
    if place.stem.lower().endswith(".ome"):
        names.append(place.stem[: -len(".ome")])
    return names


def find_sidecars(path: Path) -> list[Path]:
    """Files beside a recording that say how it was made, the least trusted first.

    What a person wrote counts before what an instrument wrote, and ``NAME.toml`` before
    ``folder.toml``, which is for all recordings of the folder.
    """
    folder, names = path.absolute().parent, names_of(path)
    written = [folder / FOLDER_FILE, path / FOLDER_FILE]  # the latter in a folder of images
    written += [folder / f"{name}.toml" for name in reversed(names)]
    return [*vendor_files(folder, names), *(file for file in written if file.is_file())]


def vendor_files(folder: Path, names: list[str]) -> list[Path]:
    """NanoSight summaries of the folder, and a ZetaView TXT of the recording's name."""
    reports = [folder / f"{name}{ending}" for name in names for ending in (".txt", ".TXT")]
    try:
        tables = sorted(islice(folder.glob("*.[cC][sS][vV]"), MOST_FILES))
        return [file for file in [*tables, *reports] if file.is_file()]
    except OSError:
        return []


def read_sidecars(path: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Read what stands beside a recording.

    Returns
    -------
    layers : dict of str to dict
        Source and its acquisition values, the least trusted first.
    notes : list of str
        Values that cannot be true.

    Raises
    ------
    UsageError
        If a TOML file is broken or has an unknown key.
    """
    layers: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    for file in find_sidecars(path):
        if file.suffix.lower() == ".toml":
            values = read_sidecar(file)
        else:
            values, doubts = plausible(vendors.acquisition_of(file, names_of(path)))
            notes += [f"{file.name}: {doubt}" for doubt in doubts]
        if values:
            layers[f"sidecar {file.name}"] = values
    return layers, notes


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

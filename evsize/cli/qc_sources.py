"""What ``evsize qc`` is to judge: results, recordings, their names and what they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evsize.batch.manifest import read_manifest
from evsize.cli.report import result_folders, split_name
from evsize.errors import UsageError
from evsize.qc import Preparation
from evsize.storage import RESULT_FILE, result_name


@dataclass(frozen=True)
class Source:
    """A result, or a recording that will be one, and what it is for."""

    path: Path
    name: str
    sample: str = ""
    replicate: str = ""
    role: str = "sample"
    condition: str = ""
    preparation: Preparation = field(default_factory=Preparation)

    @property
    def labels(self) -> dict[str, str]:
        """What a manifest says of it."""
        names = ("sample", "replicate", "role", "condition")
        return {name: getattr(self, name) for name in names}


def find_sources(
    texts: Sequence[str], blanks: Sequence[Path], beads: Sequence[Path], bead_nm: float | None
) -> list[Source]:
    """Find what is to be judged, and what each is for.

    Raises
    ------
    UsageError
        If one is named twice, or the size of the beads is not given.
    """
    if beads and bead_nm is None:
        raise UsageError("--beads without --bead-size", "their nominal diameter, in nm")
    found = _sources(texts, "sample")
    found += _sources([str(path) for path in blanks], "blank")
    found += _sources([str(path) for path in beads], "beads", bead_nm)
    return _with_own_names(found)


def _sources(texts: Sequence[str], role: str, bead_nm: float | None = None) -> list[Source]:
    """Results and recordings that were named; each result of a folder of results is one."""
    found = []
    for text in texts:
        sample, path = split_name(text)
        for folder in result_folders(path):
            saved = (folder / RESULT_FILE).is_file()
            name = folder.resolve().name if saved else result_name(folder)
            preparation = Preparation(bead_nm=bead_nm)
            found.append(Source(folder, name, sample, role=role, preparation=preparation))
    return found


def _with_own_names(sources: list[Source]) -> list[Source]:
    """Give those that share a name the name of their folder before it."""
    by_path: dict[Path, Source] = {}
    for one in sources:
        if by_path.setdefault(one.path.resolve(), one) is not one:
            raise UsageError(f"{one.path} is named twice", "each result or recording once")
    names = [one.name.casefold() for one in sources]
    return [
        one
        if names.count(one.name.casefold()) == 1
        else replace(one, name=f"{one.path.resolve().parent.name}/{one.name}")
        for one in sources
    ]


def labelled(sources: list[Source], manifest: Path) -> list[Source]:
    """Take from a table of `evsize batch` what each is, by its name.

    Raises
    ------
    UsageError
        If the table is wrong, or has no row for a result.
    """
    rows = {entry.name: entry for entry in read_manifest(manifest, there=False)}
    found = []
    for one in sources:
        row = rows.get(one.path.resolve().name) or rows.get(one.name)
        if row is None and one.role == "sample":
            raise UsageError(
                f"{manifest} has no row for '{one.name}'", "the name of each result in the table"
            )
        if row is None:
            found.append(one)
        else:
            found.append(
                replace(
                    one,
                    sample=row.sample,
                    replicate=row.replicate,
                    role=row.role,
                    condition=row.condition,
                    preparation=row.preparation,
                )
            )
    return found

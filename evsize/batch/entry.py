"""One recording of a batch: what a row of the table says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evsize.qc import Preparation
from evsize.results import UNITS

ROLES = ("sample", "blank", "beads")
LABELS = ("recording", "name", "sample", "replicate", "role", "condition")
PREPARATION = ("made_from", "volume_ml", "protein_ug", "bead_nm")
COLUMNS = (*LABELS, *UNITS, *PREPARATION)


@dataclass(frozen=True)
class Entry:
    """One recording of a batch.

    Attributes
    ----------
    recording : str
        As it was written.
    path : Path
        Where it is, absolute.
    name : str
        Name of its result folder.
    sample, replicate, role, condition : str
        What was filmed; `replicate` and `condition` may be empty.
    acquisition : dict
        Acquisition values of the row, by the names of `evsize.results.UNITS`.
    preparation : Preparation
        How the sample was made.
    row : int
        Row of the table, the header being row 1; 0 where there is no table.
    """

    recording: str
    path: Path
    name: str
    sample: str
    replicate: str = ""
    role: str = "sample"
    condition: str = ""
    acquisition: Mapping[str, Any] = field(default_factory=dict)
    preparation: Preparation = field(default_factory=Preparation)
    row: int = 0

    @property
    def labels(self) -> dict[str, str]:
        """What was filmed, for the tables."""
        return {name: getattr(self, name) for name in LABELS[2:]}

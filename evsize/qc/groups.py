"""What the rules about several recordings look at: samples, their controls, a whole batch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from evsize.results import Report, Verdict

COMPARED = ("pixel_size_um", "frame_rate_hz", "exposure_ms", "medium", "viscosity_mpas", "depth_um")
CHOSEN_BY_USER = ("given", "given or default", "default")
NOT_COMPARED = ("qc.profile", "recording.frames")


@dataclass(frozen=True)
class Preparation:
    """How the sample of a recording was made, where a manifest says so.

    Attributes
    ----------
    made_from : str
        The sample from which it was isolated.
    volume_ml : float or None
        Volume of the whole sample, undiluted, mL.
    protein_ug : float or None
        Protein in that volume, ug.
    bead_nm : float or None
        Nominal diameter of a bead standard, nm.
    """

    made_from: str = ""
    volume_ml: float | None = None
    protein_ug: float | None = None
    bead_nm: float | None = None


@dataclass(frozen=True)
class Member:
    """One recording of a group.

    Attributes
    ----------
    name, sample, replicate, role, condition : str
        As in a manifest; `sample` is empty where nobody said what belongs together.
    verdict : str
        Its own.
    mode_nm, d50_nm : float or None
    concentration_per_ml : float or None
        Of the undiluted sample.
    seen_per_mm2 : float
        Particles followed in a frame for each mm^2 of it.
    dilution : float
        1 where it is not known.
    temperature_c : float or None
    settings : dict
        What must be the same for numbers to be comparable, by name.
    preparation : Preparation
    """

    name: str
    sample: str = ""
    replicate: str = ""
    role: str = "sample"
    condition: str = ""
    verdict: Verdict = "pass"
    mode_nm: float | None = None
    d50_nm: float | None = None
    concentration_per_ml: float | None = None
    seen_per_mm2: float = 0.0
    dilution: float = 1.0
    temperature_c: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    preparation: Preparation = Preparation()

    @property
    def unit(self) -> tuple[str, str]:
        """The replicate; a recording without a number is one of its own."""
        return ("replicate", self.replicate) if self.replicate else ("recording", self.name)

    @property
    def amount(self) -> float | None:
        """Particles in the whole undiluted sample; None where it is not known."""
        volume = self.preparation.volume_ml
        if self.concentration_per_ml is None or volume is None:
            return None
        return self.concentration_per_ml * volume


def member(name: str, report: Report, *, preparation: Preparation, **labels: str) -> Member:
    """Take from a judged result what rules about groups look at; labels as in `Member`."""
    known, about = report.acquisition, report.recording
    pixel_um = _number(known["pixel_size_um"].value) if "pixel_size_um" in known else None
    area_mm2 = about.height_px * about.width_px * (pixel_um or math.nan) ** 2 * 1e-6
    concentration = report.concentration_per_ml
    dilution = _number(known["dilution"].value) if "dilution" in known else None
    temperature = known.get("temperature_c")
    return Member(
        name=name,
        verdict=report.qc.verdict,
        mode_nm=report.distribution.mode_nm.value,
        d50_nm=report.distribution.d50_nm.value,
        concentration_per_ml=concentration.value if concentration else None,
        seen_per_mm2=report.tracks.particles_per_frame / area_mm2,
        dilution=dilution or 1.0,
        temperature_c=_number(temperature.value) if temperature else None,
        settings=comparable_settings(report),
        preparation=preparation,
        **labels,
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def comparable_settings(report: Report) -> dict[str, Any]:
    """What must be the same in all recordings of a batch, by name.

    Viscosity that follows from the medium is left out: it changes with the temperature, which has
    a rule of its own; so is what evsize chose for each recording by itself.
    """
    known, about = report.acquisition, report.recording
    names = [name for name in COMPARED if name in known]
    if "medium" in known:
        names.remove("viscosity_mpas") if "viscosity_mpas" in names else None
    settings: dict[str, Any] = {name: known[name].value for name in names}
    settings["exposure known"] = (
        not known["exposure_ms"].source.startswith("assumed") if ("exposure_ms" in known) else False
    )
    settings |= {
        "frame height (px)": about.height_px,
        "frame width (px)": about.width_px,
        "bit depth": about.bit_depth,
    }
    settings |= {
        name: value.value
        for name, value in report.settings.items()
        if value.source in CHOSEN_BY_USER and name not in NOT_COMPARED
    }
    return settings | {"evsize version": report.provenance.evsize}


@dataclass(frozen=True)
class SampleEvidence:
    """The recordings of one sample under one condition, and what they are held against.

    Attributes
    ----------
    name, condition : str
    grouped : bool
        Whether somebody said which recordings belong together.
    members : tuple of Member
    blanks : tuple of Member
        Recordings of the blank.
    sources : tuple of Member
        Recordings of the sample from which this one was made.
    """

    name: str
    condition: str
    grouped: bool
    members: tuple[Member, ...]
    blanks: tuple[Member, ...] = ()
    sources: tuple[Member, ...] = ()

    @cached_property
    def usable(self) -> list[Member]:
        """Those whose own verdict does not say to leave them out."""
        return [one for one in self.members if one.verdict != "fail"]

    @cached_property
    def replicates(self) -> list[list[Member]]:
        """Usable recordings by replicate."""
        return by_unit(self.usable)


@dataclass(frozen=True)
class BatchEvidence:
    """All recordings that are to be compared."""

    members: tuple[Member, ...]

    def of_role(self, *roles: str) -> list[Member]:
        """Members with one of these roles."""
        return [one for one in self.members if one.role in roles]


def by_unit(members: Iterable[Member]) -> list[list[Member]]:
    """Put recordings of the same replicate together."""
    groups: dict[tuple[str, str], list[Member]] = {}
    for one in members:
        groups.setdefault(one.unit, []).append(one)
    return list(groups.values())


def samples_of(members: Sequence[Member]) -> list[SampleEvidence]:
    """Gather the samples of a batch, in the order of their first recording.

    The blanks of a sample are those that carry its name, else all of the batch. A recording of
    which nobody said what it belongs to is a sample only where there is a blank to hold it against.
    """
    blanks = [one for one in members if one.role == "blank"]
    groups: dict[tuple[str, str, bool], list[Member]] = {}
    for one in members:
        if one.role == "sample" and (one.sample or blanks):
            key = one.sample or one.name, one.condition, bool(one.sample)
            groups.setdefault(key, []).append(one)
    samples = []
    for (name, condition, grouped), own in groups.items():
        of_name = tuple(one for one in blanks if one.sample == name)
        origins = {one.preparation.made_from for one in own} - {""}
        sources = tuple(
            one
            for one in members
            if one.role == "sample" and one.sample in origins and one.verdict != "fail"
        )
        samples.append(
            SampleEvidence(name, condition, grouped, tuple(own), of_name or tuple(blanks), sources)
        )
    return samples

"""Figures of a size distribution, and shares of the size classes."""

from __future__ import annotations

from pydantic import Field

from evsize.results.values import Estimate, Model


class Peak(Model):
    """A peak of the distribution and the share of the population under it, with intervals."""

    mode_nm: float
    fraction: float
    mode_low_nm: float | None = None
    mode_high_nm: float | None = None
    fraction_low: float | None = None
    fraction_high: float | None = None


class Summary(Model):
    """Summary figures of a size distribution."""

    mean_nm: Estimate = Estimate()
    mode_nm: Estimate = Estimate()
    d10_nm: Estimate = Estimate()
    d50_nm: Estimate = Estimate()
    d90_nm: Estimate = Estimate()
    span: Estimate = Estimate()


class VolumeSummary(Summary):
    """Summary of the distribution in which each particle weighs by its volume."""

    derived_from: str = "the number-weighted distribution, each diameter weighted by its cube"


class DistributionSummary(Summary):
    """Summary of the answer: the deconvolved distribution."""

    peaks: list[Peak] = Field(default_factory=list)
    weighting: str = Field("", description="what a particle counts by, in words")
    per_volume: bool = Field(
        False, description="whether sizes are weighted per volume, else per particle seen"
    )
    systematic_percent: float | None = None
    systematic_parts_percent: dict[str, float] = Field(default_factory=dict)
    volume_weighted: VolumeSummary | None = None


class ClassShare(Model):
    """One size class and the share of the population in it."""

    name: str
    low_nm: float
    high_nm: float | None
    fraction: Estimate
    concentration_per_ml: Estimate | None = None
    note: str = ""


class Misev(Model):
    """Small and large vesicles, split at 200 nm (MISEV2023)."""

    small_fraction: Estimate = Estimate()
    large_fraction: Estimate = Estimate()

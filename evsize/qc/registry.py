"""Every quality rule by its name: this list is all there is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evsize.qc import amount, batches, damage, motion, optics, samples, sizes
from evsize.qc.judging import Judgement, Limits
from evsize.results import Scope


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    judge : callable
        Evidence and limits to a judgement; its name is the rule's, its docstring the question
        and what to do where the answer is no.
    scope : {"recording", "sample", "batch"}
        Of what it is asked.
    required : bool
        Whether nothing passes without the data for it.
    particles : bool
        Whether it asks about particles, so that it is not asked of a blank.
    may_have : tuple of str
        Limits that a profile may set beside those of the profile ``general``.
    called : str
        Its name, where a profile added it.
    """

    judge: Callable[[Any, Limits], Judgement]
    scope: Scope = "recording"
    required: bool = True
    particles: bool = False
    may_have: tuple[str, ...] = ()
    called: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.called or self.judge.__name__

    @property
    def question(self) -> str:
        """What it asks: the first line of the docstring."""
        return (inspect.getdoc(self.judge) or "").partition("\n")[0]

    @property
    def advice(self) -> str:
        """What to do where it does not pass: the rest of the docstring."""
        return " ".join((inspect.getdoc(self.judge) or "").partition("\n")[2].split())


REPORTED = ("low", "high")

RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(amount.something_to_size, particles=True),
        Rule(amount.tracks_used, particles=True),
        Rule(amount.tracks_share, particles=True),
        Rule(amount.duration),
        Rule(amount.particles_per_frame, particles=True),
        Rule(amount.cell_concentration, required=False, particles=True),
        Rule(amount.outside_range, required=False, particles=True),
        Rule(optics.false_detections),
        Rule(motion.search_radius, required=False, particles=True),
        Rule(motion.step_correlation, required=False, particles=True),
        Rule(motion.even_steps, required=False, particles=True),
        Rule(motion.flow, required=False, particles=True),
        Rule(motion.sudden_motion, required=False, particles=True),
        Rule(motion.motion_blur),
        Rule(optics.saturated_spots, particles=True),
        Rule(optics.localisation_noise, required=False, particles=True),
        Rule(optics.sub_pixel_bias, required=False, particles=True),
        Rule(optics.steady_focus, required=False, particles=True),
        Rule(optics.steady_background, required=False),
        Rule(sizes.temperature),
        Rule(sizes.detection_limit, required=False, particles=True),
        Rule(sizes.self_check, required=False, particles=True),
        Rule(sizes.instrument_fits, required=False),
        Rule(damage.as_recorded),
        Rule(damage.whole_file),
        Rule(damage.corrupt_frames),
        Rule(damage.duplicate_frames),
        Rule(damage.missing_frames),
        Rule(damage.even_times),
        Rule(damage.sources_agree),
        Rule(damage.polarity, required=False, particles=True),
        Rule(samples.replicates, "sample"),
        Rule(samples.replicate_counts, "sample"),
        Rule(samples.replicate_sizes, "sample", required=False),
        Rule(samples.blank_share, "sample"),
        Rule(samples.recovery, "sample", required=False, may_have=REPORTED),
        Rule(samples.particles_per_protein, "sample", required=False, may_have=REPORTED),
        Rule(samples.dilution_linearity, "sample", required=False, may_have=REPORTED),
        Rule(batches.equal_settings, "batch"),
        Rule(batches.steady_temperature, "batch", required=False),
        Rule(batches.bead_standard, "batch"),
    )
}
"""In the order in which findings are shown."""

FILE_RULES = ("whole_file", "corrupt_frames", "missing_frames", "even_times", "sources_agree")
"""Those that need nothing but the opened file."""

UNWAIVABLE = ("something_to_size",)
"""What nobody can waive: no size holds without it."""


def required(scope: Scope) -> frozenset[str]:
    """Rules of a scope without whose data nothing passes."""
    return frozenset(name for name, rule in RULES.items() if rule.required and rule.scope == scope)

"""What the stages hand on, and what a result is made of.

=============  ====================================================================
`acquisition`  how a recording was made, and where each value came from
`stages`       what detection, tracking, diffusion, sizing and counting hand on
`figures`      figures of a distribution: D50, peaks, shares of the classes
`quality`      findings and verdict
`report`       the content of ``result.json``, and the whole result
`values`       what these are made of: a value with its source, one with its interval
=============  ====================================================================
"""

from evsize.results.acquisition import UNITS, Acquisition, as_conditions
from evsize.results.figures import (
    ClassShare,
    DistributionSummary,
    Misev,
    Peak,
    Summary,
    VolumeSummary,
)
from evsize.results.quality import Finding, Qc, Scope, Status, Verdict
from evsize.results.report import (
    Drift,
    Position,
    Provenance,
    RecordingInfo,
    Report,
    Result,
    TracksSummary,
)
from evsize.results.stages import (
    Blank,
    Completeness,
    Detections,
    FaintPeaks,
    Frames,
    Likelihoods,
    NoiseUncertainty,
    Sizing,
    Tracks,
)
from evsize.results.values import Estimate, Floats, Model, Progress, Value, numbers

__all__ = [
    "UNITS",
    "Acquisition",
    "Blank",
    "ClassShare",
    "Completeness",
    "Detections",
    "DistributionSummary",
    "Drift",
    "Estimate",
    "FaintPeaks",
    "Finding",
    "Floats",
    "Frames",
    "Likelihoods",
    "Misev",
    "Model",
    "NoiseUncertainty",
    "Peak",
    "Position",
    "Progress",
    "Provenance",
    "Qc",
    "RecordingInfo",
    "Report",
    "Result",
    "Scope",
    "Sizing",
    "Status",
    "Summary",
    "Tracks",
    "TracksSummary",
    "Value",
    "Verdict",
    "VolumeSummary",
    "as_conditions",
    "numbers",
]

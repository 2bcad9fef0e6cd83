"""Analysis: what a user holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from evsize import pipeline, recording, report, storage
from evsize.recording.sidecar import checked, combine
from evsize.report import words
from evsize.results import (
    UNITS,
    ClassShare,
    DistributionSummary,
    Estimate,
    Misev,
    Progress,
    Qc,
    Result,
    Summary,
    Value,
)
from evsize.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Analysis(Result):
    """The sizes found in one recording.

    Attributes
    ----------
    summary : Report
        All of ``result.json``.
    particles, tracks, frames, distribution_table : DataFrame
        One row a particle, a position, a frame, a size bin; units are in the column names.
    preview : ndarray or None
        A frame with what was found drawn on it.
    strip : ndarray or None
        A few particles in successive frames.
    """

    @classmethod
    def of(cls, result: Result) -> Analysis:
        """Hold a result."""
        return cls(**{field.name: getattr(result, field.name) for field in fields(result)})

    @property
    def distribution(self) -> DistributionSummary:
        """Summary figures of the size distribution (the answer)."""
        return self.summary.distribution

    @property
    def raw(self) -> Summary:
        """The same figures of single-track diameters, wider since they hold their errors."""
        return self.summary.raw

    @property
    def classes(self) -> list[ClassShare]:
        """Size classes and the share of the population in each."""
        return self.summary.classes

    @property
    def misev(self) -> Misev:
        """Share of small and large vesicles, split at 200 nm."""
        return self.summary.misev

    @property
    def qc(self) -> Qc:
        """The verdict and the findings behind it."""
        return self.summary.qc

    @property
    def acquisition(self) -> dict[str, Value]:
        """How the recording was made, with the source of each value."""
        return self.summary.acquisition

    @property
    def detection_limit_nm(self) -> Estimate | None:
        """Smallest diameter that would have been seen, nm."""
        return self.summary.detection_limit_nm

    @property
    def concentration_per_ml(self) -> Estimate | None:
        """Particles per mL of the undiluted sample, or None (``summary`` says why)."""
        return self.summary.concentration_per_ml

    def save(
        self,
        folder: str | Path,
        overwrite: bool = False,
        tables: Iterable[str] = ("parquet",),
        figures: Iterable[str] = (),
    ) -> Path:
        """Write the result folder, whole or not at all.

        Parameters
        ----------
        folder : path
            Where it is to appear.
        overwrite : bool
            Replace a result that stands there.
        tables : iterable of str
            Formats beside those always written: "parquet", "csv", "xlsx".
        figures : iterable of str
            Formats of the figures for papers, by default none: "svg", "pdf", "png".

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OutputError
            If it cannot be written, or something stands there.
        """
        folder = Path(folder)
        with storage.whole_folder(folder, overwrite) as partial:
            storage.write_result(self, partial, tuple(tables))
            report.write_page(partial)
            if chosen := tuple(figures):
                from evsize.report.figures import write_figures  # noqa: PLC0415  (as below)

                write_figures(self, partial, chosen)
        return folder

    def plot_distribution(self, ax: Axes | None = None, raw: bool = False) -> Axes:
        """Draw the size distribution with its 95 % band on matplotlib axes.

        Parameters
        ----------
        ax : Axes, optional
            Where; a new figure if left out.
        raw : bool
            Also the histogram of single tracks, uncorrected.
        """
        from evsize.report import figures  # noqa: PLC0415  (matplotlib only for those who draw)

        return figures.plot_distribution(self, ax, raw)

    def plot_tracks(self, ax: Axes | None = None, most: int = 300) -> Axes:
        """Draw used tracks where they ran, coloured by diameter, on matplotlib axes.

        Parameters
        ----------
        ax : Axes, optional
            Where; a new figure if left out.
        most : int
            Tracks drawn, the longest first.
        """
        from evsize.report import figures  # noqa: PLC0415  (matplotlib only for those who draw)

        return figures.plot_tracks(self, ax, most)

    def plot_qc(self, axes: NDArray[Any] | None = None) -> NDArray[Any]:
        """Draw spots and flow over time, step lengths, and brightness against size.

        Parameters
        ----------
        axes : ndarray of Axes, (2, 2), optional
            Where; a new figure if left out.
        """
        from evsize.report import figures  # noqa: PLC0415  (matplotlib only for those who draw)

        return figures.plot_qc(self, axes)

    def __repr__(self) -> str:
        summary = self.summary
        lines = [
            f"Analysis of {summary.recording.path}",
            f"  verdict: {self.qc.verdict} ({words.VERDICT_MEANING[self.qc.verdict]})",
            f"  median diameter: {words.estimate(self.distribution.d50_nm, 'nm')}, 95 % interval",
            f"  D10 to D90: {words.figure(self.distribution.d10_nm.value)} to "
            f"{words.figure(self.distribution.d90_nm.value)} nm",
            f"  tracks used: {summary.tracks.n_used} of {summary.tracks.n}",
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return report.render_summary(self)


def analyze(
    source: Any,
    settings: Settings | None = None,
    progress: Progress | None = None,
    *,
    jobs: int = 1,
    **acquisition: Any,
) -> Analysis:
    """Size the particles of a recording.

    Parameters
    ----------
    source : Recording, path, array of shape (frames, y, x) or pims sequence
        The recording.
    settings : Settings, optional
        What differs from the usual.
    progress : callable, optional
        Called with the name of the stage, the steps done and their number.
    jobs : int, optional
        Frames searched at a time, each on a core of its own; the result is the same.
    **acquisition
        How the recording was made, where it does not say so itself: ``pixel_size_um``,
        ``frame_rate_hz``, ``exposure_ms``, ``temperature_c``, ``medium``, ``viscosity_mpas``,
        ``depth_um``, ``dilution``.

    Returns
    -------
    Analysis
        Sizes, distribution, classes, verdict.

    Raises
    ------
    UsageError
        If a value is missing, unknown or out of its range.
    RecordingError
        If the recording cannot be read.
    """
    unknown = sorted(set(acquisition) - set(UNITS))
    if unknown:
        raise TypeError(f"analyze() got unexpected {unknown}; acquisition values: {list(UNITS)}")
    given = checked(acquisition, "analyze()")
    settings = settings or Settings()
    if isinstance(source, recording.Recording):
        return _run(source, settings, progress, jobs, given)
    with recording.open_recording(source) as opened:
        return _run(opened, settings, progress, jobs, given)


def _run(
    opened: recording.Recording,
    settings: Settings,
    progress: Progress | None,
    jobs: int,
    given: Mapping[str, Any],
) -> Analysis:
    values = combine(
        opened.acquisition,
        {
            "instrument file": settings.instrument.acquisition(),
            "settings": settings.acquisition.model_dump(),
            "given": given,
        },
    )
    result = pipeline.run(opened, settings, acquisition=values, progress=progress, jobs=jobs)
    return Analysis.of(result)


def load_result(folder: str | Path) -> Analysis:
    """Read a saved result.

    Parameters
    ----------
    folder : path
        As written by `Analysis.save` or ``evsize analyze``.

    Returns
    -------
    Analysis

    Raises
    ------
    ResultError
        If the folder holds no result, or a broken one.
    """
    return Analysis.of(storage.read_result(Path(folder)))

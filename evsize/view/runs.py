"""A whole analysis in the background, and what became of it."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path
from typing import Any, Literal

from evsize.analysis import Analysis, analyze
from evsize.errors import UsageError, describe
from evsize.report import PAGE_FILE, words
from evsize.results import Report
from evsize.settings import Settings

UNFAVOURABLE = ("fail", "no_data", "warn")


class Run:
    """At most one analysis.

    Attributes
    ----------
    error : str
        Why there is no result, in one line.
    trace : str
        Where an error of ours came from.
    """

    def __init__(self) -> None:
        self._status: Literal["none", "running", "done", "failed"] = "none"
        self._progress = ("", 0, 0)
        self._result: Analysis | None = None
        self._folder: Path | None = None
        self.error = ""
        self.trace = ""

    @classmethod
    def of(cls, result: Analysis, folder: Path) -> Run:
        """Hold a result that was there already."""
        run = cls()
        run._status, run._result, run._folder = "done", result, folder
        return run

    def check_idle(self) -> None:
        """Refuse another analysis beside one that goes on.

        Raises
        ------
        UsageError
            If one does.
        """
        if self._status == "running":
            raise UsageError("an analysis is running", advice="wait until it is done")

    def start(self, path: Path, settings: Settings, folder: Path, replace: bool) -> None:
        """Analyse a recording in a thread of its own, which ends with the program."""
        self._status, self._folder = "running", folder
        work = threading.Thread(
            target=self._work, args=(path, settings, folder, replace), daemon=True
        )
        work.start()

    def _work(self, path: Path, settings: Settings, folder: Path, replace: bool) -> None:
        try:
            result = analyze(path, settings, self._tell)
            self._progress = ("writing", 0, 0)
            output = settings.output
            result.save(folder, replace, tables=output.tables, figures=output.figures)
            self._result, self._status = result, "done"
        except Exception as error:  # told on the page
            self.error = describe(error)[0]
            self.trace = traceback.format_exc()
            self._status = "failed"

    def _tell(self, stage: str, done: int, total: int) -> None:
        self._progress = (stage, done, total)

    def state(self) -> dict[str, Any]:
        """Status, progress and result, for the page."""
        stage, done, total = self._progress
        state: dict[str, Any] = {
            "status": self._status,
            "stage": stage,
            "done": done,
            "total": total,
            "error": self.error,
            "result": None,
        }
        if self._result is not None:
            state["result"] = _spelled(self._result.summary) | {"folder": str(self._folder)}
        return state

    @property
    def report(self) -> Path | None:
        """The page of the result, where there is one."""
        if self._status != "done" or self._folder is None:
            return None
        return self._folder / PAGE_FILE


def _spelled(report: Report) -> dict[str, Any]:
    """Verdict and main figures in words."""
    sizes, tracks = report.distribution, report.tracks
    order = UNFAVOURABLE.index
    remarks = [finding for finding in report.qc.findings if finding.status in UNFAVOURABLE]
    counted = report.concentration_per_ml
    counts = [("particles per mL", words.per_ml(counted))] if counted else []
    return {
        "verdict": report.qc.verdict,
        "mark": words.STATUS_MARK[report.qc.verdict],
        "meaning": words.VERDICT_MEANING[report.qc.verdict],
        "remarks": [
            {
                "rule": f"{words.plain(finding.rule)}: {words.plain(finding.status)}.",
                "message": finding.message,
                "advice": finding.advice,
            }
            for finding in sorted(remarks, key=lambda finding: order(finding.status))
        ],
        "figures": [
            ("median diameter", words.estimate(sizes.d50_nm, "nm")),
            ("D10", words.estimate(sizes.d10_nm, "nm")),
            ("D90", words.estimate(sizes.d90_nm, "nm")),
            ("small EV, below 200 nm", words.share(report.misev.small_fraction)),
            *counts,
            ("tracks used", f"{tracks.n_used} of {tracks.n}"),
        ],
    }

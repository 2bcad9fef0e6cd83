"""A result folder -> ``report.html``, one page that needs nothing else."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from evsize.report import charts, words
from evsize.report.completeness_charts import draw_completeness
from evsize.report.drawing import draw_distribution
from evsize.report.methods import TO_ADD, methods_text
from evsize.report.templates import render_template
from evsize.results import Report, Result, Value
from evsize.storage import read_result

PAGE_FILE = "report.html"
_PICTURE_PX, _STRIP_PX = 900, 1300
_ORDER = ("fail", "no_data", "warn", "waived", "pass", "not_applicable")
_EMBEDDED_BYTES = 600_000
_DOWNLOADS = {
    "result.json": ("application/json", "all figures, settings and findings"),
    "distribution.csv": ("text/csv", "the size distribution, a row a size step"),
    "particles.csv": ("text/csv", "a row a track that was sized"),
    "completeness.csv": ("text/csv", "how deep each size is seen, and the self-check"),
}


def write_page(folder: Path, path: Path | None = None) -> Path:
    """Write the page of a saved result, from its files alone.

    Parameters
    ----------
    folder : Path
        A result folder.
    path : Path, optional
        The page; ``report.html`` in the folder if left out.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ResultError
        If the folder holds no result.
    """
    path = path or folder / PAGE_FILE
    path.write_text(render(read_result(folder), downloads(folder)), encoding="utf-8")
    return path


def render(result: Result, files: list[tuple[str, str, str]] | None = None) -> str:
    """Return the page of a result, with what can be downloaded: name, meaning, address."""
    report = result.summary
    rejected = [(words.plain(name), n) for name, n in report.tracks.rejected.items() if n]
    return render_template(
        "page.html",
        report=report,
        name=words.recording_name(report),
        findings=sorted(report.qc.findings, key=lambda finding: _ORDER.index(finding.status)),
        distribution=_drawing(draw_distribution(result.distribution_table, report)),
        frames=_drawing(charts.draw_frames(result.frames)),
        flow=_drawing(charts.draw_flow(result.frames)),
        sudden=charts.has_sudden_frames(result.frames),
        brightness=_drawing(charts.draw_brightness(result.particles)),
        paths=_drawing(charts.draw_paths(result.particles, result.tracks)),
        tracks=_drawing(charts.draw_shares([("used", report.tracks.n_used), *rejected])),
        steps=[
            (_drawing(chart), text)
            for chart, text in charts.draw_diagnostics(result.particles, result.tracks, report)
        ],
        missed=[
            (_drawing(chart), text)
            for chart, text in draw_completeness(result.completeness)
            if chart
        ],
        preview=_picture(result.preview, _PICTURE_PX),
        strip=_picture(result.strip, _STRIP_PX),
        recording=_recording_rows(report),
        settings=_value_rows(report.settings),
        acquisition=_value_rows(report.acquisition),
        methods=methods_text(report),
        to_add=TO_ADD,
        downloads=files or [],
    )


def render_summary(result: Result) -> str:
    """Return what a notebook shows of a result: verdict, distribution, figures."""
    drawing = draw_distribution(result.distribution_table, result.summary)
    return render_template(
        "notebook.html",
        report=result.summary,
        name=words.recording_name(result.summary),
        distribution=_drawing(drawing),
    )


def downloads(folder: Path) -> list[tuple[str, str, str]]:
    """Files of a result folder to take from the page; large ones are named, not held: ``""``."""
    held = []
    for name, (kind, meaning) in _DOWNLOADS.items():
        path = folder / name
        if path.is_file():
            small = path.stat().st_size <= _EMBEDDED_BYTES
            held.append((name, meaning, data_uri(path.read_bytes(), kind) if small else ""))
    return held


def data_uri(content: bytes, kind: str) -> str:
    """Return an address that holds the content itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _drawing(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704  (the drawings escape every text)


def _picture(pixels: NDArray[np.uint8] | None, most_px: int) -> str:
    """Return a picture as a data URI, small enough for a page to be mailed."""
    if pixels is None:
        return ""
    image, buffer = Image.fromarray(pixels), BytesIO()
    image.thumbnail((most_px, most_px))
    image.save(buffer, "JPEG", quality=80)
    exact = BytesIO()
    image.save(exact, "PNG")
    if exact.tell() <= buffer.tell():  # whole enlarged pixels
        return data_uri(exact.getvalue(), "image/png")
    return data_uri(buffer.getvalue(), "image/jpeg")


def _recording_rows(report: Report) -> list[tuple[str, str]]:
    about = report.recording
    rows = [
        ("file", about.path),
        ("format", about.format),
        ("frames", str(about.frames)),
        ("frame size", f"{about.width_px} x {about.height_px} px, {about.bit_depth} bit"),
        ("duration", f"{words.figure(about.duration_s)} s" if about.duration_s else ""),
        ("SHA-256", about.sha256 or ""),
    ]
    return [(name, text) for name, text in rows if text]


def _value_rows(values: dict[str, Value]) -> list[tuple[str, str, str]]:
    return [(name, words.setting(value), value.source) for name, value in values.items()]

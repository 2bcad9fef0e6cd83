"""A result folder -> ``report.html``, one page that needs nothing else."""

from __future__ import annotations

import base64
from functools import cache
from io import BytesIO
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from PIL import Image

from evsize.report import words
from evsize.report.drawing import draw_distribution, draw_frames, draw_shares
from evsize.results import Report, Result, Value
from evsize.storage import read_result

PAGE_FILE = "report.html"
_HERE = Path(__file__).parent
_PICTURE_PX = 900
_ORDER = ("fail", "no_data", "warn", "pass", "not_applicable")


def write_page(folder: Path) -> Path:
    """Write the page of a saved result, from its files alone, beside them.

    Parameters
    ----------
    folder : Path
        A result folder.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ResultError
        If the folder holds no result.
    """
    path = folder / PAGE_FILE
    path.write_text(render(read_result(folder)), encoding="utf-8")
    return path


def render(result: Result) -> str:
    """Return the page of a result."""
    report = result.summary
    rejected = [(words.plain(name), n) for name, n in report.tracks.rejected.items() if n]
    return _template().render(
        report=report,
        words=words,
        name=Path(report.recording.path.replace("\\", "/")).name or report.recording.path,
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704  (our file)
        findings=sorted(report.qc.findings, key=lambda finding: _ORDER.index(finding.status)),
        distribution=_drawing(draw_distribution(result.distribution_table, report)),
        frames=_drawing(draw_frames(result.frames)),
        tracks=_drawing(draw_shares([("used", report.tracks.n_used), *rejected])),
        preview=_picture(result),
        recording=_recording_rows(report),
        settings=_value_rows(report.settings),
        acquisition=_value_rows(report.acquisition),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _drawing(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704  (drawing.py escapes every text)


def _picture(result: Result) -> str:
    """Return the preview as a data URI, small enough for a page to be mailed."""
    if result.preview is None:
        return ""
    image, buffer = Image.fromarray(result.preview), BytesIO()
    image.thumbnail((_PICTURE_PX, _PICTURE_PX))
    image.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


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

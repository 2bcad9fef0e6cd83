"""The pages' templates, style and script, all from this package."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evsize.report import words

_HERE = Path(__file__).parent


def render_template(template: str, **content: Any) -> str:
    """Fill a template; every text in it is escaped.

    A page carries a policy by which a browser fetches nothing and runs our script alone, known by
    its hash.
    """
    style, script = _asset("page.css"), _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            words=words,
            style=Markup(style),  # noqa: S704  (our file)
            script=Markup(script),  # noqa: S704  (our file)
            policy="default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            **content,
        )
    )


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

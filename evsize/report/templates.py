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
    return fill(_HERE, template, _asset("page.css"), _asset("page.js"), "img-src data:", **content)


def fill(folder: Path, template: str, style: str, script: str, allowed: str, **content: Any) -> str:
    """Fill a template of a folder, which may extend those here.

    Parameters
    ----------
    folder : Path
        Where the template is.
    template : str
        Its name.
    style, script : str
        The page's own, the only ones that a browser takes.
    allowed : str
        What the page may fetch, in the words of a content security policy.
    **content
        What the template names; texts are escaped.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment(folder)
        .get_template(template)
        .render(
            words=words,
            style=Markup(style),  # noqa: S704  (our file)
            script=Markup(script),  # noqa: S704  (our file)
            policy=f"default-src 'none'; {allowed}; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            **content,
        )
    )


def page_style() -> str:
    """Style sheet of all pages."""
    return _asset("page.css")


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _environment(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader([folder, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""The documentation builds without a warning, and its pages fetch nothing from the network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//"""
    r"""|<link\b[^>]*\brel=["']?(?:stylesheet|preconnect|preload|icon)[^>]*(?:https?:)?//"""
    r"""|url\(["']?(?:https?:)?//""",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages."""
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_is_in_the_menu(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    menu = (site / "index.html").read_text(encoding="utf-8")
    for page in pages | {Path("example.md")}:
        name = page.with_suffix(".html").as_posix()
        assert (site / name).is_file()
        assert f'href="{name}"' in menu, f"{name} is not in the menu: add it to mkdocs.yml"


def test_nothing_is_fetched_from_the_network(site: Path) -> None:
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        found = FETCHED.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path.name}: {found}"


def test_the_gate_bites() -> None:
    for text in (
        '<script src="https://cdn.example/x.js">',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        "body { background: url('http://x.example/a.png') }",
    ):
        assert FETCHED.search(text)
    assert not FETCHED.search('<a href="https://example.org">a link</a>')


def test_tables_and_equations_are_made(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<!-- made:" not in text
        assert 'class="arithmatex"' not in text
        assert "data-shown" not in text
    assert "<mfrac>" in (site / "method.html").read_text(encoding="utf-8")
    assert "smallest_diameter_nm" in (site / "settings.html").read_text(encoding="utf-8")
    commands = (site / "commands.html").read_text(encoding="utf-8")
    assert "--output, -o DIR" in commands
    assert "fail-on warn&#124;fail" in commands
    assert 'src="data:image/png;base64,' in (site / "example.html").read_text(encoding="utf-8")

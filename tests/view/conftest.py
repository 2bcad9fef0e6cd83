"""A short film to look at, and its page served in this process."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra 'gui' is not installed")
pytest.importorskip("uvicorn", reason="the extra 'gui' is not installed")

from evsize.settings import Settings
from evsize.view.server import Page
from evsize.view.session import Session
from tests.conftest import ROOT

QUICK = Settings.model_validate(
    {
        "recording": {"frames": "0:60"},
        "sizing": {"n_bootstrap": 20},
        "completeness": {"mode": "off"},  # half a minute a run
    }
)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A film of beads with the values that stand beside it."""
    for name in ("beads_100nm.tif", "beads_100nm.toml"):
        shutil.copy(ROOT / "sample_videos" / name, tmp_path / name)
    return tmp_path / "beads_100nm.tif"


@pytest.fixture
def bare(film: Path) -> Path:
    """The same film, of which nothing is known."""
    film.with_suffix(".toml").unlink()
    return film


@pytest.fixture
def session(film: Path) -> Iterator[Session]:
    opened = Session(QUICK)
    opened.open(str(film))
    yield opened
    opened.close()


@pytest.fixture
def served() -> Iterator[Callable[[Session], Page]]:
    """Serve sessions until the end of the test."""
    running: list[tuple[Page, threading.Thread]] = []

    def start(session: Session) -> Page:
        page = Page(session)
        thread = threading.Thread(target=page.serve)
        running.append((page, thread))
        thread.start()
        until(lambda: page.ready)
        return page

    yield start
    for page, thread in running:
        page.stop()
        thread.join(20)
        assert not thread.is_alive()


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)

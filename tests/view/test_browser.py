"""The page in a real browser: open, move the threshold, save, run, see the verdict."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import evsize
from evsize.report import words
from evsize.settings import parse_settings, read_toml
from evsize.view.server import Page
from evsize.view.session import Session
from tests.view.conftest import QUICK

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
PHONE = {"width": 390, "height": 800}
SLOW_MS = 240_000  # the first look may compile the kernels, on a busy machine
Show = Callable[..., Any]


@pytest.fixture
def show(served: Callable[[Session], Page]) -> Iterator[Show]:
    """Serve a session and open its page; nothing else is fetched and nothing complained of."""
    fetched, said, addresses = [], [], []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM)

        def opened(session: Session, **options: Any) -> Any:
            address = served(session).address
            addresses.append(address)
            page = browser.new_context(**options).new_page()
            page.set_default_timeout(SLOW_MS)
            page.on("request", lambda request: fetched.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(address)
            return page

        yield opened
        browser.close()
    assert [url for url in fetched if not url.startswith((*addresses, "data:"))] == []
    assert said == []


def settled(page: Any) -> str:
    """Wait until the page has looked; return what it says of the frame shown."""
    page.locator("#here").get_by_text("In this frame").wait_for()
    page.wait_for_timeout(300)  # the pause before it looks again
    page.locator("#look[aria-busy=false]").wait_for()
    return page.locator("#here").inner_text()


def test_from_a_path_to_a_verdict(show: Show, film: Path, tmp_path: Path) -> None:
    page = show(Session(QUICK))
    assert not page.locator("#look").is_visible()
    page.get_by_label("a path on this computer").fill(str(tmp_path / "wrong.tif"))
    page.get_by_role("button", name="Open").click()
    page.get_by_role("alert").get_by_text("wrong.tif").wait_for()
    page.get_by_label("a path on this computer").fill(str(film))
    page.keyboard.press("Enter")
    before = settled(page)
    assert not page.get_by_role("alert").is_visible()
    rings = page.locator("#spots .spot:not(.weak)").count()

    page.get_by_label("Signal to noise").fill("12")
    after = settled(page)
    assert after != before
    assert page.locator("#spots .spot:not(.weak)").count() < rings
    assert not page.get_by_label("automatic").is_checked()

    page.get_by_label("temperature").fill("25")
    page.get_by_label("Settings file").fill(str(tmp_path / "chosen.toml"))
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved:").wait_for()
    saved = parse_settings(read_toml(tmp_path / "chosen.toml"), "file")
    assert saved.detection.threshold_snr == 12
    assert saved.acquisition.temperature_c == 25

    page.get_by_label("Folder for the result").fill(str(tmp_path / "out"))
    page.get_by_role("button", name="Run").click()
    page.get_by_role("region", name="Result").wait_for()
    result = evsize.load_result(tmp_path / "out" / "beads_100nm")
    shown = page.get_by_role("region", name="Result").inner_text()
    assert result.qc.verdict.upper() in shown.upper()
    assert words.VERDICT_MEANING[result.qc.verdict] in shown
    assert words.estimate(result.distribution.d50_nm, "nm") in shown
    assert result.summary.settings["detection.threshold_snr"].value == 12
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open the whole report").click()
    assert popup.value.locator("h1").inner_text() == "beads_100nm.tif"

    page.get_by_role("button", name="Run").click()
    page.get_by_role("alert").get_by_text("exists already").wait_for()


def test_frames_and_contrast(show: Show, session: Session) -> None:
    page = show(session)
    settled(page)
    picture = page.locator("#picture")
    first = picture.get_attribute("src")
    page.locator("#frame").focus()
    page.keyboard.press("ArrowRight")
    assert picture.get_attribute("src") != first
    assert "31" in page.locator("#frame-number").inner_text()
    page.get_by_label("Contrast").fill("2")
    assert picture.get_attribute("src").endswith("contrast=4")
    page.wait_for_timeout(300)
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 320


def test_rings_lie_on_the_picture(show: Show, session: Session) -> None:
    """The drawing over the frame has its size and its px."""
    page = show(session, viewport=PHONE)
    settled(page)
    picture, rings = page.locator("#picture").bounding_box(), page.locator("#spots").bounding_box()
    for side in ("x", "y", "width", "height"):
        assert rings[side] == pytest.approx(picture[side], abs=1)
    assert page.locator("#spots").get_attribute("viewBox") == "0 0 320 240"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(show: Show, session: Session, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = show(session, color_scheme=scheme)
    settled(page)
    found = axe.Axe().run(page).response["violations"]
    assert [
        (item["id"], [node["html"] for node in item["nodes"]])
        for item in found
        if item["impact"] in ("serious", "critical")
    ] == []


def test_names_are_text(show: Show, film: Path) -> None:
    hostile = film.rename(film.with_name("<img src=x onerror=alert(1)>.tif"))
    film.with_suffix(".toml").rename(hostile.with_suffix(".toml"))
    session = Session(QUICK)
    session.open(str(hostile))
    page = show(session)
    settled(page)
    assert page.locator("h1").inner_text() == hostile.name
    session.close()

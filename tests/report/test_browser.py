"""The pages in a real browser: Chromium, driven by Playwright; skipped where one is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evsize import storage
from evsize.report import write_page, write_study
from evsize.report.page import downloads
from tests.contract import example

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
HOSTILE = "<script>alert(1)</script>\"'&"
IMAGE = "<img src=x onerror=alert(1)>\"'.tif"
PHONE = {"width": 390, "height": 800}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pages")
    about = example.summary().recording.model_copy(update={"path": f"{HOSTILE}/{IMAGE}"})
    made = {}
    for name, result in (
        ("good", example.result()),
        ("blank", example.blank()),
        ("hostile", example.result(recording=about)),
    ):
        folder = root / name
        folder.mkdir()
        storage.write_result(result, folder)
        made[name] = write_page(folder)
    samples = [("a", root / "good"), ("a", root / "hostile"), (HOSTILE, root / "blank")]
    made["study"] = write_study(samples, root / "study.html")
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Any, pages: dict[str, Path]) -> Iterator[Callable[..., Any]]:
    """Open a page; at the end, nothing was fetched and nothing was complained of."""
    contexts, fetched, said = [], [], []

    def opened(name: str, **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: fetched.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(pages[name].as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    own = {page.as_uri() for page in pages.values()}
    assert [url for url in fetched if url not in own and not url.startswith("data:")] == []
    assert said == []


@pytest.mark.parametrize("name", ["good", "blank", "hostile", "study"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}])
def test_nothing_is_fetched_and_nothing_overflows(
    show: Callable[..., Any], name: str, viewport: dict[str, int]
) -> None:
    page = show(name, viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_a_hostile_name_is_text(show: Callable[..., Any]) -> None:
    page = show("hostile")
    assert page.locator("h1").inner_text() == IMAGE
    assert page.get_by_role("cell", name=f"{HOSTILE}/{IMAGE}").is_visible()
    assert HOSTILE in show("study").locator("table").first.inner_text()


def test_the_policy_bites(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    """A script that slipped into a page does not run."""
    text = pages["good"].read_text(encoding="utf-8")
    planted = tmp_path / "planted.html"
    planted.write_text(text.replace("<h1>", "<script>document.title='ran'</script><h1>"))
    page = browser.new_page()
    page.goto(planted.as_uri())
    assert page.title() != "ran"
    page.close()


def test_layers_are_chosen_without_javascript(show: Callable[..., Any]) -> None:
    page = show("good", java_script_enabled=False)
    layer = page.locator("svg .layer.raw")
    assert not layer.is_visible()
    page.get_by_label("single tracks, uncorrected").check()
    assert layer.is_visible()
    assert not page.locator("svg .layer.volume").is_visible()
    assert not page.locator(".reading").is_visible()
    assert not page.get_by_role("button").is_visible()


def test_the_keyboard_is_enough(show: Callable[..., Any]) -> None:
    page = show("good")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the result"
    slider = page.get_by_label("Read the curve")
    for _ in range(60):
        page.keyboard.press("Tab")
        if slider.evaluate("element => element === document.activeElement"):
            break
    before = page.locator("output").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("output").inner_text() != before
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator("svg .layer.raw").is_visible()
    page.get_by_role("button", name="Copy the text").focus()
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("C").wait_for()


def test_the_curve_is_read_with_the_mouse(show: Callable[..., Any]) -> None:
    page = show("good")
    curve, output = page.locator("svg.distribution"), page.locator("output")
    curve.hover(position={"x": 250, "y": 200})
    left = float(output.inner_text().split()[0])
    curve.hover(position={"x": 600, "y": 200})
    assert float(output.inner_text().split()[0]) > left


def test_a_file_is_taken_from_the_page(show: Callable[..., Any], pages: dict[str, Path]) -> None:
    page = show("good")
    for name, _, _ in downloads(pages["good"].parent):
        with page.expect_download() as taken:
            page.get_by_role("link", name=name).click()
        assert taken.value.suggested_filename == name
        content = Path(taken.value.path()).read_bytes()
        assert content == pages["good"].with_name(name).read_bytes()


def test_print_shows_all_settings_and_no_controls(show: Callable[..., Any]) -> None:
    page = show("good")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.get_by_role("cell", name="estimated from spots").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["good", "blank", "study"])
def test_axe_finds_nothing_serious(show: Callable[..., Any], name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = show(name, color_scheme=scheme, viewport=PHONE)
    found = axe.Axe().run(page).response["violations"]
    assert [
        (item["id"], [node["html"] for node in item["nodes"]])
        for item in found
        if item["impact"] in ("serious", "critical")
    ] == []

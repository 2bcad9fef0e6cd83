"""A page as PDF, printed by an installed browser; loaded only where one is asked for."""

from __future__ import annotations

import shutil
from html import escape
from pathlib import Path

from playwright.sync_api import Browser, Error, PdfMargins, Playwright, sync_playwright

from evsize.errors import UsageError
from evsize.storage import whole_file

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Browsers as Linux distributions call them."""
CHANNELS = ("chrome", "msedge", None)
"""Browsers where their makers put them; the last is the one that Playwright can install."""
MARGINS: PdfMargins = {"top": "14mm", "bottom": "16mm", "left": "15mm", "right": "15mm"}
FOOT = (
    '<div style="width: 100%; padding: 0 15mm; display: flex; justify-content: space-between; '
    'font: 8px sans-serif; color: #444"><span>{}</span><span><span class="pageNumber"></span> of '
    '<span class="totalPages"></span></span></div>'
)
LONGEST_FOOT = 100


def write_pdf(page: Path, path: Path) -> Path:
    """Print a page of evsize as A4.

    Parameters
    ----------
    page : Path
        The page, HTML.
    path : Path
        The PDF.

    Returns
    -------
    Path
        The PDF.

    Raises
    ------
    UsageError
        If no browser is installed that can print.
    """
    with sync_playwright() as playwright:
        browser = _launched(playwright)
        try:
            shown = browser.new_context(offline=True).new_page()
            shown.goto(page.resolve().as_uri())
            title = shown.title()
            shortened = title if len(title) <= LONGEST_FOOT else f"{title[:LONGEST_FOOT]}..."
            printed = shown.pdf(
                format="A4",
                margin=MARGINS,
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOT.format(escape(shortened)),
                tagged=True,
                outline=True,
            )
        finally:
            browser.close()
    with whole_file(path) as partial:
        partial.write_bytes(printed)
    return path


def _launched(playwright: Playwright) -> Browser:
    """Start the first browser there is."""
    for program in PROGRAMS:
        if found := shutil.which(program):
            return playwright.chromium.launch(executable_path=found)
    for channel in CHANNELS:
        try:
            return playwright.chromium.launch(channel=channel)
        except Error:  # not installed
            continue
    raise UsageError(
        "no browser to print with",
        "Chromium, Chrome or Edge",
        "install one, or type: playwright install chromium; or give -o FILE.html",
    )

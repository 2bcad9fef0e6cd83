"""A saved result in, a page for people out."""

from evsize.report.overview import Outcome, write_overview
from evsize.report.page import PAGE_FILE, write_page

__all__ = ["PAGE_FILE", "Outcome", "write_overview", "write_page"]

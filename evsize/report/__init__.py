"""A saved result in, pages and figures for people out."""

from evsize.report.overview import Outcome, write_overview
from evsize.report.page import PAGE_FILE, render_summary, write_page
from evsize.report.study import write_study

__all__ = ["PAGE_FILE", "Outcome", "render_summary", "write_overview", "write_page", "write_study"]

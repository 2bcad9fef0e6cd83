"""Every test of this folder also asserts that no file stays open."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest


def open_files() -> set[str]:
    """Files below a temporary or the shared folder that this process holds open."""
    links = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.add(str(entry.readlink()))
        except OSError:
            continue
    return {link for link in links if "pytest-of" in link or "shared/data" in link}


@pytest.fixture(autouse=True)
def no_file_stays_open() -> Iterator[None]:
    if not Path("/proc/self/fd").is_dir():
        yield
        return
    before = open_files()
    yield
    if open_files() != before:
        gc.collect()
    assert open_files() == before

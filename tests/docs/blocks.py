"""The code blocks of a page, and how each kind is run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from evsize.cli.main import main
from evsize.qc import load_profile
from evsize.settings import Settings, parse_settings

BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<why>[^\n]+) -->\n)?```(?P<kind>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
INSTALLS = ("python3 -m venv .venv", ".venv/bin/pip install --quiet .")
"""Left out of a block: `test_readme_first_command` runs them, and so does ``tests/check.py``."""
SHOWN = ("text",)
"""Kinds that show something and are not typed by anybody."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and why it is not run, where it is not."""

    kind: str
    code: str
    why: str | None


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    return [Block(found["kind"], found["code"], found["why"]) for found in BLOCK.finditer(page)]


def run_all(found: list[Block]) -> int:
    """Run the blocks of a page one after another in the current folder; return how many."""
    names: dict[str, Any] = {"__name__": "__main__"}
    n_run = 0
    for block in found:
        if block.why is None and block.kind not in SHOWN:
            RUNNERS[block.kind](block.code, names)
            n_run += 1
    return n_run


def run_shell(code: str, _: dict[str, Any]) -> None:
    """Type the lines: evsize in this process, all else in a shell."""
    for line in code.replace("\\\n", " ").splitlines():
        for command in line.split("&&"):
            words = shlex.split(os.path.expandvars(command), comments=True)
            if words and command.strip() not in INSTALLS:
                type_command(words)


def type_command(words: list[str]) -> None:
    """Run one command; a gate that bites is no failure of the page."""
    if PurePath(words[0]).name == "evsize":
        code = main(words[1:])
        assert code == (3 if code == 3 and "--fail-on" in words else 0), words
    else:
        done = subprocess.run(words, env=os.environ, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def run_python(code: str, names: dict[str, Any]) -> None:
    """Go on where the block before left off."""
    exec(compile(code, "<page>", "exec"), names)


def check_toml(code: str, _: dict[str, Any]) -> None:
    """Settings, or a profile of quality limits, that evsize knows."""
    content = tomllib.loads(code)
    if set(content) <= set(Settings.model_fields):
        parse_settings(content, "page")
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "profile.toml"
        path.write_text(code, encoding="utf-8")
        load_profile(str(path))


def check_yaml(code: str, _: dict[str, Any]) -> None:
    """Only that it can be read."""
    assert yaml.safe_load(code) is not None


def check_json(code: str, _: dict[str, Any]) -> None:
    """Only that it can be read."""
    json.loads(code)


RUNNERS = {
    "sh": run_shell,
    "python": run_python,
    "toml": check_toml,
    "yaml": check_yaml,
    "json": check_json,
}


def read(path: Path) -> list[Block]:
    """Blocks of a file."""
    return blocks(path.read_text(encoding="utf-8"))

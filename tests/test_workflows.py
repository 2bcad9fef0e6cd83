"""What the workflows call is what the program takes."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer

from evsize import __version__
from evsize.cli.main import app

WORKFLOWS = Path(__file__).parents[1] / "workflows"
CALLING = (
    "README.md",
    "snakemake/Snakefile",
    "nextflow/evsize/analyze/main.nf",
    "nextflow/evsize/qc/main.nf",
    "galaxy/evsize_analyze.xml",
)


def options(command: str) -> set[str]:
    parameters = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    return {name for parameter in parameters for name in parameter.opts}


def calls(text: str) -> list[tuple[str, set[str]]]:
    """Commands of evsize with their options, up to the end of the call."""
    known = "|".join(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    pieces = re.split(rf"evsize ({known})\b", text)
    ends = re.compile(r"\n\s*\n|\s# |&&|\n```|> \{log\}|`|<tr>|\|\|")
    return [
        (command, set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", ends.split(rest)[0])))
        for command, rest in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


@pytest.mark.parametrize("name", CALLING)
def test_every_option_exists(name: str) -> None:
    found = calls((WORKFLOWS / name).read_text(encoding="utf-8"))
    assert found
    for command, used in found:
        assert used <= options(command), (command, used - options(command))


def test_the_gate_bites() -> None:
    ((command, used),) = calls("evsize qc results --outptu x\n\nother --thing")
    assert used - options(command) == {"--outptu"}


def test_the_version_is_ours() -> None:
    tool = ET.parse(WORKFLOWS / "galaxy/evsize_analyze.xml").getroot()
    tokens = {token.get("name"): token.text for token in tool.iter("token")}
    assert tokens["@TOOL_VERSION@"] == __version__
    for path in WORKFLOWS.rglob("*"):
        if path.suffix in (".nf", ".yml", ".md") or path.name == "Dockerfile":
            for version in re.findall(r"evsize(?:==|:)(\d[\w.]*)", path.read_text()):
                assert version == __version__, path


def test_galaxy_offers_what_there_is() -> None:
    from evsize.physics import MEDIA
    from evsize.qc import built_in

    tool = ET.parse(WORKFLOWS / "galaxy/evsize_analyze.xml").getroot()
    offered = {
        parameter.get("name"): {option.get("value") for option in parameter.findall("option")}
        for parameter in tool.find("inputs") or ()
    }
    assert offered["medium"] == set(MEDIA)
    assert offered["profile"] == set(built_in())
    assert offered["fail_on"] == {"warn", "fail"}

"""What is packaged agrees with itself: recipe, bounds, entry points, files for the tests."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import jinja2
import pytest
import yaml

import evsize
from tests.conftest import ROOT

RECIPE = ROOT / "packaging" / "bioconda" / "meta.yaml"
CONDA_NAMES = {"matplotlib": "matplotlib-base", "opencv-python-headless": "py-opencv"}
CONDA_VERSIONS = {"opencv-python-headless>=4.10.0.84": ">=4.10.0"}
"""conda counts no fourth figure."""


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(content["project"])


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    text = RECIPE.read_text(encoding="utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)
    words = {"PYTHON": "python", "pin_subpackage": lambda name, **_: name}
    return dict(yaml.safe_load(environment.from_string(text).render(words)))


def split(requirement: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Za-z0-9_-]+)\s*(.*)", requirement)
    assert found is not None
    return found[1], found[2]


def test_recipe_needs_what_the_package_needs(
    recipe: dict[str, Any], project: dict[str, Any]
) -> None:
    wanted = {"python": project["requires-python"]}
    for requirement in project["dependencies"]:
        name, bounds = split(requirement)
        wanted[CONDA_NAMES.get(name, name)] = CONDA_VERSIONS.get(requirement, bounds)
    assert dict(split(one) for one in recipe["requirements"]["run"]) == wanted


def test_versions_agree(recipe: dict[str, Any]) -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(recipe["package"]["version"]) == str(citation["version"]) == evsize.__version__


def test_entry_point_of_the_recipe(recipe: dict[str, Any], project: dict[str, Any]) -> None:
    (script,) = recipe["build"]["entry_points"]
    assert script == f"evsize = {project['scripts']['evsize']}"


def test_source_archive_holds_what_its_tests_need() -> None:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = content["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    needed = ("tests", "evsize", "benchmarks", "docs", "sample_videos", "workflows", "packaging")
    assert {f"/{name}" for name in needed} <= set(packed)
    for name in packed:
        assert (ROOT / name[1:]).exists(), name

"""What importing and asking for help may load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import evsize

HEAVY = {"trackpy", "pims", "numba", "scipy", "pandas", "matplotlib", "av", "cv2", "skimage"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter after running some code."""
    program = (
        f"{code}\nimport sys\nprint('LOADED', *sorted({{m.split('.')[0] for m in sys.modules}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_importing_evsize_loads_nothing_heavy() -> None:
    assert not loaded_by("import evsize; dir(evsize)") & (HEAVY | {"pydantic", "numpy"})


@pytest.mark.parametrize("arguments", [["--help"], ["analyze", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"from evsize.cli.main import main; assert main({arguments}) == 0"
    assert not loaded_by(code) & (HEAVY | {"numpy"})


def test_the_gate_bites() -> None:
    assert "pydantic" in loaded_by("import evsize; evsize.Settings")


@pytest.mark.parametrize("name", evsize.__all__)
def test_public_names_are_there(name: str) -> None:
    assert name in dir(evsize)
    assert getattr(evsize, name) is getattr(evsize, name)


def test_packages_are_attributes() -> None:
    assert evsize.simulation.parse_population("100nm:5")[0].diameter_nm == 100
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = evsize.nonsense

"""Run every check of the project in a fresh environment of its own.

``python3 tests/check.py`` makes a virtual environment in a temporary folder, installs evsize with
its development tools, then runs the linter, the formatter, the type checker, the import contracts
and the tests. ``--here`` uses the running interpreter's environment instead, for daily work.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
    ("pytest", "-n", "2", "-q"),
)


def run(python: Path) -> int:
    """Run all checks with one interpreter; the first failure ends them."""
    for check in CHECKS:
        print("==", *check, flush=True)
        program = python.parent / check[0]
        code = subprocess.run([program, *check[1:]], cwd=ROOT, check=False).returncode
        if code:
            return code
    return 0


def main() -> int:
    """Install into a fresh environment and check there, or check here."""
    if sys.version_info < (3, 11):
        print("evsize needs Python 3.11 or newer; this is", sys.version.split()[0])
        return 2
    if "--here" in sys.argv[1:]:
        return run(Path(sys.executable))
    with tempfile.TemporaryDirectory(prefix="evsize-check-") as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        install = [python, "-m", "pip", "install", "--quiet", "--editable", ".[dev]"]
        code = subprocess.run(install, cwd=ROOT, check=False).returncode
        return code or run(python)


if __name__ == "__main__":
    sys.exit(main())

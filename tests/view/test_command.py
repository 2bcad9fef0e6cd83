from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from evsize.cli.main import main


def test_without_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("evsize.view")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["view"]) == 2
    said = capsys.readouterr().err
    assert 'pip install "evsize[gui]"' in said
    assert said.count("\n") == 1


def test_wrong_paths_and_ports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(tmp_path / "none.tif"), "--no-browser"]) == 4
    assert main(["view", "-c", str(tmp_path / "none.toml"), "--no-browser"]) == 2
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["view", "--port", str(port), "--no-browser"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert f"port {port} cannot be used" in lines[2]


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise there")
def test_it_serves_until_interrupted(film: Path) -> None:
    program = "import sys; from evsize.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "view", str(film), "--no-browser"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("Page:").strip()
        try:
            assert "Ctrl-C" in process.stdout.readline()
            with urllib.request.urlopen(f"{address}state", timeout=60) as answer:
                assert b"beads_100nm.tif" in answer.read()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert (out, err) == ("", "")

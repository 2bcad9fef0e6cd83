"""Every command and every piece of Python in README and docs is run, as it stands there.

The recordings are the samples, cut to about a second. A block that is not run says why in a
comment before it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

import evsize
from evsize.analysis import Analysis
from evsize.cli.main import main
from evsize.settings import CompletenessSettings, Settings
from evsize.simulation import samples
from tests.conftest import ROOT
from tests.docs.blocks import BLOCK, INSTALLS, RUNNERS, SHOWN, blocks, read, run_all
from tests.recording.makers import numbered_frames, write_film

FOLDERS = ("sample_videos", "workflows")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES += [ROOT / folder / "README.md" for folder in FOLDERS]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
N_FRAMES = 36
"""Fewer than `evsize.completeness` looks at, for speed."""


@pytest.fixture
def short_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples are cut to `N_FRAMES`."""
    short = {name: replace(one, n_frames=N_FRAMES) for name, one in samples.SAMPLES.items()}
    monkeypatch.setattr("evsize.simulation.samples.SAMPLES", short)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The short samples, written once."""
    folder = tmp_path_factory.mktemp("films")
    for name, sample in samples.SAMPLES.items():
        samples.simulate(sample.scene(), N_FRAMES, sample.seed).write(folder, name)
    return folder


@pytest.fixture(scope="module")
def result(films: Path) -> Analysis:
    """The short film of beads, analysed."""
    quick = Settings(completeness=CompletenessSettings(mode="off"))
    return evsize.analyze(films / "beads_100nm.tif", quick)


@pytest.fixture
def desk(films: Path, tmp_path: Path, short_samples: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a reader has it: the samples and a film."""
    shutil.copytree(films, tmp_path / "sample_videos")
    write_film(tmp_path / "MYFILM.avi", numbered_frames(12), "rawvideo", "gray")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "2")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_pages_are_found() -> None:
    assert len(PAGES) > 10
    assert sum(len(read(page)) for page in PAGES) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, desk: Path, result: Analysis) -> None:
    found = read(page)
    to_run = [block for block in found if block.why is None and block.kind not in SHOWN]
    assert all(block.kind in RUNNERS for block in to_run), page
    if page.parent == ROOT / "docs" and to_run:
        prepare(page.stem, desk, result)
    assert run_all(found) == len(to_run)


def prepare(page: str, desk: Path, result: Analysis) -> None:
    """What the page takes for done on an earlier one."""
    if page != "first":
        (desk / "sample_videos").rename(desk / "samples")
    if page in ("report", "files"):
        for name in ("beads_100nm", "ev_mixture"):
            result.save(desk / "results" / name)
    if page == "calibration":
        result.save(desk / "results" / "pbs")
    if page == "qc_rules":
        names = ("a", "b", "c", "pbs", "beads")
        for name in names:
            result.save(desk / "results" / name)
        rows = "".join(f"{name}.tif,plasma\n" for name in names)
        (desk / "manifest.csv").write_text(f"recording,sample\n{rows}")
    if page == "batch":
        write_recordings(desk / "recordings")


def write_recordings(folder: Path) -> None:
    """Noise, soon done: a batch is about its table."""
    folder.mkdir()
    frames = np.random.default_rng(1).integers(0, 99, (5, 24, 32), dtype=np.uint8)
    tifffile.imwrite(folder / "noise.tif", frames, photometric="minisblack")
    known = "pixel_size_um = 0.166\nframe_rate_hz = 25\ntemperature_c = 22\nmedium = 'pbs'\n"
    (folder / "folder.toml").write_text(f"[acquisition]\n{known}")
    (folder.parent / "manifest.csv").write_text("recording\nrecordings/noise.tif\n")


def test_what_cannot_be_run_is_not_much() -> None:
    """The exceptions are few, and each says why."""
    left_out = [block for page in PAGES for block in read(page) if block.why is not None]
    run = [block for page in PAGES for block in read(page) if block.why is None]
    assert all(len(block.why or "") > 10 for block in left_out)
    assert len(left_out) < len(run) / 2


def test_the_gate_bites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for wrong in ("```sh\nevsize analyse a.tif\n```\n", "```sh\nfalse\n```\n"):
        with pytest.raises(AssertionError):
            run_all(blocks(wrong))
    with pytest.raises(NameError):
        run_all(blocks("```python\nevsize.analyze\n```\n"))


def test_a_fence_that_is_not_closed_is_seen() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search("^```", BLOCK.sub("", text), re.MULTILINE), page


def test_first_command_installs_as_typed() -> None:
    """`test_readme_first_command` below runs what `INSTALLS` leaves out of the others."""
    first = read(ROOT / "README.md")[0].code
    assert all(install in first for install in INSTALLS)


@pytest.mark.slow
def test_first_measurement_shows_what_is_seen_today(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verdict of the sample as the page quotes it, and its median."""
    page, film = ROOT / "docs" / "first.md", ROOT / "sample_videos" / "beads_100nm.tif"
    assert main(["analyze", str(film), "-o", str(tmp_path)]) == 0
    (quoted,) = (block.code for block in read(page) if block.kind == "text")
    assert " ".join(quoted.split()) in " ".join(capsys.readouterr().out.split())
    median = evsize.load_result(tmp_path / film.stem).distribution.d50_nm
    words = f"median, {median.value:.0f} nm ({median.low:.0f} to {median.high:.0f})"
    assert words in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_readme_first_command(tmp_path: Path) -> None:
    """As typed, in a copy of the folder, with a shell."""
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run(["sh", "-c", read(ROOT / "README.md")[0].code], cwd=tmp_path, check=True)
    assert (tmp_path / "results" / "beads_100nm" / "report.html").is_file()

"""A good recording altered in one way at a time; see `benchmarks.quality`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import tifffile
from numpy.typing import NDArray

import evsize
from evsize.cli.main import main
from evsize.results import Finding
from evsize.settings import (
    CompletenessSettings,
    DetectionSettings,
    InstrumentSettings,
    Settings,
    SizingSettings,
    TrackingSettings,
)
from evsize.simulation import Scene, in_memory, nanosight, photons_for_snr
from evsize.simulation.scene import Camera, Disturbances

Film = NDArray[Any]
DEEP = Camera(bit_depth=16, gain_e=1.0, offset=100.0, read_noise_e=2.0)
"""For particles that would saturate 8 bits."""
FRAMES = 600
PROFILE = """
# The films of this table are short to save time.
[tracks_used]
warn_below = 250
fail_below = 20

[duration]
warn_below = 14
fail_below = 5
"""


@dataclass(frozen=True)
class Wrong:
    """One way to spoil a recording.

    Attributes
    ----------
    rule : str
        The rule that must see it.
    what : str
        What was done, in words.
    scene, given, settings : dict
        Changes of the scene, of the acquisition values and of the settings.
    spoil : callable, optional
        Frames to frames.
    write : callable, optional
        Frames and a folder to the path of a recording.
    """

    rule: str
    what: str
    scene: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    spoil: Callable[[Film], Film] | None = None
    write: Callable[[Film, Scene, Path], Path] | None = None
    counted: bool = False


def above_background(film: Film, factor: NDArray[np.float64]) -> Film:
    """Light above the background times a factor a frame; the noise stays what it was."""
    dark = np.median(film)
    sd = 1.4826 * np.median(np.abs(film - dark))
    rng = np.random.default_rng(2)
    lit = dark + (film - dark) * factor[:, None, None]
    lit += rng.normal(0, 1, film.shape) * sd * np.sqrt(1 - factor**2)[:, None, None]
    return np.clip(lit, 0, 255).round().astype(film.dtype)


def fade(film: Film) -> Film:
    """Light that fades to three tenths."""
    return above_background(film, np.linspace(1, 0.3, len(film)))


def brighten(film: Film) -> Film:
    """A background that rises by 8 grey levels."""
    return np.clip(film + np.linspace(0, 8, len(film))[:, None, None], 0, 255).astype(film.dtype)


def smooth(film: Film) -> Film:
    """Each frame the mean of itself and the next two, as a denoising filter leaves it."""
    mean = (film[:-2].astype(float) + film[1:-1] + film[2:]) / 3
    return mean.round().astype(film.dtype)


def drop(film: Film) -> Film:
    """Every fifth frame is lost, and nothing tells it."""
    return film[np.arange(len(film)) % 5 != 4]


def double(film: Film) -> Film:
    """Two of 400 frames are copies of the one before."""
    copied = film.copy()
    for n in (100, 250):
        copied[n] = copied[n - 1]
    return copied


def shake(film: Film) -> Film:
    """The image jumps by up to 2 px from frame to frame."""
    rng = np.random.default_rng(1)
    moves = rng.integers(-2, 3, (len(film), 2))
    return np.stack([np.roll(f, move, (0, 1)) for f, move in zip(film, moves, strict=True)])


def invert(film: Film) -> Film:
    """Dark for bright."""
    return 255 - film


def cut_tiff(film: Film, _: Scene, folder: Path) -> Path:
    """A TIFF whose copy stopped before its end."""
    path = folder / "film.tif"
    tifffile.imwrite(path, film, photometric="minisblack", metadata={"axes": "TYX"}, imagej=True)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.97)])
    return path


def damaged_tiff(film: Film, _: Scene, folder: Path) -> Path:
    """A TIFF with two compressed frames that cannot be decoded."""
    path = folder / "film.tif"
    tifffile.imwrite(path, film, photometric="minisblack", compression="zlib")
    with tifffile.TiffFile(path) as tiff:
        places = [tiff.pages[n].dataoffsets[0] for n in (120, 260)]
    data = bytearray(path.read_bytes())
    for place in places:
        data[place + 40 : place + 400] = bytes(360)
    path.write_bytes(bytes(data))
    return path


def video(film: Film, times: NDArray[np.int64], rate: float, path: Path) -> Path:
    """Write a video with a time (in tenths of a frame) for each frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(rate).limit_denominator(1000))
        stream.width, stream.height = film.shape[2], film.shape[1]
        stream.pix_fmt = "gray"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)  # as Matroska's
        for image, time in zip(film, times, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="gray")
            frame.pts, frame.time_base = round(100 * time / rate), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def with_colour_table(film: Film, _: Scene, folder: Path) -> Path:
    """A TIFF whose pixels point into a table of colours."""
    path = folder / "film.tif"
    table = np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))
    tifffile.imwrite(path, film, photometric="palette", colormap=table)
    return path


def gap_in_time(film: Film, scene: Scene, folder: Path) -> Path:
    """Two frames lost, as the times in the file tell."""
    kept = np.delete(np.arange(len(film)), [100, 250])
    return video(film[kept], kept * 10, scene.frame_rate_hz, folder / "film.mkv")


def late_frames(film: Film, scene: Scene, folder: Path) -> Path:
    """Three frames come 0.4 of a frame late."""
    times = np.arange(len(film)) * 10
    times[[60, 150, 300]] += 4
    return video(film, times, scene.frame_rate_hz, folder / "film.mkv")


def contradiction(film: Film, _: Scene, folder: Path) -> Path:
    """A file beside the film says another temperature than the command."""
    path = folder / "film.tif"
    tifffile.imwrite(path, film, photometric="minisblack")
    path.with_suffix(".toml").write_text("[acquisition]\ntemperature_c = 25\n")
    return path


def rounded(film: Film, scene: Scene, folder: Path) -> Path:
    """Trajectories whose positions were rounded to whole pixels."""
    names = ("pixel_size_um", "frame_rate_hz", "exposure_ms", "temperature_c", "medium")
    known = {name: getattr(scene, name) for name in names}
    off = Settings(completeness=CompletenessSettings(mode="off"))
    tracks = evsize.analyze(evsize.open_recording(film, **known), off).tracks
    pixel = scene.pixel_size_um
    table = tracks[["track_id", "frame"]].assign(
        x=(tracks["x_um"] / pixel).round(), y=(tracks["y_um"] / pixel).round()
    )
    path = folder / "tracks.csv"
    table.to_csv(path, index=False)
    return path


WRONG = (
    Wrong("something_to_size", "a blank", scene={"population": "100nm:0.0001"}),
    Wrong("tracks_used", "15 particles in view", scene={"population": "100nm:15"}),
    Wrong(
        "tracks_share",
        "only tracks of 60 positions used",
        settings={"diffusion": {"min_positions": 60}},
    ),
    Wrong("duration", "12 s", scene={"population": "100nm:60"}, spoil=lambda f: f[:300]),
    Wrong("particles_per_frame", "8 particles in view", scene={"population": "100nm:8"}),
    Wrong(
        "cell_concentration",
        "32 particles in view, 1.5e9 a mL",
        scene={"population": "100nm:32", "snr": 60.0, "camera": DEEP},
        counted=True,
    ),
    Wrong(
        "outside_range",
        "sizes looked for from 200 nm on",
        settings={"sizing": SizingSettings(min_diameter_nm=200, n_bootstrap=20)},
    ),
    Wrong(
        "false_detections",
        "a threshold at a signal-to-noise ratio of 2.5",
        settings={"detection": DetectionSettings(threshold_snr=2.5)},
    ),
    Wrong(
        "search_radius",
        "a search radius of 1.3 um",
        settings={"tracking": TrackingSettings(search_radius_um=1.3)},
    ),
    Wrong("step_correlation", "each frame the mean of three", spoil=smooth),
    Wrong("even_steps", "every fifth frame lost, untold", spoil=drop),
    Wrong("flow", "a flow of 9 px a frame", scene={"flow_um_s": (9 * 0.166 * 25, 0.0)}),
    Wrong(
        "sudden_motion",
        "the stage jumps by 3 um",
        scene={"disturbances": Disturbances(stage_jumps=((150, 3.0, 1.0),))},
    ),
    Wrong("motion_blur", "shutter open for 95 % of the frame", scene={"exposure_ms": 38.0}),
    Wrong("motion_blur", "exposure not given", given={"exposure_ms": None}),
    Wrong("saturated_spots", "thirty times the light", scene={"snr": 900.0}),
    Wrong("localisation_noise", "the image jumps by up to 2 px every frame", spoil=shake),
    Wrong("sub_pixel_bias", "trajectories rounded to whole pixels", write=rounded),
    Wrong("steady_focus", "light fades to 0.3", spoil=fade),
    Wrong("steady_background", "background rises by 8 grey levels", spoil=brighten),
    Wrong("temperature", "42 degC", scene={"temperature_c": 42.0}),
    Wrong(
        "detection_limit",
        "100 nm at a signal-to-noise ratio of 9",
        scene={"snr": 9.0, "population": "100nm:14"},
        counted=True,
    ),
    Wrong(
        "instrument_fits",
        "an instrument file of another exposure",
        settings={"instrument": InstrumentSettings(depth_um=10.0, exposure_ms=30.0)},
    ),
    Wrong("as_recorded", "pixels in a table of colours", write=with_colour_table),
    Wrong("whole_file", "a TIFF cut at 97 %", write=cut_tiff),
    Wrong("corrupt_frames", "two frames that cannot be decoded", write=damaged_tiff),
    Wrong("duplicate_frames", "two copies", spoil=double),
    Wrong("missing_frames", "two frames lost, told by the times", write=gap_in_time),
    Wrong("even_times", "three frames late by 0.4 of a frame", write=late_frames),
    Wrong("sources_agree", "two temperatures", write=contradiction),
    Wrong("polarity", "dark spots on a bright ground", spoil=invert),
)


def result_of(wrong: Wrong, seed: int) -> evsize.Analysis:
    """Simulate 24 s of a good film, spoil it, and analyse it."""
    changes = dict(wrong.scene)
    snr = changes.pop("snr", 30.0)
    scene = nanosight("100nm:30", width_px=320, height_px=240).changed(**changes)
    scene = scene.changed(photons_at_100nm=photons_for_snr(scene, 100.0, snr))
    film = in_memory(scene, FRAMES, seed)[0]
    film = film if wrong.spoil is None else wrong.spoil(film)
    names = ("pixel_size_um", "frame_rate_hz", "exposure_ms", "temperature_c", "medium", "depth_um")
    known = {name: getattr(scene, name) for name in names} | dict(wrong.given)
    known = {name: value for name, value in known.items() if value is not None}
    with tempfile.TemporaryDirectory(prefix="evsize-quality-") as name:
        folder = Path(name)
        (folder / "short.toml").write_text(PROFILE)
        mode = "auto" if wrong.counted else "off"
        chosen = {
            "qc": {"profile": str(folder / "short.toml")},
            "sizing": {"n_bootstrap": 20},  # no rule looks at intervals
            "completeness": {"mode": mode},
            **wrong.settings,
        }
        settings = Settings.model_validate(chosen)
        source = film if wrong.write is None else wrong.write(film, scene, folder)
        if isinstance(source, Path) and source.suffix == ".csv":
            return size_table(source, known, settings, folder)
        return evsize.analyze(evsize.open_recording(source, **known), settings)


def size_table(
    path: Path, known: Mapping[str, Any], settings: Settings, folder: Path
) -> evsize.Analysis:
    """Size trajectories as `evsize size` does."""
    config = folder / "settings.toml"
    config.write_text(f'[qc]\nprofile = "{settings.qc.profile}"\n')
    options = {
        "--pixel-size": "pixel_size_um",
        "--frame-rate": "frame_rate_hz",
        "--exposure": "exposure_ms",
        "--temperature": "temperature_c",
        "--medium": "medium",
    }
    given = [text for flag, name in options.items() for text in (flag, str(known[name]))]
    code = main(["size", str(path), "-o", str(folder), "-c", str(config), "-q", *given])
    if code:
        raise RuntimeError(f"evsize size ended with {code}")
    return evsize.load_result(folder / path.stem)


def row(number: int, rule: str, seed: int) -> dict[str, Any]:
    """Spoil a film in one way; what is flagged."""
    wrong = WRONG[number]
    told = ("warn", "fail", "no_data")
    findings = evsize_findings(wrong, seed)
    flagged = {each.rule: each for each in findings if each.status in told}
    seen = flagged.pop(rule, None)
    return {
        "altered": wrong.what,
        "status": seen.status if seen else "not seen",
        "measured": seen.measured if seen else None,
        "limit": seen.limit if seen else "",
        "others": sorted(flagged),
    }


def evsize_findings(wrong: Wrong, seed: int) -> list[Finding]:
    """Findings about the spoilt recording."""
    found = result_of(wrong, seed).qc.findings
    return [each for each in found if each.scope == "recording"]

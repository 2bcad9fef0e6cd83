"""Sizes extracellular vesicles from nanoparticle tracking recordings.

``evsize.analyze("recording.tif", temperature_c=22, medium="pbs")`` does it all; every stage is
also there on its own. Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Acquisition": "evsize.results",
    "Analysis": "evsize.analysis",
    "EvsizeError": "evsize.errors",
    "Settings": "evsize.settings",
    "analyze": "evsize.analysis",
    "detect": "evsize.detection",
    "estimate_diffusion": "evsize.diffusion",
    "link": "evsize.tracking",
    "load_result": "evsize.analysis",
    "open_recording": "evsize.recording",
    "size": "evsize.sizing",
}
_PACKAGES = ("physics", "simulation", "vendors")

if TYPE_CHECKING:
    from evsize import physics as physics
    from evsize import simulation as simulation
    from evsize import vendors as vendors
    from evsize.analysis import Analysis, analyze, load_result
    from evsize.detection import detect
    from evsize.diffusion import estimate_diffusion
    from evsize.errors import EvsizeError
    from evsize.recording import open_recording
    from evsize.results import Acquisition
    from evsize.settings import Settings
    from evsize.sizing import size
    from evsize.tracking import link

__all__ = [
    "Acquisition",
    "Analysis",
    "EvsizeError",
    "Settings",
    "analyze",
    "detect",
    "estimate_diffusion",
    "link",
    "load_result",
    "open_recording",
    "size",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"evsize.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'evsize' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, *_PACKAGES])

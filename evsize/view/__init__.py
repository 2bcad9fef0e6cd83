"""The local page: look at a recording, move the threshold, save the settings, run."""

from evsize.view.server import serve
from evsize.view.session import Session

__all__ = ["Session", "serve"]

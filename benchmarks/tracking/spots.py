"""Isolated spots: recall, false detections and localisation error against signal-to-noise."""

from __future__ import annotations

from benchmarks.detection import spots as table

__all__ = ["table"]

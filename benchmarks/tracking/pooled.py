"""Bias of pooled D from detections that the truth links."""

from __future__ import annotations

from benchmarks.detection import pooled as table

__all__ = ["table"]

"""Accuracy on simulated tracks and recordings: ``python -m benchmarks.accuracy``."""

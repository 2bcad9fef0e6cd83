"""Simulated recordings with known truth."""

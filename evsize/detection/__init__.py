"""Frames in, spots out."""

"""Spots in, tracks out."""

"""Tracks in, likelihoods of the diffusion coefficient out."""

"""Likelihoods in, sizes, distribution and classes out."""

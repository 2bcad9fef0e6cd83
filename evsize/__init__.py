"""Sizes extracellular vesicles from nanoparticle tracking recordings."""

__version__ = "0.1.0"

"""Simulated recordings with known truth: Brownian spheres, a light sheet, optics, a camera.

The physics here is independent of every estimator of evsize: no code is shared with detection,
tracking or sizing beyond Stokes-Einstein.
"""

from evsize.simulation.instruments import (
    matched_filter_snr,
    nanosight,
    photons_for_snr,
    pixel_noise_e,
    zetaview,
)
from evsize.simulation.population import Component, parse_population, population_text
from evsize.simulation.recording import (
    TRUTH,
    TRUTH_PARTICLES,
    SimulatedRecording,
    in_memory,
    simulate,
)
from evsize.simulation.scene import Camera, Disturbances, Optics, Scene, checked_scene
from evsize.simulation.trajectories import simulate_tracks

__all__ = [
    "TRUTH",
    "TRUTH_PARTICLES",
    "Camera",
    "Component",
    "Disturbances",
    "Optics",
    "Scene",
    "SimulatedRecording",
    "checked_scene",
    "in_memory",
    "matched_filter_snr",
    "nanosight",
    "parse_population",
    "photons_for_snr",
    "pixel_noise_e",
    "population_text",
    "simulate",
    "simulate_tracks",
    "zetaview",
]

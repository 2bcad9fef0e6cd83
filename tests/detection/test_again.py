"""Frames searched a second time, with the backgrounds kept from the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evsize import detection
from evsize.detection import detect, pattern, search_again
from evsize.recording import open_recording
from evsize.settings import DetectionSettings
from evsize.simulation import in_memory, nanosight

SETTINGS = DetectionSettings()


@pytest.fixture(scope="module")
def film():
    patch = pytest.MonkeyPatch()
    patch.setattr(pattern, "BLOCK_FRAMES", 30)
    patch.setattr(detection, "MODELS_KEPT", 3)
    scene = nanosight("150nm:15", height_px=128, width_px=160)
    recording = open_recording(in_memory(scene, 150, 1)[0])
    yield recording, detect(recording, SETTINGS, conditions=scene.conditions)
    patch.undo()


def again(recording, detections, frames):
    altered = [[np.asarray(recording[k])] for k in frames]
    return search_again(recording, detections, SETTINGS).search(frames, altered)[0]


@pytest.mark.parametrize("block", range(5))
def test_frames_as_they_were_give_what_was_found(film, block):
    recording, found = film
    frames = range(30 * block + 5, 30 * block + 12)
    second = again(recording, found, frames)
    first = found.table[found.table["frame"].isin(frames)].reset_index(drop=True)
    assert len(first) > 30
    columns = [name for name in first.columns if name != "frame"]
    assert second.table[columns].equals(first[columns])
    assert np.array_equal(second.table["frame"], first["frame"] - frames.start)


def test_backgrounds_kept_are_as_made_anew(film):
    recording, found = film
    # of five stretches three, spread evenly
    assert sorted(found.plan.later_models) == [0, 60, 120]
    without = replace(found, plan=found.plan._replace(later_models={}))
    frames = range(62, 70)
    assert again(recording, found, frames).table.equals(again(recording, without, frames).table)

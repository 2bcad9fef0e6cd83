"""The quality rules about the file itself: what is lost, doubled, late or contradictory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from evsize.qc.evidence import Evidence
from evsize.results import Finding, Status

Limits = Mapping[str, Any]

COPY_AGAIN = "Copy the recording again from the instrument."
KEEP_PACE = "Record to a faster disk, close other programs, or lower the frame rate."
MOST_RANGES = 12


def spell(numbers: Sequence[int]) -> str:
    """Write frame numbers as ranges: ``3-5, 9``; the first `MOST_RANGES` of them."""
    ranges = []
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        ranges.append(f"{members[0]}-{members[-1]}" if len(members) > 1 else f"{members[0]}")
    more = len(ranges) - MOST_RANGES
    return ", ".join(ranges[:MOST_RANGES]) + (f" and {more} more" if more > 0 else "")


def _no_recording(rule: str) -> Finding:
    return Finding(rule=rule, status="no_data", message="Nothing is known of the file.")


def _shared(
    rule: str, numbers: Sequence[int], count: int, frames: int, limits: Limits, bad: str, good: str
) -> Finding:
    """Judge frames by their share; the message names them."""
    share = count / max(frames, 1)
    counted = f"{count} frame{'s' if count > 1 else ''}"
    status: Status = "pass"
    if share > limits["warn_above"]:
        status = "warn" if share <= limits["fail_above"] else "fail"
    return Finding(
        rule=rule,
        status=status,
        measured=100 * share,
        limit=f"<= {100 * limits['warn_above']:g}, fail over {100 * limits['fail_above']:g}",
        unit="% of frames",
        message=bad.format(count=counted, frames=spell(numbers)) if count else good,
        advice="" if status == "pass" else COPY_AGAIN if rule == "corrupt_frames" else KEEP_PACE,
    )


def whole_file(evidence: Evidence, limits: Limits) -> Finding:
    """Does the file hold the frames that it promises?"""
    about = evidence.recording
    if about is None:
        return _no_recording("whole_file")
    declared = about.frames if about.frames_declared is None else about.frames_declared
    lost = declared - about.frames
    odd = abs(lost) > limits["warn_above"]
    message = f"All {about.frames} frames are there."
    if lost > 0:
        message = f"The file promises {declared} frames and holds {about.frames}: it was cut."
        message += " The frames that are there are used."
    elif lost < 0:
        message = f"The file promises {declared} frames and holds {about.frames}; all are used."
    return Finding(
        rule="whole_file",
        status="warn" if odd else "pass",
        measured=lost,
        limit=f"<= {limits['warn_above']:g}",
        unit="frames missing",
        message=message,
        advice=COPY_AGAIN if odd else "",
    )


def corrupt_frames(evidence: Evidence, limits: Limits) -> Finding:
    """Could all frames be decoded whole?"""
    about = evidence.recording
    if about is None:
        return _no_recording("corrupt_frames")
    return _shared(
        "corrupt_frames",
        about.damaged_frames,
        len(about.damaged_frames),
        about.frames,
        limits,
        "Not decoded whole: {count} ({frames}). Where nothing could be decoded, the nearest intact "
        "frame stands in.",
        "Every frame was decoded whole.",
    )


def duplicate_frames(evidence: Evidence, limits: Limits) -> Finding:
    """Is every frame another picture than the one before?"""
    same = evidence.duplicate_frames
    if same is None or evidence.recording is None:
        return _no_recording("duplicate_frames")
    return _shared(
        "duplicate_frames",
        same,
        len(same),
        evidence.recording.frames,
        limits,
        "Copied from the frame before: {count} ({frames}). The camera or the software filled in "
        "for what it had lost.",
        "No frame is a copy of the one before.",
    )


def missing_frames(evidence: Evidence, limits: Limits) -> Finding:
    """Do the times of the frames leave no gap?"""
    about = evidence.recording
    if about is None:
        return _no_recording("missing_frames")
    if about.uneven_frames is None:
        return _no_times("missing_frames")
    missed = about.missed_after
    lost = sum(missed.values())
    return _shared(
        "missing_frames",
        list(missed),
        lost,
        about.frames + lost,
        limits,
        "Dropped: {count}, by the file's own times, after frame {frames}.",
        "The times of the frames leave no gap.",
    )


def even_times(evidence: Evidence, limits: Limits) -> Finding:
    """Do the frames come at even intervals?"""
    about = evidence.recording
    if about is None:
        return _no_recording("even_times")
    uneven = about.uneven_frames
    if uneven is None:
        return _no_times("even_times")
    return _shared(
        "even_times",
        uneven,
        len(uneven),
        about.frames,
        limits,
        "Clearly early or late by the file's own times: {count} ({frames}).",
        "The frames come at even intervals.",
    )


def _no_times(rule: str) -> Finding:
    return Finding(
        rule=rule,
        status="not_applicable",
        message="The file has no time of its own for each frame.",
    )


def sources_agree(evidence: Evidence, _: Limits) -> Finding:
    """Do all sources say the same about how the recording was made?"""
    conflicts = evidence.conflicts
    return Finding(
        rule="sources_agree",
        status="warn" if conflicts else "pass",
        measured=len(conflicts),
        limit="0",
        unit="contradictions",
        message=" ".join(conflicts) if conflicts else "No source contradicts another.",
        advice="Correct the wrong one." if conflicts else "",
    )


def polarity(evidence: Evidence, _: Limits) -> Finding:
    """Are the spots bright on a dark ground, as scattered light is?"""
    dark = evidence.dark_spots
    if dark is None:
        return Finding(rule="polarity", status="no_data", message="No spot was found.")
    return Finding(
        rule="polarity",
        status="warn" if dark else "pass",
        measured="dark spots" if dark else "bright spots",
        limit="bright spots",
        message="Spots are dark on a bright ground: this is no light scattered in the dark. Sizes "
        "hold; brightness does not tell small particles from large ones."
        if dark
        else "Spots are bright on a dark ground.",
        advice="Right for a bright-field film; else look whether it was inverted." if dark else "",
    )


DAMAGE_RULES = (
    whole_file,
    corrupt_frames,
    duplicate_frames,
    missing_frames,
    even_times,
    sources_agree,
    polarity,
)
FILE_RULES = (whole_file, corrupt_frames, missing_frames, even_times, sources_agree)
"""Those that need nothing but the opened file."""

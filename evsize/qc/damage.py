"""The quality rules about the file itself: what is lost, doubled, late or contradictory."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from evsize.qc.evidence import Evidence
from evsize.qc.judging import Judgement, Limits, above, at_most, no_data, not_applicable

MOST_RANGES = 12


def spell(numbers: Sequence[int]) -> str:
    """Write frame numbers as ranges: ``3-5, 9``; the first `MOST_RANGES` of them."""
    ranges = []
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        ranges.append(f"{members[0]}-{members[-1]}" if len(members) > 1 else f"{members[0]}")
    more = len(ranges) - MOST_RANGES
    return ", ".join(ranges[:MOST_RANGES]) + (f" and {more} more" if more > 0 else "")


def _no_recording() -> Judgement:
    return no_data("Nothing is known of the file.")


def _no_images() -> Judgement:
    return not_applicable("The sizes come from trajectories; there is no film to look at.")


def _shared(
    numbers: Sequence[int],
    count: int,
    frames: int,
    limits: Limits,
    bad: str,
    good: str,
) -> Judgement:
    """Judge frames by their share; the message names them."""
    share = count / max(frames, 1)
    counted = f"{count} frame{'s' if count > 1 else ''}"
    return Judgement(
        above(share, limits["warn_above"], limits["fail_above"]),
        measured=100 * share,
        limit=at_most(limits, 100),
        unit="% of frames",
        message=bad.format(count=counted, frames=spell(numbers)) if count else good,
    )


def whole_file(evidence: Evidence, limits: Limits) -> Judgement:
    """Does the file hold the frames that it promises?

    Copy the recording again from the instrument.
    """
    about = evidence.recording
    if not evidence.images:
        return _no_images()
    if about is None:
        return _no_recording()
    declared = about.frames if about.frames_declared is None else about.frames_declared
    lost = declared - about.frames
    odd = abs(lost) > limits["warn_above"]
    message = f"All {about.frames} frames are there."
    if lost > 0:
        message = f"The file promises {declared} frames and holds {about.frames}: it was cut."
        message += " The frames that are there are used."
    elif lost < 0:
        message = f"The file promises {declared} frames and holds {about.frames}; all are used."
    return Judgement(
        "warn" if odd else "pass",
        measured=lost,
        limit=f"<= {limits['warn_above']:g}",
        unit="frames missing",
        message=message,
    )


def corrupt_frames(evidence: Evidence, limits: Limits) -> Judgement:
    """Could all frames be decoded whole?

    Copy the recording again from the instrument.
    """
    about = evidence.recording
    if not evidence.images:
        return _no_images()
    if about is None:
        return _no_recording()
    return _shared(
        about.damaged_frames,
        len(about.damaged_frames),
        about.frames,
        limits,
        "Not decoded whole: {count} ({frames}). Where nothing could be decoded, the nearest intact "
        "frame stands in.",
        "Every frame was decoded whole.",
    )


def duplicate_frames(evidence: Evidence, limits: Limits) -> Judgement:
    """Is every frame another picture than the one before?

    Record to a faster disk, close other programs, or lower the frame rate.
    """
    if not evidence.images:
        return _no_images()
    same = evidence.duplicate_frames
    if same is None or evidence.recording is None:
        return _no_recording()
    return _shared(
        same,
        len(same),
        evidence.recording.frames,
        limits,
        "Copied from the frame before: {count} ({frames}). The camera or the software filled in "
        "for what it had lost.",
        "No frame is a copy of the one before.",
    )


def missing_frames(evidence: Evidence, limits: Limits) -> Judgement:
    """Do the times of the frames leave no gap?

    Record to a faster disk, close other programs, or lower the frame rate.
    """
    about = evidence.recording
    if about is None:
        return _no_recording()
    if about.uneven_frames is None:
        return _no_times()
    missed = about.missed_after
    lost = sum(missed.values())
    return _shared(
        list(missed),
        lost,
        about.frames + lost,
        limits,
        "Dropped: {count}, by the file's own times, after frame {frames}.",
        "The times of the frames leave no gap.",
    )


def even_times(evidence: Evidence, limits: Limits) -> Judgement:
    """Do the frames come at even intervals?

    Record to a faster disk, close other programs, or lower the frame rate.
    """
    about = evidence.recording
    if about is None:
        return _no_recording()
    uneven = about.uneven_frames
    if uneven is None:
        return _no_times()
    return _shared(
        uneven,
        len(uneven),
        about.frames,
        limits,
        "Clearly early or late by the file's own times: {count} ({frames}).",
        "The frames come at even intervals.",
    )


def _no_times() -> Judgement:
    return not_applicable("The file has no time of its own for each frame.")


def sources_agree(evidence: Evidence, _: Limits) -> Judgement:
    """Do all sources say the same about how the recording was made?

    Correct the wrong one.
    """
    conflicts = evidence.conflicts
    return Judgement(
        "warn" if conflicts else "pass",
        measured=len(conflicts),
        limit="0",
        unit="contradictions",
        message=" ".join(conflicts) if conflicts else "No source contradicts another.",
    )


def polarity(evidence: Evidence, _: Limits) -> Judgement:
    """Are the spots bright on a dark ground, as scattered light is?

    Right for a bright-field film; else look whether it was inverted.
    """
    dark = evidence.dark_spots
    if dark is None:
        if not evidence.images:
            return _no_images()
        return no_data("No spot was found.")
    return Judgement(
        "warn" if dark else "pass",
        measured="dark spots" if dark else "bright spots",
        limit="bright spots",
        message="Spots are dark on a bright ground: this is no light scattered in the dark. Sizes "
        "hold; brightness does not tell small particles from large ones."
        if dark
        else "Spots are bright on a dark ground.",
    )


def as_recorded(evidence: Evidence, _: Limits) -> Judgement:
    """Is the recording as the camera made it, as far as the file shows?

    Use the camera's own frames, unconverted.
    """
    odd = bool(evidence.notes)
    return Judgement(
        "warn" if odd else "pass",
        measured=len(evidence.notes),
        limit="no remark",
        message=" ".join(evidence.notes) if odd else "Nothing odd was found in the file.",
    )

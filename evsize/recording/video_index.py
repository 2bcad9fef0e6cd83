"""Where the frames of a film are: one pass over its packets, without decoding."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

IRREGULAR = 0.05
"""Share of the frame interval by which intervals may differ and still count as regular."""


@dataclass(frozen=True)
class Packet:
    """Times of one packet in units of the stream, and whether decoding can start there."""

    pts: int | None
    dts: int | None
    key: bool


@dataclass(frozen=True)
class PacketIndex:
    """The frames of a film in the order they are shown.

    Attributes
    ----------
    pts : ndarray of int64, (frames,), or None
        Time of each frame in units of the stream; None where the film has no usable times and its
        frames must be counted from the start.
    count : int
        Number of frames.
    keys : list of int
        Frames at which decoding can start, in order; the first is 0.
    targets : list of int
        Where to seek for each of them.
    notes : tuple of str
        What was odd.
    """

    pts: NDArray[np.int64] | None
    count: int
    keys: list[int]
    targets: list[int]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.count

    def key_before(self, index: int) -> int:
        """Last frame, not after this one, from which it can be decoded."""
        return self.keys[max(0, bisect_right(self.keys, index) - 1)]

    def seek_target(self, key: int) -> int | None:
        """Time to seek to for a key frame; None for the start of the file."""
        return None if self.pts is None else self.targets[self.keys.index(key)]

    def number(self, pts: int | None) -> int | None:
        """Return the number of the frame with this time, None if it is none of ours."""
        assert self.pts is not None
        if pts is None:
            return None
        at = int(np.searchsorted(self.pts, pts))
        return at if at < self.count and self.pts[at] == pts else None

    def times_s(self, unit: Fraction | None, frames: int) -> NDArray[np.float64] | None:
        """Times of the frames, s, where they say more than a constant rate would."""
        if self.pts is None or unit is None or frames < 3:
            return None
        times: NDArray[np.float64] = (self.pts[:frames] - self.pts[0]) * float(unit)
        steps = np.diff(times)
        usual = float(np.median(steps))
        intervals = np.maximum(np.rint(steps / usual), 1)
        tolerance = max(IRREGULAR * usual, 1.5 * float(unit))
        if np.abs(steps - intervals * usual).max() > tolerance:
            return times
        if intervals.max() == 1:
            return None
        # even but for frames that are missing: take away what the unit of time rounded
        places = np.append(0.0, np.cumsum(intervals))
        return np.asarray(places * (times[-1] / places[-1]), dtype=np.float64)


def build_index(container: InputContainer, stream: VideoStream, file_size: int) -> PacketIndex:
    """Index a film; from its own table where every frame stands alone, else by demultiplexing.

    Parameters
    ----------
    container, stream
        The film, just opened.
    file_size : int
        Bytes of the file: what the table places beyond it is not there.
    """
    packets, notes = read_table(stream, file_size), list[str]()
    if packets is None:
        packets, notes = read_packets(container, stream)
    reordered = container.format.name == "avi" and stream.codec_context.has_b_frames
    # AVI has no times of showing: where frames are reordered, FFmpeg's are those of decoding.
    pts = None if reordered else presentation_times(packets, stream)
    if not packets or pts is None or len(set(pts)) < len(pts):
        if packets:
            notes.append(
                "The film has no usable times of its frames: they are counted from the start."
            )
        return PacketIndex(None, len(packets), [0], [0], tuple(notes))
    order = sorted(range(len(packets)), key=pts.__getitem__)
    keys, targets = [0], [pts[order[0]]]
    for place, number in enumerate(order):
        packet = packets[number]
        if packet.key:
            target = pts[number] if packet.dts is None else min(pts[number], packet.dts)
            if place == 0:
                targets[0] = target
            else:
                keys.append(place)
                targets.append(target)
    times = np.array([pts[number] for number in order], dtype=np.int64)
    return PacketIndex(times, len(packets), keys, targets, tuple(notes))


def read_table(stream: VideoStream, file_size: int) -> list[Packet] | None:
    """Read the container's table of frames, None where it is not complete or not enough."""
    entries = stream.index_entries
    if not stream.codec_context.codec.intra_only or not stream.frames:
        return None
    if len(entries) != stream.frames:
        return None
    packets = []
    for entry in entries:
        if not entry.is_keyframe or entry.size <= 0 or entry.is_discard:
            return None
        if entry.pos + entry.size <= file_size:
            packets.append(Packet(entry.timestamp, entry.timestamp, key=True))
    return packets


def read_packets(container: InputContainer, stream: VideoStream) -> tuple[list[Packet], list[str]]:
    """Walk through all packets of a film."""
    packets, notes = [], []
    empty = 0
    for packet in whole_packets(container, stream):
        if packet.size == 0:
            empty += packet.pts is not None
        elif not packet.is_discard:
            packets.append(Packet(packet.pts, packet.dts, bool(packet.is_keyframe)))
    if empty:
        notes.append(f"{empty} frames of the film are empty: the camera or the disk dropped them.")
    return packets, notes


def whole_packets(
    container: InputContainer, stream: VideoStream
) -> Iterator[av.Packet[VideoStream]]:
    """Give packets until the file ends or breaks."""
    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.FFmpegError):
            return


def presentation_times(packets: list[Packet], stream: VideoStream) -> list[int] | None:
    """Times at which frames are shown; decoding times serve where frames are not reordered."""
    shown = [packet.pts for packet in packets if packet.pts is not None]
    if len(shown) == len(packets):
        return shown
    decoded = [packet.dts for packet in packets if packet.dts is not None]
    if len(decoded) == len(packets) and not stream.codec_context.has_b_frames:
        return decoded
    return None

"""AVI, MP4, MOV and MKV: the decoder's own pixels, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from evsize.errors import RecordingError
from evsize.recording.base import Facts, Recording
from evsize.recording.checks import DamagedFrameError, check_size, file_sha256, reading
from evsize.recording.sidecar import plausible
from evsize.recording.video_index import PacketIndex, build_index, whole_packets
from evsize.recording.video_pixels import film_has_colour, grey_pixels, levels_of

TAIL_FRAMES = 300
"""Longest run of frames decoded when opening to see whether the end of the film is whole."""


LOSSLESS_PROFILES = ("High 4:4:4 Predictive",)
"""What H.264 without loss needs; of other codecs that can do both (HEVC, AV1) it does not show."""


class UndecodableError(RecordingError):
    """A film in a format that FFmpeg does not know."""


class VideoRecording(Recording):
    """Frames of a film; reading them in order decodes each once, others are found by seeking.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    RecordingError
        If it is broken, has no film in it, or pixels that cannot be read without changing them.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as stack, reading(path):
            self._file = path
            self._container, self._stream = open_film(path)
            stack.callback(self._close_film)  # not the container's: it may be opened anew
            context = self._stream.codec_context
            check_size(path, context.height, context.width)
            self._index = index_of(path)
            hand_over_palette(self._container, self._stream)
            self._frames: Iterator[VideoFrame] = iter(())
            self._waiting: tuple[int, VideoFrame] | None = None
            self._next = len(self._index)
            first = self._first_frame(path)
            self._length = self._count_decodable()
            self._next = len(self._index)  # wherever that has led: the next read seeks
            super().__init__(self._facts(path, first), stack.pop_all())

    def _close_film(self) -> None:
        self._container.close()

    def _first_frame(self, path: Path) -> VideoFrame:
        self._seek(0)
        for _, frame in self._numbered():
            return frame
        raise RecordingError(
            f"{path}: no frame of the film can be decoded",
            "a whole film",
            "copy it again from the instrument",
        )

    def _facts(self, path: Path, first: VideoFrame) -> Facts:
        levels = levels_of(first)
        context = self._stream.codec_context
        container = self._container.format.name.split(",")[0]
        notes = list(self._index.notes)
        films = len(self._container.streams.video)
        if films > 1:
            notes.append(f"The file holds {films} films; only the first is read.")
        if levels.note:
            notes.append(levels.note)
        if film_has_colour(first):
            notes.append("The film has colour; only its brightness (luma) is used.")
        metadata, remarks = self._clock(container)
        if context.codec.lossy and context.profile not in LOSSLESS_PROFILES:
            as_a_rule = "as a rule " if context.codec.lossless else ""
            notes.append(
                f"The film was compressed, {as_a_rule}with loss ({context.name}): fine detail and "
                "faint spots may be gone."
            )
        return Facts(
            path=str(path),
            format=f"{container}, {context.name}, {first.format.name}",
            frames=self._length,
            shape=(first.height, first.width),
            dtype=levels.dtype,
            bit_depth=levels.bit_depth,
            white_level=levels.white,
            declared=self._stream.frames or self._expected(),
            notes=tuple(notes),
            remarks=(*levels.remarks, *remarks),
            metadata=metadata,
            timestamps_s=self._index.times_s(self._stream.time_base, self._length),
        )

    def _expected(self) -> int:
        """Frames that fill the stated duration, where they are clearly more than there are."""
        held, rate = len(self._index), self._stream.average_rate
        microseconds = self._container.duration
        if not rate or not microseconds or self._index.pts is None:
            return held
        expected = round(microseconds / 1e6 * float(rate))
        return expected if expected > 1.02 * held + 1 else held

    def _clock(self, container: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Frame rate and exposure, where the camera wrote them; else what the film states."""
        if container == "cine":  # the file of a Phantom camera: its unit of time is the frame
            shutter_ns = self._stream.metadata.get("shutter_ns", "")
            said: dict[str, Any] = {"frame_rate_hz": float(1 / (self._stream.time_base or 1))}
            if shutter_ns.isdecimal():
                said["exposure_ms"] = int(shutter_ns) / 1e6
            values, doubts = plausible(said)
            return {"Cine metadata": values}, doubts
        rate = self._stream.average_rate
        if not rate:
            return {}, []
        return {}, [
            f"The film states {float(rate):.6g} frames/s; not used, since this is often the rate "
            "of playback."
        ]

    def _count_decodable(self) -> int:
        """Decode the last run of frames: a film cut short loses frames at its end."""
        count = len(self._index)
        for _ in range(20):
            start = self._index.key_before(count - 1)
            if count - start > TAIL_FRAMES:
                return count
            self._seek(start)
            arrived = [number for number, _ in self._numbered(stop=count) if number < count]
            if arrived:
                return max(arrived) + 1
            count = start
            if count == 0:
                break
        return count

    def _seek(self, index: int) -> None:
        """Go to the key frame from which this frame can be decoded."""
        key = self._index.key_before(index)
        target = self._index.seek_target(key)
        try:
            if target is None:
                self._container.seek(0, backward=True, any_frame=False)
            else:
                self._container.seek(target, stream=self._stream, backward=True, any_frame=False)
        except av.FFmpegError:  # some damaged files cannot be sought in, only read anew
            self._container.close()
            self._container, self._stream = open_film(self._file)
            key = 0
        self._waiting = None
        self._frames = self._decoded()
        self._next = key
        self._ordinal = 0

    def _decoded(self) -> Iterator[VideoFrame]:
        for packet in whole_packets(self._container, self._stream):
            try:
                yield from packet.decode()
            except av.FFmpegError:
                continue  # the frame stays missing, and the reader finds that out by its number

    def _numbered(self, stop: int | None = None) -> Iterator[tuple[int, VideoFrame]]:
        """Give the decoded frames from here on with their numbers."""
        for frame in self._frames:
            if self._index.pts is None:
                number: int | None = self._ordinal
                self._ordinal += 1
            else:
                number = self._index.number(frame.pts)
            if number is None:
                continue
            yield number, frame
            if stop is not None and number >= stop - 1:
                return

    def _read(self, index: int) -> NDArray[Any]:
        frame = self._find(index)
        if frame is None:
            raise DamagedFrameError
        if frame.is_corrupt:
            self._damaged.add(index)
        pixels, coloured = grey_pixels(frame)
        if coloured:
            self._coloured.add(index)
        if pixels.dtype != self.facts.dtype:
            raise DamagedFrameError
        return pixels

    def _find(self, index: int) -> VideoFrame | None:
        """Decode a frame, seeking where it does not lie ahead; None if it cannot be decoded."""
        if self._next <= index and self._index.key_before(index) <= self._next:
            return self._advance(index)[0]
        start, back = index, 1
        while True:
            self._seek(start)
            start = self._index.key_before(start)
            frame, overshot = self._advance(index)
            if frame is not None or not overshot or start == 0:
                return frame
            # The container led behind the frame, or its key frame is damaged: start earlier.
            start, back = max(0, start - back), back * 4

    def _advance(self, index: int) -> tuple[VideoFrame | None, bool]:
        """Decode up to a frame: it, or None, and whether nothing before it came either."""
        overshot = True
        while True:
            arrived = self._waiting or next(self._numbered(), None)
            self._waiting = None
            if arrived is None:
                self._next = len(self._index)
                return None, overshot
            number, frame = arrived
            if number > index:
                self._waiting = arrived
                self._next = index + 1
                return None, overshot
            overshot = False
            if number == index:
                self._next = index + 1
                return frame, False

    def _digest(self) -> str:
        return file_sha256(Path(self.facts.path))


def open_film(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a film and its decoder.

    Raises
    ------
    RecordingError
        If FFmpeg knows no film in it.
    """
    try:
        container = av.open(str(path), metadata_errors="ignore")
    except av.FFmpegError as error:
        raise RecordingError(
            f"{path} is a film without a usable header or index ({error.strerror})",
            "a whole film",
            "the recording or the copy was cut short: copy it again from the instrument",
        ) from error
    with ExitStack() as stack:
        stack.callback(container.close)
        stream = next(iter(container.streams.video), None)
        if stream is None:
            raise RecordingError(f"{path} has no film in it", "a video stream")
        if stream.codec_context is None:
            raise UndecodableError(
                f"{path} has a film that FFmpeg cannot decode",
                "a video stream in a known format",
                "save it as an uncompressed grey AVI or as TIFF",
            )
        # Slices in parallel, never frames: a frame must come out with its own packet.
        stream.thread_type = "SLICE"
        stack.pop_all()
    return container, stream


def index_of(path: Path) -> PacketIndex:
    """Index a film through a handle of its own, so that the one for reading stays at the start."""
    container, stream = open_film(path)
    with closing(container):
        return build_index(container, stream, path.stat().st_size)


def hand_over_palette(container: InputContainer, stream: VideoStream) -> None:
    """Decode one frame before any seek: FFmpeg hands an AVI's palette out with the first packet.

    A film that was sought in before has an all-black palette for ever.
    """
    for packet in whole_packets(container, stream):
        with suppress(av.FFmpegError):
            if packet.decode():
                return

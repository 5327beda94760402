"""Save results: a picture, a video or numbered frames, each labelled, watermarked and signed with its origin.

The watermark is embedded after the label, which would damage it (see `watermark`). The file is signed last, before it
is renamed: a file that cannot be signed never appears.
"""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest, UnreadableMedia
from deepfake_core.media.atomic_write import atomic_file, atomic_folder, final_path
from deepfake_core.media.encode import VideoEncoder, encode_image, reporting_full_disk
from deepfake_core.media.images import WRITABLE
from deepfake_core.provenance.credentials import ready_pair, sign
from deepfake_core.provenance.keys import SigningPair
from deepfake_core.provenance.label import label as add_label
from deepfake_core.provenance.origin import Origin
from deepfake_core.provenance.watermark import embed, payload_of
from deepfake_core.provenance.xmp import append_to_mp4, packet

__all__ = ["Origin", "Sink", "open_frames", "open_sink", "open_video", "save_image", "save_input"]
FRAME_NAME = re.compile(r"\d{6,}\.png")


@runtime_checkable
class Sink(Protocol):
    """Receives the frames of one result; its file or folder appears when the `with` block that opened it succeeds."""

    path: Path
    warning: str | None
    """A warning for the user, set when the file is finished."""

    def write(self, frame: UInt8[np.ndarray, "h w 3"]) -> None:
        """Append `frame`. Raises `NotEnoughSpace`."""


def save_image(image: UInt8[np.ndarray, "h w 3"], path: str | Path, *, origin: Origin, label: bool = True) -> Path:
    """Write one picture to `path` (PNG, JPEG or WebP, by its suffix) and return its absolute path.

    Raises `BadRequest` for another suffix or a folder that is not writable, and `NotEnoughSpace`.
    """
    _require_suffix(Path(path), WRITABLE, "a picture")
    path, pair = final_path(path), ready_pair()
    with reporting_full_disk(path.name), atomic_file(path) as draft:
        _write_picture(declared(image, origin, label=label), draft, origin, pair)
    return path


def save_input(image: UInt8[np.ndarray, "h w 3"], path: str | Path) -> Path:
    """Write part of an input, unchanged by any network, to show it next to a result; return its absolute path.

    It gets neither label nor watermark nor signature. Raises as `save_image` does.
    """
    _require_suffix(Path(path), WRITABLE, "a picture")
    path = final_path(path)
    with reporting_full_disk(path.name), atomic_file(path) as draft:
        encode_image(image, draft)
    return path


def declared(
    frame: UInt8[np.ndarray, "h w 3"], origin: Origin, *, label: bool = True, moving: bool = False
) -> UInt8[np.ndarray, "h w 3"]:
    """A copy of `frame` with the visible label and, over it, the invisible watermark.

    `moving`: the frame will be part of a compressed clip.
    """
    return embed(add_label(frame) if label else frame, payload_of(origin.model), moving=moving)


def open_sink(
    output: str | Path,
    *,
    rate: Fraction,
    origin: Origin,
    label: bool = True,
    sound_from: Path | None = None,
    deadline: Deadline = NEVER,
) -> AbstractContextManager[Sink]:
    """Open a video if `output` ends in `.mp4`, or numbered frames if it is a folder or has no suffix.

    A name ending in `.png` also means frames: `walk.png` becomes the folder `walk`. Raises `BadRequest` for others.
    """
    path = Path(output)
    if path.is_dir() or not path.suffix or str(output).endswith((os.sep, "/")):
        return open_frames(path, origin=origin, label=label)
    if path.suffix.lower() == ".png":
        return open_frames(path.with_suffix(""), origin=origin, label=label)
    _require_suffix(path, (".mp4", ".png"), "an animation")
    return open_video(path, rate=rate, origin=origin, label=label, sound_from=sound_from, deadline=deadline)


@contextmanager
def open_video(
    path: str | Path,
    *,
    rate: Fraction,
    origin: Origin,
    label: bool = True,
    sound_from: Path | None = None,
    deadline: Deadline = NEVER,
) -> Iterator[Sink]:
    """Open a video of `rate` frames per second, with the audio of `sound_from` if it has any.

    Raises `BadRequest` for a suffix other than `.mp4` or a folder that is not writable, and `TookTooLong`.
    """
    _require_suffix(Path(path), (".mp4",), "a video")
    path, pair = final_path(path), ready_pair()
    with reporting_full_disk(path.name), atomic_file(path) as draft, _unsigned(draft) as plain:
        tags = origin.metadata
        with VideoEncoder(plain, rate=rate, sound_from=sound_from, metadata=tags, deadline=deadline) as encoder:
            sink = _VideoSink(path, encoder, origin, label)
            yield sink
        append_to_mp4(plain, packet(origin))
        sign(plain, draft, origin, pair)
        sink.warning = encoder.warning


@contextmanager
def open_frames(folder: str | Path, *, origin: Origin, label: bool = True) -> Iterator[Sink]:
    """Open a folder of lossless frames: 000000.png, 000001.png, ...

    Frames of an earlier run in the folder are replaced as a whole; other files are kept.
    """
    folder, pair = final_path(folder), ready_pair()
    with reporting_full_disk(folder.name):
        with atomic_folder(folder) as draft:
            sink = _FrameSink(folder, draft, origin, pair, label)
            yield sink
            if sink.written == 0:
                raise UnreadableMedia("there are no frames to write; choose another clip")
        _remove_surplus(folder, sink.written, origin)


class _VideoSink:
    def __init__(self, path: Path, encoder: VideoEncoder, origin: Origin, label: bool) -> None:
        self.path = path
        self.warning: str | None = None
        self._encoder = encoder
        self._origin = origin
        self._label = label

    def write(self, frame: UInt8[np.ndarray, "h w 3"]) -> None:
        self._encoder.write(declared(frame, self._origin, label=self._label, moving=True))


class _FrameSink:
    def __init__(self, path: Path, draft: Path, origin: Origin, pair: SigningPair, label: bool) -> None:
        self.path = path
        self.warning: str | None = None
        self.written = 0
        self._draft = draft
        self._origin = origin
        self._pair = pair
        self._label = label

    def write(self, frame: UInt8[np.ndarray, "h w 3"]) -> None:
        name = f"{self.written:06d}.png"
        frame = declared(frame, self._origin, label=self._label)
        _write_picture(frame, self._draft / name, self._origin, self._pair)
        self.written += 1


def _write_picture(image: UInt8[np.ndarray, "h w 3"], path: Path, origin: Origin, pair: SigningPair) -> None:
    with _unsigned(path) as plain:
        encode_image(image, plain, metadata=origin.metadata, xmp=packet(origin))
        sign(plain, path, origin, pair)


@contextmanager
def _unsigned(path: Path) -> Iterator[Path]:
    """A temporary path next to `path` for the file without its credential; removed at the end of the block."""
    plain = path.with_name(f".{path.stem.lstrip('.')}.unsigned{path.suffix}")
    try:
        yield plain
    finally:
        plain.unlink(missing_ok=True)


def _require_suffix(path: Path, allowed: tuple[str, ...], what: str) -> None:
    if path.suffix.lower() not in allowed:
        raise BadRequest(f"{what} cannot be saved as {path.name}; use a name ending in {', '.join(allowed)}")


def _remove_surplus(folder: Path, count: int, origin: Origin) -> None:
    """Remove frames of an earlier, longer run, which would look like the end of this one.

    Only files whose metadata name this program are removed.
    """
    for file in folder.iterdir():
        if FRAME_NAME.fullmatch(file.name) and int(file.stem) >= count and _made_by(file) == origin.tool:
            file.unlink()


def _made_by(file: Path) -> str | None:
    try:
        with Image.open(file, formats=("PNG",)) as image:
            return image.info.get("Software")
    except OSError:
        return None

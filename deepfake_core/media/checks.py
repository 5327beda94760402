"""Checks before a file is decoded: it exists, is readable, and its size is within the limits."""

import os
from pathlib import Path

from deepfake_core.errors import MediaTooLarge, MediaTooSmall, MissingFile, UnreadableMedia
from deepfake_core.settings import settings

MIN_SIDE = 16
"""Pixels: below this no face or texture can be recognised."""


def existing_file(path: str | Path) -> Path:
    """Return `path` if it is a readable, non-empty file.

    Raises `MissingFile` (missing, a folder, no permission) or `UnreadableMedia` (an empty file).
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise MissingFile(f"{path.name or path} is a folder; name a file in it")
        if not path.is_file():
            raise MissingFile(f"there is no file {path.name}; check its name and folder")
        size = path.stat().st_size
    except OSError as error:
        raise MissingFile(f"{path.name} cannot be opened ({error.strerror}); check its name and folder") from error
    if not os.access(path, os.R_OK):
        raise MissingFile(f"{path.name} cannot be read: permission denied; change its permissions")
    if size == 0:
        raise UnreadableMedia(f"{path.name} is empty; copy or download it again")
    return path


def check_picture(name: str, width: int, height: int, most: int | None = None) -> None:
    """Refuse a picture of `width` x `height` pixels that is too large to decode safely or too small to use.

    `most` pixels, or `picture_pixels` of the settings. Raises `MediaTooLarge` or `MediaTooSmall`.
    """
    _check_size(name, width, height, most or settings().picture_pixels)


def check_clip(name: str, width: int, height: int) -> None:
    """`check_picture` for the frames of a clip."""
    _check_size(name, width, height, settings().clip_pixels)


def _check_size(name: str, width: int, height: int, most: int) -> None:
    longest = settings().longest_side
    if width * height > most:
        limit = f"{most / 1_000_000:g} million" if most >= 1_000_000 else f"{most:,}"
        raise MediaTooLarge(f"{name} is {width} x {height} pixels and the limit is {limit} pixels; scale it down first")
    if max(width, height) > longest:
        raise MediaTooLarge(
            f"{name} is {width} x {height} pixels and the longest side allowed is {longest}; scale it down first"
        )
    if min(width, height) < MIN_SIDE:
        raise MediaTooSmall(
            f"{name} is a {width} x {height} image; choose one with at least {MIN_SIDE} pixels on each side"
        )

"""Detect the format of a file from its first bytes; its name is not trusted."""

from pathlib import Path
from typing import NamedTuple


class Kind(NamedTuple):
    """A picture or video format."""

    name: str
    moving: bool
    media_type: str | None
    """The name used by c2pa; None for a format that cannot hold Content Credentials."""


PNG, JPEG = Kind("PNG picture", False, "image/png"), Kind("JPEG picture", False, "image/jpeg")
WEBP, GIF = Kind("WebP picture", False, "image/webp"), Kind("GIF picture", False, "image/gif")
TIFF, BMP = Kind("TIFF picture", False, "image/tiff"), Kind("BMP picture", False, None)
MP4, AVI = Kind("MP4 video", True, "video/mp4"), Kind("AVI video", True, "video/x-msvideo")
MATROSKA = Kind("WebM or Matroska video", True, None)
HEIF, AVIF = Kind("HEIF picture", False, "image/heif"), Kind("AVIF picture", False, "image/avif")

STARTS = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"BM", BMP),
    (b"\x1a\x45\xdf\xa3", MATROSKA),
)
RIFF = {b"WEBP": WEBP, b"AVI ": AVI}
BRANDS = {b"avif": AVIF, b"avis": AVIF, b"heic": HEIF, b"heix": HEIF, b"mif1": HEIF, b"msf1": HEIF}
"""Brands of still pictures in the ISO base media format."""


def kind_of(path: Path) -> Kind | None:
    """The format of a file; None when it is not a known picture or video format."""
    with path.open("rb") as file:
        head = file.read(16)
    if head[:4] == b"RIFF":
        return RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], MP4)
    return next((kind for start, kind in STARTS if head.startswith(start)), None)

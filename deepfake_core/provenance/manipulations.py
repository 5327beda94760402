"""Change a signed result as people do, to see which of its marks survive: for lessons, and for the Verify tab.

Only unchanged results that this machine signed are taken, so that nothing else is passed on under its name. Their
visible label stays: a crop keeps its corner, and a picture that is scaled down is labelled again. Nobody's key but a
new one, which is thrown away, signs anything here.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import PIL.Image
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.media.encode import encode_image
from deepfake_core.media.images import read_image
from deepfake_core.provenance.certificates import generate
from deepfake_core.provenance.credentials import sign
from deepfake_core.provenance.formats import PNG, kind_of
from deepfake_core.provenance.keys import Certificates, SigningPair
from deepfake_core.provenance.origin import Origin
from deepfake_core.provenance.verification import Credential, Verification
from deepfake_core.provenance.xmp import packet
from deepfake_core.settings import settings

Pixels = UInt8[np.ndarray, "h w 3"]

CUT = 0.15
"""Share of the width and of the height that a crop removes."""
DOT = 0.04
"""Radius of the painted dot, as a share of the shorter side."""
DOT_COLOUR = (214, 40, 40)
SMALLER = 0.75
"""Scale of a shrunk picture; its label, which shrinks too, can still be read."""
PNG_HEAD = 8
"""Bytes before the first chunk of a PNG."""
ONLY_OURS = "{} is not an unchanged picture that was signed here; choose a result of this app, or use the example"


class Manipulation(NamedTuple):
    """One way to change a picture."""

    title: str
    """Of its button, in the imperative."""
    what: str
    """What is done, in one sentence."""
    change: Callable[[Path, Pixels, Credential, Path], Path]
    """`change(original, pixels, credential, folder)` writes the changed file and returns its path."""


def can_be_changed(path: Path, found: Verification) -> bool:
    """Whether `path`, verified as `found`, is an unchanged PNG that was signed by a key of this machine."""
    credential = found.credential
    return bool(credential and credential.state == "valid" and credential.whose) and kind_of(path) == PNG


def manipulate(path: Path, how: str, folder: Path, *, found: Verification, deadline: Deadline = NEVER) -> Path:
    """Write the changed picture into `folder` and return its path.

    `found` is the verification of `path`. Raises `BadRequest` for an unknown manipulation and for a file of which
    `can_be_changed` is false, and what `read_image` raises.
    """
    if how not in MANIPULATIONS:
        raise BadRequest(f"how must be one of {', '.join(MANIPULATIONS)}, got {how[:40]!r}")
    credential = found.credential
    if credential is None or not can_be_changed(path, found):
        raise BadRequest(ONLY_OURS.format(found.name))
    pixels = read_image(path, deadline=deadline)
    deadline.check()
    return MANIPULATIONS[how].change(path, pixels, credential, folder)


def _save_again(path: Path, pixels: Pixels, _: Credential, folder: Path) -> Path:
    return _written(pixels, folder / f"{path.stem}-saved-again.jpg")


def _screenshot(path: Path, pixels: Pixels, _: Credential, folder: Path) -> Path:
    return _written(pixels, folder / f"{path.stem}-screenshot.png")


def _shrink(path: Path, pixels: Pixels, _: Credential, folder: Path) -> Path:
    height, width, _channels = pixels.shape
    size = round(width * SMALLER), round(height * SMALLER)
    smaller = PIL.Image.fromarray(pixels).resize(size, PIL.Image.Resampling.LANCZOS)
    return _written(np.asarray(smaller), folder / f"{path.stem}-shrunk.png")


def _crop(path: Path, pixels: Pixels, _: Credential, folder: Path) -> Path:
    """Cut off the two sides that are opposite to the label."""
    height, width, _channels = pixels.shape
    vertical, horizontal = settings().label_place.split("-")
    rows, columns = round(height * CUT), round(width * CUT)
    kept = pixels[rows:] if vertical == "bottom" else pixels[: height - rows]
    kept = kept[:, columns:] if horizontal == "right" else kept[:, : width - columns]
    return _written(np.ascontiguousarray(kept), folder / f"{path.stem}-cropped.png")


def _paint(path: Path, pixels: Pixels, _: Credential, folder: Path) -> Path:
    """Put other pixels into the signed file and leave all else as it is, the signature included."""
    height, width, _channels = pixels.shape
    rows, columns = np.ogrid[:height, :width]
    inside = np.hypot(rows - height / 2, columns - width / 2) < DOT * min(height, width)
    painted = np.where(inside[..., None], np.array(DOT_COLOUR, np.uint8), pixels)
    plain = _written(painted, folder / "painted-pixels.png")
    changed = folder / f"{path.stem}-painted.png"
    changed.write_bytes(_with_pixels_of(path.read_bytes(), plain.read_bytes()))
    plain.unlink()
    return changed


def _forge(path: Path, pixels: Pixels, credential: Credential, folder: Path) -> Path:
    """Sign the pixels with a new key that bears the signer's name."""
    origin = Origin(model=credential.model, weights_sha256=credential.weights_sha256 or None)
    plain = folder / "unsigned.png"
    encode_image(pixels, plain, metadata=origin.metadata, xmp=packet(origin))
    forged = folder / f"{path.stem}-forged.png"
    sign(plain, forged, origin, _new_pair(credential.signer))
    plain.unlink()
    return forged


NEW_FILE = "Signature and statement belong to the file, and this is a new file without them"
WATERMARK_STAYS = "the watermark is in the pixels, so it came along"
WATERMARK_LOST = "the watermark was too weak to be found again"
MANIPULATIONS: Mapping[str, Manipulation] = MappingProxyType(
    {
        "save-again": Manipulation("Save it again", "A program writes its pixels into a new JPEG.", _save_again),
        "screenshot": Manipulation("Take a screenshot", "Only what the screen shows is kept.", _screenshot),
        "shrink": Manipulation("Shrink it", "It is scaled to three quarters of its width and height.", _shrink),
        "crop": Manipulation("Crop it", "A strip at two of its sides is cut off.", _crop),
        "paint": Manipulation("Paint a red dot", "Pixels are replaced; the rest of the file is left as it is.", _paint),
        "forge": Manipulation("Forge the signature", "It is signed with a new key that bears the same name.", _forge),
    }
)


def why(how: str, after: Verification) -> str:
    """Why the changed picture is verified as `after`, in one sentence."""
    if how == "paint":
        return "The signature covers every byte of the picture, so it no longer fits once a single pixel is changed."
    if how == "forge":
        return (
            "The new signature is sound, but anyone can make a key with any name: only the key itself can be trusted."
        )
    lost = "the watermark is a pattern over the whole picture, and no longer lies where it is looked for"
    watermark = WATERMARK_STAYS if after.watermark else lost if how == "crop" else WATERMARK_LOST
    return f"{NEW_FILE}; {watermark}."


def _written(pixels: Pixels, path: Path) -> Path:
    encode_image(pixels, path)
    return path


def _with_pixels_of(signed: bytes, other: bytes) -> bytes:
    """The PNG `signed` with the pixels of `other`, of the same size and colour type."""
    wanted, chunks = [chunk for kind, chunk in _chunks(other) if kind == b"IDAT"], list(_chunks(signed))
    first = next(place for place, (kind, _) in enumerate(chunks) if kind == b"IDAT")
    before = [chunk for kind, chunk in chunks[:first]]
    after = [chunk for kind, chunk in chunks[first:] if kind != b"IDAT"]
    return signed[:PNG_HEAD] + b"".join([*before, *wanted, *after])


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and bytes of each chunk of a PNG."""
    start = PNG_HEAD
    while start < len(png):
        (length,) = struct.unpack_from(">I", png, start)
        yield png[start + 4 : start + 8], png[start : start + length + 12]
        start += length + 12


def _new_pair(name: str) -> SigningPair:
    made = generate(name)
    key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningPair(key=key, certificates=Certificates(chain=made.chain), algorithm="es256", path=None)

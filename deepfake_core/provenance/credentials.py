"""Content Credentials, https://spec.c2pa.org: a signed manifest embedded in a file that states how it was made."""

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import c2pa
from PIL import Image

from deepfake_core.errors import BadRequest
from deepfake_core.provenance.keys import SigningPair, signing_pair
from deepfake_core.provenance.origin import Input, Origin
from deepfake_core.provenance.reading import GENERATION

MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
}
OFFLINE = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
"""No thumbnail, and no network access."""


def ready_pair() -> SigningPair:
    """The current signing pair, after a test signature: an unusable certificate should fail before hours of work.

    Raises `BadRequest` as `signing_pair` and `sign` do.
    """
    pair = signing_pair()
    _test_signature(pair)
    return pair


@lru_cache(maxsize=8)
def _test_signature(pair: SigningPair) -> None:
    picture, signed = io.BytesIO(), io.BytesIO()
    Image.new("L", (1, 1)).save(picture, "PNG")
    _sign(picture, signed, ".png", Origin(model="none"), pair)


def sign(source: Path, destination: Path, origin: Origin, pair: SigningPair) -> None:
    """Copy `source` to `destination` and add a credential that covers all other bytes, including the XMP.

    Raises `BadRequest` when the certificate cannot be used to sign, `OSError` when the file cannot be written.
    """
    with source.open("rb") as unsigned, destination.open("w+b") as file:
        signed = ErrorRecordingFile(file)
        try:
            _sign(unsigned, signed, source.suffix.lower(), origin, pair)
        except c2pa.C2paError as error:
            raise signed.error or error from error


def _sign(source: io.BufferedIOBase, destination: Any, suffix: str, origin: Origin, pair: SigningPair) -> None:
    info = c2pa.C2paSignerInfo(
        alg=pair.algorithm.encode(), sign_cert=pair.certificates.pem, private_key=pair.key, ta_url=None
    )
    try:
        with (
            c2pa.Signer.from_info(info) as signer,
            c2pa.Context.from_dict(OFFLINE) as context,
            c2pa.Builder(manifest(origin), context) as builder,
        ):
            builder.sign(signer, MEDIA_TYPES[suffix], source, destination)
    except c2pa.C2paError.Signature as error:
        raise BadRequest(
            f"the certificate of {pair.certificates.name} cannot be used to sign ({error}); set another one, or none"
        ) from error


class ErrorRecordingFile:
    """A file that records the `OSError` of a failed write, which c2pa replaces by an unspecific one."""

    def __init__(self, file: io.BufferedRandom) -> None:
        self._file = file
        self.error: OSError | None = None
        self.readinto, self.seek, self.tell = file.readinto, file.seek, file.tell
        self.read = file.read

    def write(self, data: bytes) -> int:
        """Write all of `data`. Raises `OSError`."""
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Flush the file. Raises `OSError`."""
        try:
            self._file.flush()
        except OSError as error:
            self.error = error
            raise


def manifest(origin: Origin) -> dict[str, Any]:
    """The manifest definition for c2pa's builder, without title, name, time and thumbnail.

    A new result has the action `c2pa.created`; an edited picture has `c2pa.opened` (with the picture as its parent)
    followed by `c2pa.edited`. Every input is an ingredient identified by its hash alone.
    """
    numbers = range(1, len(origin.inputs) + 1)
    names = [f"input-{number}" for number in numbers]
    agent = {"name": origin.tool, "version": origin.version}
    edited = origin.edited and bool(names)
    inputs = names[1:] if edited else names
    made = {
        "action": "c2pa.edited" if edited else "c2pa.created",
        "digitalSourceType": origin.source_uri,
        "softwareAgent": agent,
        "description": origin.comment,
        "parameters": {"model": origin.model} | ({"ingredientIds": inputs} if inputs else {}),
    }
    opened = [{"action": "c2pa.opened", "parameters": {"ingredientIds": names[:1]}}] if edited else []
    relations = ["parentOf" if edited and number == 1 else "inputTo" for number in numbers]
    return {
        "claim_generator_info": [agent],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [*opened, made]}},
            {"label": GENERATION, "data": _generation(origin)},
        ],
        "ingredients": [
            _ingredient(one, name, relation)
            for one, name, relation in zip(origin.inputs, names, relations, strict=True)
        ],
    }


def _generation(origin: Origin) -> dict[str, Any]:
    known = {"weights_sha256": origin.weights_sha256} if origin.weights_sha256 else {}
    inputs = [{"sha256": one.sha256, "of": one.of} for one in origin.inputs]
    return {"model": origin.model, **known, "inputs": inputs}


def _ingredient(one: Input, name: str, relation: str) -> dict[str, str]:
    return {
        "title": name.replace("-", " "),
        "instance_id": name,
        "relationship": relation,
        "description": f"SHA-256 of its {one.of}: {one.sha256}",
    }

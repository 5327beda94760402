"""Content Credentials, https://spec.c2pa.org: a signed statement inside a file of what made it."""

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
"""No small copy of the picture, and nothing is asked of the network."""


def ready_pair() -> SigningPair:
    """The pair that signs now, tried once: a certificate that is not fit to sign should be told before hours of work.

    Raises `BadRequest` as `signing_pair` and `sign` do.
    """
    pair = signing_pair()
    _try(pair)
    return pair


@lru_cache(maxsize=8)
def _try(pair: SigningPair) -> None:
    picture, signed = io.BytesIO(), io.BytesIO()
    Image.new("L", (1, 1)).save(picture, "PNG")
    _sign(picture, signed, ".png", Origin(model="none"), pair)


def sign(source: Path, destination: Path, origin: Origin, pair: SigningPair) -> None:
    """Copy `source` to `destination` with a credential that covers every byte but its own, and so the XMP too.

    Raises `BadRequest` when the certificate is not fit to sign, `OSError` when the file cannot be written.
    """
    with source.open("rb") as unsigned, destination.open("w+b") as file:
        signed = Watched(file)
        try:
            _sign(unsigned, signed, source.suffix.lower(), origin, pair)
        except c2pa.C2paError as error:
            raise signed.trouble or error from error


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
            f"the certificate of {pair.certificates.name} is not fit to sign ({error}); set another one, or none"
        ) from error


class Watched:
    """A file that remembers why it could not be written: c2pa would say no more than that something failed."""

    def __init__(self, file: io.BufferedRandom) -> None:
        self._file = file
        self.trouble: OSError | None = None
        self.readinto, self.seek, self.tell = file.readinto, file.seek, file.tell
        self.read = file.read

    def write(self, data: bytes) -> int:
        """All of `data`. Raises `OSError`."""
        try:
            return self._file.write(data)
        except OSError as error:
            self.trouble = error
            raise

    def flush(self) -> None:
        """Raises `OSError`."""
        try:
            self._file.flush()
        except OSError as error:
            self.trouble = error
            raise


def manifest(origin: Origin) -> dict[str, Any]:
    """The statement, as c2pa's builder takes it: no title, no name, no time, no thumbnail.

    A new result begins with the action `c2pa.created`; another state of a given picture is `c2pa.opened` (that picture,
    its parent) and then `c2pa.edited`. Every input is an ingredient known by its hash alone.
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

"""The key that signs results: generated on first use in the user's data folder, or set by the operator."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from filelock import FileLock

from deepfake_core.errors import BadRequest
from deepfake_core.media.atomic_write import atomic_file
from deepfake_core.provenance.certificates import KeyWithChain, generate
from deepfake_core.provenance.private_files import private_bytes, require_private
from deepfake_core.settings import settings

PAIR = "signing.pem"
"""Key and certificates in one file, so that one rename replaces both and they always match."""
EARLIER = "earlier"
"""Folder of certificates of earlier keys, so that files signed with them are still recognised."""
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
LOCK_SECONDS = 30
WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
PEM = "-----BEGIN "
"""The beginning of a setting that holds a key or certificates as text, not the name of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """The certificate chain of a signer; holds nothing secret."""

    chain: tuple[x509.Certificate, ...]
    """The signer's certificate first, the root last."""

    @property
    def name(self) -> str:
        """Common name of the signer."""
        names = self.chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else "no name"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the signer's certificate, as hexadecimal digits."""
        return self.chain[0].fingerprint(SHA256()).hex()

    @property
    def serial(self) -> str:
        """Serial number of that certificate in decimal digits, as reported by C2PA."""
        return str(self.chain[0].serial_number)

    @property
    def anchor(self) -> bytes:
        """The root certificate in PEM; to trust it is to trust the signer."""
        return self.chain[-1].public_bytes(Encoding.PEM)

    @property
    def until(self) -> datetime:
        """Earliest expiry date of the chain."""
        return min(one.not_valid_after_utc for one in self.chain)

    @property
    def pem(self) -> bytes:
        """The whole chain in PEM."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in self.chain)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPair:
    """A private key with the certificates that are embedded in signed files."""

    key: bytes = field(repr=False)
    """PKCS #8 PEM; never printed, never sent."""
    certificates: Certificates
    algorithm: str
    """C2PA's name of it."""
    path: Path | None
    """The file of the key; None if the setting holds its text."""


def credentials_folder() -> Path:
    """`$DEEPFAKE_HOME/credentials`, else a folder in the user's data folder, which clearing caches does not empty."""
    home = settings().home
    if home:
        return Path(home) / "credentials"
    data = os.environ.get("XDG_DATA_HOME") or Path(os.path.expanduser("~")) / ".local" / "share"
    return Path(data) / "deepfake-lab" / "credentials"


def signing_pair() -> SigningPair:
    """The current pair: the one named in the settings, else the user's own, generated if missing or expired.

    Raises `BadRequest` for files that are missing, damaged, expired or do not match, for a key that other users could
    read or replace (see `private_files`), and when the user's folder is not writable.
    """
    current = settings()
    if current.signing_key or current.signing_certificate:
        return _given(current.signing_key, current.signing_certificate)
    own = _own()
    if own is None:
        with _locked() as folder:
            if _own() is None:  # else another process generated it first
                _replace(folder)
        own = _own()
    assert own is not None
    return own


def rotate() -> SigningPair:
    """Replace the user's own key by a new one. The old key is deleted; its certificate is kept under today's date.

    Raises `BadRequest` when the key is set by the operator.
    """
    if settings().signing_key:
        raise BadRequest("the signing key is set by DEEPFAKE_SIGNING_KEY; replace that file or secret yourself")
    with _locked() as folder:
        _replace(folder)
    return signing_pair()


def known_signers() -> Iterator[tuple[Certificates, str]]:
    """Certificates of this machine's keys, each with a description: the current key's, then those of earlier keys.

    Unreadable files are skipped: verifying a picture needs no key.
    """
    current, folder = settings(), credentials_folder()
    if given := current.signing_certificate or (current.signing_key if _is_text(current.signing_key) else ""):
        with suppress(BadRequest):
            yield _chain(given), "the key in the settings"
    places = [(folder / PAIR, "this machine's own key")]
    for path in sorted((folder / EARLIER).glob("*.pem"), reverse=True):
        places.append((path, f"an earlier key of this machine, {path.stem.rpartition(' ')[0]}"))
    for path, what in places:
        with suppress(BadRequest):
            yield certificates_in(path), what


def certificates_in(path: Path) -> Certificates:
    """The certificates in a PEM file. Raises `BadRequest` when there are none."""
    return _certificates(_bytes_of(path), path.name)


def _certificates(data: bytes, name: str) -> Certificates:
    try:
        return Certificates(chain=tuple(x509.load_pem_x509_certificates(data)))
    except ValueError as error:
        raise BadRequest(
            f"{name} holds no certificate; it must be in PEM with the signer's own certificate first"
        ) from error


def _is_text(setting: str) -> bool:
    """Whether a setting holds PEM text instead of a file's name."""
    return setting.startswith(PEM)


def _text(setting: str) -> bytes:
    """PEM text, in which a secret of one line has `\\n` for the ends of lines."""
    return setting.replace("\\n", "\n").encode()


def _chain(setting: str) -> Certificates:
    """The certificates in a setting. Raises `BadRequest` when there are none."""
    if _is_text(setting):
        return _certificates(_text(setting), "DEEPFAKE_SIGNING_CERTIFICATE")
    return certificates_in(Path(setting))


def _own() -> SigningPair | None:
    """The user's own pair; None when it is missing or expired."""
    path = credentials_folder() / PAIR
    if not path.is_file():
        return None
    require_private(path.parent)
    try:
        pair = _pair(private_bytes(path), certificates_in(path), path, path.name)
    except BadRequest as error:
        raise BadRequest(f"{error} (or generate a new one: python -m deepfake_core credentials rotate)") from error
    return pair if pair.certificates.until > datetime.now(UTC) else None


def _given(key: str, certificate: str) -> SigningPair:
    """The pair in the settings: two files, or PEM text; a key's text may hold its certificates, too."""
    if _is_text(key) and not certificate:
        certificate = key
    if not key or not certificate:
        raise BadRequest("DEEPFAKE_SIGNING_KEY and DEEPFAKE_SIGNING_CERTIFICATE belong together; set both or neither")
    path = None if _is_text(key) else Path(key)
    data, name = (_text(key), "DEEPFAKE_SIGNING_KEY") if path is None else (private_bytes(path), path.name)
    pair = _pair(data, _chain(certificate), path, name)
    now = datetime.now(UTC)
    if pair.certificates.until <= now:
        which = "the signing certificate" if _is_text(certificate) else Path(certificate).name
        raise BadRequest(f"{which} expired on {pair.certificates.until:%d %B %Y}; set a newer one")
    if any(one.not_valid_before_utc > now for one in pair.certificates.chain):
        raise BadRequest(f"{Path(certificate).name} is not valid yet; check this machine's clock, or set another one")
    return pair


def _pair(data: bytes, certificates: Certificates, path: Path | None, name: str) -> SigningPair:
    """A pair whose key and certificate match; the caller checks the dates."""
    try:
        key = load_pem_private_key(data, password=None)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"{name} holds no private key; it must be PKCS #8 PEM without a password") from error
    if _public(key.public_key()) != _public(certificates.chain[0].public_key()):
        raise BadRequest(
            f"the key in {name} does not match the first certificate that is set with it; set two that belong together"
        )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningPair(key=pem, certificates=certificates, algorithm=_algorithm(key, name), path=path)


def _algorithm(key: PrivateKeyTypes, name: str) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return "ps256"
    raise BadRequest(f"the key in {name} is of an unsupported type; generate an ECDSA key on the curve P-256")


def _public(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read ({error.strerror}); check the signing settings") from error


@contextmanager
def _locked() -> Iterator[Path]:
    """The user's folder, private to this user and locked against other processes that generate keys."""
    folder = credentials_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            yield folder
    except OSError as error:  # includes the lock's timeout
        raise BadRequest(
            f"the signing key cannot be stored in {folder} ({error.strerror or error}); "
            "set DEEPFAKE_HOME to a writable folder"
        ) from error


def _replace(folder: Path) -> None:
    """Keep the current certificates under today's date, then write a new pair."""
    path = folder / PAIR
    with suppress(BadRequest):  # no such file, or no certificate in it
        old = certificates_in(path)
        kept = folder / EARLIER / f"until {datetime.now(UTC):%Y-%m-%d} {old.fingerprint[:8]}.pem"
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        _write(kept, old.pem)
    _write(path, _as_pem(generate()))


def _as_pem(pair: KeyWithChain) -> bytes:
    key = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + Certificates(chain=pair.chain).pem


def _write(path: Path, data: bytes) -> None:
    """Write `data` atomically, readable by the owner alone from the first byte on."""
    with atomic_file(path) as temporary:
        descriptor = os.open(temporary, WRITE_FLAGS, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)

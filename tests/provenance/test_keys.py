"""Laws of the signing key: one pair however many ask, for its owner's eyes alone, and old files stay known as ours."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from deepfake_core.cli import main
from deepfake_core.errors import BadRequest
from deepfake_core.provenance.certificates import generate
from deepfake_core.provenance.credentials import ready_pair
from deepfake_core.provenance.keys import known_signers, rotate, signing_pair
from deepfake_core.settings import settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the keys of one test lie."""
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "credentials"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_made_once_and_for_the_owner_alone(folder: Path) -> None:
    old = os.umask(0)
    try:
        pair = signing_pair()
        rotate()
    finally:
        os.umask(old)
    assert (mode(folder), mode(folder / "signing.pem"), mode(folder / "earlier")) == (0o700, 0o600, 0o700)
    assert signing_pair() == signing_pair() != pair
    assert "PRIVATE" not in repr(pair)
    assert [path.name for path in folder.iterdir() if ".part-" in path.name] == []


def test_never_a_moment_in_which_others_may_read_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, opened = [], os.open

    def watched(path: str, flags: int, *more: int) -> int:
        descriptor = opened(path, flags, *more)
        if ".part-" in str(path):
            seen.append((os.fstat(descriptor).st_mode & 0o777, bool(flags & os.O_EXCL)))
        return descriptor

    monkeypatch.setattr(os, "open", watched)
    old = os.umask(0)
    try:
        signing_pair()
    finally:
        os.umask(old)
    assert seen == [(0o600, True)]


def test_processes_that_start_at_once_end_with_one_pair(folder: Path) -> None:
    code = "from deepfake_core.provenance.keys import signing_pair; print(signing_pair().certificates.fingerprint)"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate(timeout=120)[0] for process in running}
    assert said == {signing_pair().certificates.fingerprint + "\n"}
    assert not (folder / "earlier").exists()


def test_certificates_say_nothing_of_a_person() -> None:
    for one in signing_pair().certificates.chain:
        assert one.subject.rfc4514_string() in ("CN=Deepfake Lab (self-made)", "CN=Deepfake Lab (self-made) authority")
        kinds = {type(extension.value) for extension in one.extensions}
        assert x509.SubjectAlternativeName not in kinds


def test_no_key_of_the_authority_is_kept(folder: Path) -> None:
    signing_pair()
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert kept.count(b"PRIVATE KEY-----\n") == 2  # begin and end of one


def test_rotation_forgets_the_key_and_keeps_its_certificate(folder: Path) -> None:
    first = signing_pair()
    second = rotate()
    assert second.certificates.fingerprint != first.certificates.fingerprint
    known = [(one.fingerprint, what) for one, what in known_signers()]
    assert [fingerprint for fingerprint, _ in known] == [
        second.certificates.fingerprint,
        first.certificates.fingerprint,
    ]
    assert re.search(r"earlier key of this machine, until \d{4}-\d\d-\d\d", known[1][1])
    assert first.key not in b"".join(path.read_bytes() for path in folder.rglob("*.pem"))
    damaged = folder / "earlier" / "damaged.pem"
    damaged.write_text("nothing")
    assert len(list(known_signers())) == 2


def written(folder: Path, made: tuple, key: bytes | None = None) -> tuple[Path, Path]:
    """Key and certificates as two files."""
    folder.mkdir(exist_ok=True, parents=True)
    private, chain = made
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key or pem)
    (folder / "key.pem").chmod(0o600)
    (folder / "certificate.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))
    return folder / "key.pem", folder / "certificate.pem"


def give(monkeypatch: pytest.MonkeyPatch, files: Sequence[Path | str]) -> None:
    for name, value in zip(("DEEPFAKE_SIGNING_KEY", "DEEPFAKE_SIGNING_CERTIFICATE"), files, strict=True):
        monkeypatch.setenv(name, str(value))


def test_our_own_pair_is_renewed_once_it_has_expired(folder: Path) -> None:
    key, certificate = written(folder.parent, generate(validity=timedelta(seconds=-1)))
    folder.mkdir(mode=0o700)
    (folder / "signing.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
    (folder / "signing.pem").chmod(0o600)
    old = next(known_signers())[0]
    assert signing_pair().certificates.fingerprint != old.fingerprint
    assert [one.fingerprint for one, _ in known_signers()][1:] == [old.fingerprint]


def test_given_keys_sign(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, written(tmp_path / "given", generate("Our School")))
    assert ready_pair().certificates.name == "Our School"
    assert [what for _, what in known_signers()] == ["the key in the settings"]
    assert not folder.exists()
    with pytest.raises(BadRequest, match="replace that file or secret yourself"):
        rotate()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("no key", "nothing.pem cannot be read"),
        ("no certificate", "nothing.pem cannot be read"),
        ("only one", "set both"),
        ("another's certificate", "does not match"),
        ("expired", "expired on"),
        ("readable by all", "chmod 600"),
        ("password", "without a password"),
        ("no PEM", "holds no private key"),
        ("no certificate inside", "holds no certificate"),
        ("weak", "of an unsupported type"),
        ("unfit", "cannot be used to sign"),
    ],
)
def test_unusable_keys_are_reported_in_one_sentence(
    what: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = generate("Our School")
    key, certificate = written(tmp_path / "given", made)
    gone = tmp_path / "nothing.pem"
    match what:
        case "no key":
            key = gone
        case "no certificate":
            certificate = gone
        case "only one":
            certificate = Path()
        case "another's certificate":
            certificate = written(tmp_path / "other", generate())[1]
        case "expired":
            key, certificate = written(tmp_path / "old", generate(validity=timedelta(seconds=-1)))
        case "readable by all":
            key.chmod(0o644)
        case "password":
            locked = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
            written(tmp_path / "given", made, locked)
        case "no PEM":
            key.write_bytes(b"\0\1\2")
        case "no certificate inside":
            certificate.write_bytes(key.read_bytes())
        case "weak":
            weak = rsa.generate_private_key(65537, 1024)
            key, certificate = written(tmp_path / "weak", (weak, self_signed(weak)))
        case "unfit":
            other = ec.generate_private_key(ec.SECP256R1())
            key, certificate = written(tmp_path / "unfit", (other, self_signed(other)))
    give(monkeypatch, (key, "" if what == "only one" else certificate))
    with pytest.raises(BadRequest, match=words) as refused:
        ready_pair()
    assert str(refused.value).count("\n") == 0


def test_a_key_given_as_text_signs_and_is_nowhere_shown(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a Space's secret: with line ends, or on one line; certificates beside it or in the same text."""
    key, certificate = (path.read_text() for path in written(tmp_path / "given", generate("Our School")))
    secret = key.splitlines()[2][:20]
    one_line = key.replace("\n", "\\n")
    for texts in ((key, certificate), (one_line, certificate.replace("\n", "\\n")), (key + certificate, "")):
        give(monkeypatch, texts)
        pair = ready_pair()
        assert (pair.certificates.name, pair.path) == ("Our School", None)
        assert [what for _, what in known_signers()] == ["the key in the settings"]
        assert secret not in repr(settings())
    assert not folder.exists()
    assert main(["credentials", "show"]) == 0
    assert "in DEEPFAKE_SIGNING_KEY" in capsys.readouterr().out
    give(monkeypatch, (key, ""))
    with pytest.raises(BadRequest, match="holds no certificate") as refused:
        ready_pair()
    assert secret not in str(refused.value)


def self_signed(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> tuple[x509.Certificate]:
    """A certificate that vouches for itself, with none of the extensions that C2PA wants."""
    from cryptography.hazmat.primitives.hashes import SHA256

    [signer, _] = generate("Our School").chain
    plain = x509.CertificateBuilder(
        signer.subject, signer.subject, key.public_key(), 7, signer.not_valid_before_utc, signer.not_valid_after_utc
    )
    return (plain.sign(key, SHA256()),)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "file"))
    with pytest.raises(BadRequest, match="set DEEPFAKE_HOME"):
        signing_pair()


def test_keys_are_shown_and_rotated_by_one_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["credentials", "show"]) == 0
    shown = capsys.readouterr().out
    assert signing_pair().certificates.fingerprint in shown and str(folder) in shown and "PRIVATE" not in shown
    assert main(["credentials", "rotate", "--json"]) == 0
    rotated = capsys.readouterr().out
    assert signing_pair().certificates.fingerprint in rotated and "PRIVATE" not in rotated


def test_a_damaged_pair_can_be_rotated_away(folder: Path) -> None:
    signing_pair()
    (folder / "signing.pem").write_text("nothing")
    with pytest.raises(BadRequest, match="credentials rotate"):
        signing_pair()
    assert rotate() == signing_pair()

"""Several sources of one file: Hub and HTTPS servers on loopback that are down, lie, or break off."""

import hashlib
import ipaddress
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from huggingface_hub.utils._http import close_session

from deepfake_core.cli import main
from deepfake_core.errors import DownloadFailed
from deepfake_core.hub import pulling
from deepfake_core.hub.downloads import Fetching
from deepfake_core.hub.manifest import Entry, Source, WebFile, entry, manifest
from deepfake_core.hub.obtaining import SourceFailed
from deepfake_core.hub.pulling import Pulled, pull
from deepfake_core.hub.store import find, load
from tests.hub.hub_server import PIECE, Hub, serve
from tests.hub.pulled import NAME, last

FILE = "/weights/horse2zebra.pth"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1, which vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")]), datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, now - timedelta(1), now + timedelta(1))
    signed = builder.add_extension(address, False).add_extension(x509.BasicConstraints(True, None), True)
    pem = signed.sign(key, SHA256()).public_bytes(Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    return path


@pytest.fixture
def web(checkpoint: bytes, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An HTTPS server with the file."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    close_session()  # the client reads the certificates once
    with serve(Hub(files={("", FILE): checkpoint}), certificate) as running:
        yield running
    close_session()


def give(monkeypatch: pytest.MonkeyPatch, *sources: Source, sha256: str | None, name: str = NAME) -> Entry:
    """Let the weights have these sources."""
    wanted = replace(entry(name), sources=sources, sha256=sha256)
    monkeypatch.setattr(pulling, "entry", lambda name: wanted)
    return wanted


def test_the_first_is_down_the_second_wrong_and_the_third_good_in_one_command(
    hub: Hub, web: Hub, checkpoint: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        down = f"https://127.0.0.1:{free.getsockname()[1]}/a.pth"
    web.files["", "/wrong.pth"] = checkpoint[:-1] + b"?"
    wrong, good = WebFile(url=f"{web.url}/wrong.pth"), entry(NAME).sources[0]
    digest = hashlib.sha256(checkpoint).hexdigest()
    give(monkeypatch, WebFile(url=down), wrong, good, sha256=digest)
    assert main(["weights", "pull", NAME]) == 0
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if "trying the next source" in line]
    assert len(lines) == 2 and f"{down} cannot be reached" in lines[0] and f"must be {digest}, got" in lines[1]
    assert "Its sha256 matches that of the manifest." in said.out and "Sources that failed before" in said.out
    loaded = load(NAME, "cyclegan")
    assert "space davidpiscasio/unpaired-img2img" in loaded.metadata["origin"]
    assert loaded.metadata["source_sha256"] == digest


@pytest.mark.parametrize("first", ["web", "hub"])
def test_a_broken_connection_is_continued_at_the_next_source(
    first: str, hub: Hub, web: Hub, checkpoint: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first source breaks off and then only returns errors; the second is asked for the rest."""
    from_web: Source = WebFile(url=web.url + FILE)
    from_hub = entry(NAME).sources[0]
    breaking, other = (web, hub) if first == "web" else (hub, web)
    give(monkeypatch, *((from_web, from_hub) if first == "web" else (from_hub, from_web)),
         sha256=hashlib.sha256(checkpoint).hexdigest())  # fmt: skip
    breaking.breaks = [10 * PIECE]
    original = Hub.gets

    def fails_after_the_first(server: Hub) -> None:
        breaking.statuses = [503] * 9

    monkeypatch.setattr("deepfake_core.hub.downloads.PAUSE", 0.01)
    steps = pull(NAME)
    for step in steps:
        if isinstance(step, Fetching) and original(breaking):
            fails_after_the_first(breaking)
        if isinstance(step, SourceFailed):
            assert step.place and "503" in step.reason
        done = step
    assert isinstance(done, Pulled)
    [(_, _, span)] = other.gets()
    assert 0 < int(span.removeprefix("bytes=").split("-")[0]) <= 10 * PIECE
    assert load(NAME, "cyclegan").metadata["source_sha256"] == hashlib.sha256(checkpoint).hexdigest()


def test_wrong_bytes_of_a_source_that_broke_off_do_not_spoil_the_next(
    hub: Hub, web: Hub, checkpoint: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.files["", FILE] = bytes(len(checkpoint))
    web.breaks, web.statuses = [10 * PIECE], []
    give(
        monkeypatch, WebFile(url=web.url + FILE), entry(NAME).sources[0], sha256=hashlib.sha256(checkpoint).hexdigest()
    )
    steps = iter(pull(NAME))
    for step in steps:
        if isinstance(step, Fetching) and web.gets():
            web.statuses = [503] * 9
    assert isinstance(step, Pulled)
    assert [span for _, _, span in hub.gets()][-1] == "", "fetched from its beginning in the end"


def test_without_a_known_hash_another_source_begins_anew(
    hub: Hub, web: Hub, checkpoint: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.breaks, web.statuses = [10 * PIECE], []
    give(monkeypatch, WebFile(url=web.url + FILE), entry(NAME).sources[0], sha256=None)
    for step in pull(NAME):
        if isinstance(step, Fetching) and web.gets():
            web.statuses = [503] * 9
    assert [span for _, _, span in hub.gets()] == [""]


def test_a_file_that_changed_meanwhile_is_begun_anew(
    web: Hub, hub: Hub, checkpoint: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a known hash the server compares its own validator."""
    give(monkeypatch, WebFile(url=web.url + FILE), sha256=None)
    web.pause = 0.05
    steps = pull(NAME)
    assert any(isinstance(step, Fetching) and step.done for step in steps)
    steps.close()  # type: ignore[attr-defined]
    web.pause, web.if_range = 0.0, True
    newer = bytearray(checkpoint)
    newer[len(newer) // 2] ^= 1  # a number of a tensor
    web.files["", FILE] = bytes(newer)
    last()
    assert load(NAME, "cyclegan").metadata["source_sha256"] == hashlib.sha256(newer).hexdigest()
    assert web.gets()[-1][2] != "", "it was asked to continue"
    assert web.sent[-1] == 200, "and sent the whole"


def test_offline_says_so_within_three_seconds(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name service that does not answer blocks for long, as it does without a network."""
    sleep = time.sleep

    def unanswered(*_: object, **__: object) -> object:
        sleep(20)
        raise OSError("Temporary failure in name resolution")

    give(monkeypatch, *(WebFile(url=f"https://host{number}.invalid/a.pth") for number in range(5)), sha256=None)
    monkeypatch.setattr(socket, "getaddrinfo", unanswered)
    began = time.monotonic()
    with pytest.raises(DownloadFailed, match=r"host0\.invalid/a\.pth cannot be reached; check the network"):
        last()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("http://127.0.0.1:9/a", "not followed"),
        ("file:///etc/passwd", "not followed"),
        (FILE + "?", "more than 5 times"),
    ],
)
def test_redirects_stay_encrypted_and_few(
    target: str, words: str, web: Hub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, WebFile(url=web.url + FILE), sha256=None)
    web.redirect = target
    if words.startswith("more"):
        monkeypatch.setattr("tests.hub.hub_server.Hub.redirected", lambda hub, path: True)
    with pytest.raises(DownloadFailed, match=words):
        last()


def test_a_token_of_the_hub_goes_to_the_hub_alone(
    hub: Hub, web: Hub, checkpoint: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real one redirects to its storage."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    other = Hub(files={("", FILE): checkpoint})
    with serve(other):
        hub.redirect = other.url + FILE
        assert last()
    assert other.authorizations == [""] and "Bearer hf_secret" in hub.authorizations


def test_what_is_larger_than_the_known_file_or_a_page_is_refused(
    hub: Hub, web: Hub, checkpoint: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = give(monkeypatch, WebFile(url=web.url + FILE), sha256="0" * 64)
    monkeypatch.setattr(pulling, "entry", lambda name: replace(wanted, bytes=1_000_000))
    with pytest.raises(DownloadFailed, match="the file has at most 1 MB"):
        last()
    monkeypatch.setattr(pulling, "entry", lambda name: wanted)
    web.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(DownloadFailed, match="sent a web page instead of the file"):
        last()
    assert find(NAME) is None


def test_facts_of_the_manifest() -> None:
    """Hashes are hashes, revisions full commits, the authors' places last; everything but the starters has a source."""
    for name, one in manifest().items():
        assert bool(one.sources) == (one.file is None), name
        authors = [isinstance(source, WebFile) and source.authors for source in one.sources]
        assert authors == sorted(authors), name
        for value, length in ((one.sha256, 64), *((getattr(each, "revision", None), 40) for each in one.sources)):
            assert value is None or (len(value) == length and set(value) <= set("0123456789abcdef")), name

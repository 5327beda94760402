"""Laws of verification: what holds, what does not and what is unknown are told apart, and no file does any harm."""

import http.server
import json
import shutil
import threading
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import c2pa
import numpy as np
import pytest
from PIL import Image

from deepfake_core.cli import main
from deepfake_core.errors import MissingFile, UnreadableMedia
from deepfake_core.media.images import read_image
from deepfake_core.provenance import verify as verifying
from deepfake_core.provenance.certificates import make
from deepfake_core.provenance.credentials import sign
from deepfake_core.provenance.keys import Certificates, SigningPair, rotate, signing_pair
from deepfake_core.provenance.origin import Input, Origin
from deepfake_core.provenance.verify import verify
from deepfake_core.provenance.writer import open_video, save_image
from tests.media.clips import ffmpeg, make_clip
from tests.pipelines.conftest import EXAMPLES
from tests.provenance.test_credentials import MADE
from tests.provenance.test_keys import give, written

PHOTO = EXAMPLES / "portraits" / "photo-astronaut.jpg"  # the drawn examples carry a mark
LINK = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{}"/></rdf:RDF></x:xmpmeta>"""
MODELS = ("fomm-vox", "fomm-starter", "stargan-starter")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def face() -> np.ndarray:
    return read_image(EXAMPLES / "portraits" / "mei.png")


@pytest.fixture
def ours(tmp_path: Path, face: np.ndarray) -> Path:
    """A picture as this program saves it."""
    source = Input.from_source(EXAMPLES / "portraits" / "mei.png")
    return save_image(face, tmp_path / "ours.png", origin=Origin(model="fomm-starter", inputs=(source,), edited=True))


def row(path: Path, name: str) -> str:
    return dict(verify(path, MODELS).rows)[name]


def test_a_file_of_ours_is_told_with_all_particulars(ours: Path) -> None:
    found = verify(ours, MODELS)
    assert found.state == "valid" and found.credential and found.mark and found.xmp
    assert found.mark.model == found.credential.model == "fomm-starter" and found.mark.certainty >= 0.99
    assert found.credential.fingerprint == signing_pair().certificates.fingerprint
    assert "nothing in it was changed" in found.sentences[0]
    assert "this machine's own key" in found.sentences[1]
    assert "edited from a given picture with the model fomm-starter" in found.sentences[2]
    assert "1 input known by hash" in found.sentences[2] and "made by a trained network" in found.sentences[3]
    assert "stands for the model fomm-starter" in found.sentences[4]
    assert "screenshot" in found.sentences[-1]
    assert row(ours, "Input 1 (SHA-256)").endswith("(file)")
    assert all(isinstance(part, str) for pair in found.rows for part in pair)


def test_a_file_of_an_earlier_key_is_still_ours(ours: Path) -> None:
    rotate()
    rotate()
    found = verify(ours)
    assert found.state == "valid" and "an earlier key of this machine, until 2" in found.sentences[1]


def test_a_stranger_of_the_same_name_is_not_ours(ours: Path, tmp_path: Path) -> None:
    key, certificate = written(tmp_path / "stranger", make())
    chain = Certificates(chain=make().chain)
    stranger = SigningPair(
        key=key.read_bytes(), certificates=Certificates(chain=_chain(certificate)), algorithm="es256", place=key
    )
    assert chain.name == stranger.certificates.name == signing_pair().certificates.name
    sign(EXAMPLES / "portraits" / "mei.png", tmp_path / "forged.png", MADE, stranger)
    found = verify(tmp_path / "forged.png")
    assert found.state == "valid" and found.credential and not found.credential.whose
    assert "whom this machine does not know" in found.sentences[1]


def _chain(path: Path) -> tuple:
    from cryptography import x509

    return tuple(x509.load_pem_x509_certificates(path.read_bytes()))


def test_given_keys_are_known_as_set_here(
    ours: Path, face: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, written(tmp_path / "given", make("Our School")))
    path = save_image(face, tmp_path / "school.png", origin=MADE)
    assert "signed by Our School, with the key that is set here" in verify(path).sentences[1]
    assert "this machine's own key" in verify(ours).sentences[1]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_picture_saved_anew_keeps_only_the_mark(ours: Path, suffix: str, tmp_path: Path) -> None:
    Image.open(ours).convert("RGB").save(tmp_path / f"again{suffix}", quality=80)
    found = verify(tmp_path / f"again{suffix}", MODELS)
    assert found.state == "none" and found.credential is None and found.xmp is None
    assert found.mark and found.mark.model == "fomm-starter"
    assert "saved anew" in found.sentences[0]


def test_a_picture_of_nobodys_is_told_so(tmp_path: Path) -> None:
    Image.open(PHOTO).save(tmp_path / "plain.png")
    found = verify(tmp_path / "plain.png", MODELS)
    assert (found.state, found.mark, found.xmp) == ("none", None, None)
    assert "No invisible mark" in found.sentences[2] and "carries nothing may still be made up" in found.sentences[-1]


def test_a_name_that_lies_about_the_format_changes_nothing(ours: Path, tmp_path: Path) -> None:
    shutil.copy(ours, tmp_path / "liar.mp4")
    found = verify(tmp_path / "liar.mp4", MODELS)
    assert found.state == "valid" and found.kind == "PNG picture" and found.mark


def test_a_video_of_ours_and_one_made_from_it(tmp_path: Path, face: np.ndarray) -> None:
    path = tmp_path / "ours.mp4"
    with open_video(path, rate=Fraction(25), origin=MADE) as sink:
        for shift in range(12):
            sink.write(np.roll(face[:256, :256], shift, axis=1))
    found = verify(path, MODELS)
    assert found.state == "valid" and found.mark and found.mark.model == "fomm-starter"
    ffmpeg("-i", path, "-map_metadata", "-1", "-crf", "23", tmp_path / "again.mp4")
    again = verify(tmp_path / "again.mp4", MODELS)
    assert again.state == "none" and again.mark and again.mark.model == "fomm-starter"


def test_a_format_without_a_place_for_it_is_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.webm", frames=8)
    found = verify(clip)
    assert found.state == "none" and any("cannot hold Content Credentials" in one for one in found.sentences)


@pytest.mark.parametrize(
    "data", [b"text", b"\0" * 100, b"#EXTM3U\nfile:///etc/passwd", b"<svg/>", b"%PDF-1.7", b"PK\3\4"]
)
def test_what_is_no_media_is_refused_in_one_sentence(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(UnreadableMedia, match=r"a\.png is no picture or video"):
        verify(tmp_path / "a.png")
    assert main(["verify", str(tmp_path / "a.png")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(MissingFile):
        verify(tmp_path / "gone.png")


def test_a_credential_is_told_even_when_the_pixels_are_broken(ours: Path) -> None:
    data = ours.read_bytes()
    ours.write_bytes(data[: len(data) * 2 // 3])
    found = verify(ours)
    assert found.state == "invalid" and any("pixels could not be looked at" in note for note in found.notes)


def test_a_statement_that_nobody_can_read_is_invalid_not_missing(ours: Path) -> None:
    data = bytearray(ours.read_bytes())
    at = data.index(b"jumdc2ma")
    data[at + 40 : at + 600] = b"\xff" * 560
    ours.write_bytes(data)
    found = verify(ours)
    assert found.state == "invalid"


def test_a_hungry_or_endless_reader_is_ended(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for body in ("import time; time.sleep(60)", "import os; os.abort()", "print('[' * 10**6)", "print('null')"):
        monkeypatch.setattr(verifying, "READER", body)
        monkeypatch.setenv("DEEPFAKE_STALL_SECONDS", "1")
        assert verify(ours).state == "invalid"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".mp4"])
def test_random_damage_is_never_taken_for_whole(suffix: str, tmp_path: Path, face: np.ndarray) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".mp4":
        with open_video(path, rate=Fraction(25), origin=MADE) as sink:
            for shift in range(4):
                sink.write(np.roll(face[:256, :256], shift, axis=1))
    else:
        save_image(face[:256, :256], path, origin=MADE)
    whole, rng = path.read_bytes(), np.random.default_rng(7)
    start = whole.index(b"jumb") - 4  # the statement itself holds padding that says nothing
    end = start + int.from_bytes(whole[start : start + 4], "big")
    places = [place for place in rng.integers(100, len(whole), 40) if not start - 100 < place < end + 100]
    broken = [whole[:length] for length in rng.integers(16, len(whole) - 1, 4)]
    broken += [whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :] for place in places[:5]]
    assert len(broken) > 6
    for data in broken:
        path.write_bytes(data)
        try:
            assert verify(path).state != "valid"
        except UnreadableMedia:
            continue  # nothing is left to be told


def test_words_of_a_stranger_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    origin = Origin(model="\x1b[2J\x07evil\u202e", tool="x" * 5000)
    path = tmp_path / "a.png"
    sign(EXAMPLES / "portraits" / "mei.png", path, origin, signing_pair())
    found = verify(path)
    assert all(part.isprintable() and len(part) < 1000 for pair in found.rows for part in pair)
    assert all(sentence.isprintable() for sentence in found.sentences)


def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    asked = list[str]()

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/manifest.c2pa"
            link = LINK.format(address)
            Image.new("RGB", (64, 64)).save(tmp_path / "far.jpg", xmp=link.encode())
            with pytest.raises(c2pa.C2paError):  # by default it would: the picture does lead there
                c2pa.Reader(tmp_path / "far.jpg")
            there = len(asked)
            assert verify(tmp_path / "far.jpg").state == "none"
        finally:
            server.shutdown()
    assert there > 0 and len(asked) == there


def test_the_command_line_says_by_its_status_what_was_found(
    ours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(ours)]) == 0
    text = capsys.readouterr().out
    assert "nothing in it was changed" in text and signing_pair().certificates.fingerprint in text
    assert main(["verify", str(ours), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["state"] == "valid" and said["mark"]["model"] == "fomm-starter" and said["credential"]["trusted"]
    Image.open(ours).save(tmp_path / "again.png")
    assert main(["verify", str(tmp_path / "again.png"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["state"] == "none"
    data = ours.read_bytes()
    ours.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    assert main(["verify", str(ours)]) == 1
    assert "do not hold" in capsys.readouterr().out


def test_rows_come_in_a_fixed_order(ours: Path) -> None:
    names = [name for name, _ in verify(ours, MODELS).rows]
    order = [
        "File",
        "Content Credentials",
        "Signed by",
        "Known here as",
        "Made with",
        "Model",
        "Action",
        "Invisible mark",
    ]
    assert all(names.index(before) < names.index(after) for before, after in pairwise(order))

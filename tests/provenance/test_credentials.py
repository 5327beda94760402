"""Laws of the credential: it holds until one byte changes, tells nothing of a person, is never left out."""

import getpass
import json
import os
import struct
import subprocess
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import c2pa
import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import BadRequest
from deepfake_core.provenance import writer
from deepfake_core.provenance.origin import Input, Origin
from deepfake_core.provenance.verify import verify
from deepfake_core.provenance.writer import open_frames, open_video, save_image
from tests.media.clips import count_frames, gradient, make_clip

MADE = Origin(model="fomm-starter")
EDITED = Origin(
    model="stargan-starter",
    weights_sha256="ee" * 32,
    inputs=(Input(sha256="ab" * 32, of="file"), Input(sha256="cd" * 32, of="pixels")),
    edited=True,
)


def save(path: Path, origin: Origin = MADE) -> Path:
    """A file of the format that its name says."""
    if path.suffix != ".mp4":
        return save_image(gradient(0, 96, 128), path, origin=origin)
    with open_video(path, rate=Fraction(25), origin=origin) as sink:
        for index in range(10):
            sink.write(gradient(index, 96, 128))
    return path


def stored(path: Path) -> dict:
    """The active manifest, read by c2pa itself."""
    with c2pa.Reader(path) as reader:
        assert reader.get_validation_state() == "Valid"  # and untrusted: this reader knows no anchors
        everything = json.loads(reader.json())
        return everything["manifests"][everything["active_manifest"]]


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.jpeg", "a.webp", "a.mp4", "B.PNG"])
def test_every_format_holds_one(name: str, tmp_path: Path) -> None:
    path = save(tmp_path / name)
    assert stored(path)["signature_info"]["common_name"] == "Deepfake Lab (self-made)"
    assert verify(path).state == "valid"
    assert os.listdir(tmp_path) == [name]


def test_a_new_result_is_created(tmp_path: Path) -> None:
    manifest = stored(save(tmp_path / "a.png"))
    [actions, generation] = [one["data"] for one in manifest["assertions"]]
    [created] = actions["actions"]
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert created["softwareAgent"]["name"] == "Deepfake Lab" and created["softwareAgent"]["version"]
    assert created["parameters"]["model"] == "fomm-starter"
    assert generation == {"model": "fomm-starter", "inputs": []}


def test_another_state_of_a_picture_is_opened_then_edited(tmp_path: Path) -> None:
    manifest = stored(save(tmp_path / "a.png", EDITED))
    [actions, generation] = [one["data"] for one in manifest["assertions"]]
    assert [one["action"] for one in actions["actions"]] == ["c2pa.opened", "c2pa.edited"]
    assert generation["weights_sha256"] == "ee" * 32
    assert generation["inputs"] == [{"sha256": "ab" * 32, "of": "file"}, {"sha256": "cd" * 32, "of": "pixels"}]
    assert [one["relationship"] for one in manifest["ingredients"]] == ["parentOf", "inputTo"]
    assert all("ab" * 32 in one["description"] or "cd" * 32 in one["description"] for one in manifest["ingredients"])
    assert all("thumbnail" not in one for one in (manifest, *manifest["ingredients"]))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".mp4"])
def test_no_name_no_path_and_no_time_is_in_it(suffix: str, tmp_path: Path) -> None:
    source = tmp_path / "Private Portrait.png"
    Image.fromarray(gradient(3)).save(source)
    origin = Origin(model="fomm-starter", inputs=(Input.from_source(source),), edited=True)
    path = save(tmp_path / f"Secret Folder of {getpass.getuser()}" / f"Holiday{suffix}", origin)
    data = path.read_bytes().lower()
    for word in (
        b"private portrait",
        b"secret folder",
        b"holiday",
        str(tmp_path).encode().lower(),
        b"unsigned",
        b".part-",
    ):
        assert word not in data
    assert "time" not in stored(path)["signature_info"]


def test_inputs_are_hashed_as_files_or_as_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(gradient(1)).save(path)
    file, pixels, opened = (Input.from_source(one) for one in (path, gradient(1), Image.open(path)))
    said = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
    assert file.sha256 == said.split()[0] and file.of == "file"
    assert pixels == opened and pixels.of == "pixels" and pixels.sha256 != file.sha256


def with_one_pixel_changed(path: Path) -> None:
    """Decode the PNG's own pixel data, change one pixel, and put them back; every other chunk stays."""
    data, at, chunks = path.read_bytes(), 8, []
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunks.append((kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    rows = bytearray(zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT")))
    rows[1] ^= 1  # the first row's filter type stands before it
    first = next(place for place, (kind, _) in enumerate(chunks) if kind == b"IDAT")
    kept = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    kept.insert(first, (b"IDAT", zlib.compress(bytes(rows))))
    packed = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in kept]
    path.write_bytes(data[:8] + b"".join(packed))


def test_one_changed_pixel_of_a_picture_is_found(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    before = np.asarray(Image.open(path)).astype(int)
    with_one_pixel_changed(path)
    assert 1 <= np.count_nonzero((np.asarray(Image.open(path)) != before).any(axis=2)) <= 128 * 96
    found = verify(path)
    assert found.state == "invalid" and "changed after signing" in found.sentences[0]


def boxes(data: bytes) -> dict[bytes, int]:
    """Where each box of an MP4 begins."""
    at, found = 0, {}
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found[data[at + 4 : at + 8]] = at
        at += length
    return found


def test_one_flipped_bit_of_a_video_is_found(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    data[boxes(bytes(data))[b"mdat"] + 200] ^= 1
    path.write_bytes(data)
    found = verify(path)
    assert found.state == "invalid" and "changed after signing" in found.sentences[0]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".mp4"])
def test_a_statement_that_claims_another_model_is_found(suffix: str, tmp_path: Path) -> None:
    path = save(tmp_path / f"a{suffix}")
    data = path.read_bytes()
    start = data.index(b"deepfake-lab.generation")
    at = data.index(b"fomm-starter", start)
    path.write_bytes(data[:at] + b"fomm-STARTER" + data[at + 12 :])
    if suffix == ".png":
        _repair_checksums(path)
    assert verify(path).state == "invalid"


def _repair_checksums(path: Path) -> None:
    data, at, out = path.read_bytes(), 8, b""
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        out += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    path.write_bytes(data[:8] + out)


def test_a_byte_of_the_xmp_is_covered_too(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.mp4"):
        path = save(tmp_path / name)
        data = path.read_bytes()
        at = data.index(b"CreatorTool=")
        path.write_bytes(data[: at + 13] + b"X" + data[at + 14 :])
        assert verify(path).state == "invalid"


def test_an_mp4_still_plays_with_its_sound(tmp_path: Path) -> None:
    driver = make_clip(tmp_path / "driver.mp4", frames=20, sound=0.8)
    with open_video(tmp_path / "a.mp4", rate=Fraction(25), origin=MADE, sound_from=driver) as sink:
        for index in range(20):
            sink.write(gradient(index, 96, 128))
    assert count_frames(sink.path) == 20
    kinds = list(boxes(sink.path.read_bytes()))
    assert kinds.index(b"moov") < kinds.index(b"mdat")  # it starts before the last byte has come
    assert verify(sink.path).state == "valid"


class Trouble(Exception):
    """Something while signing."""


def test_what_cannot_be_signed_gets_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise Trouble

    monkeypatch.setattr(writer, "sign", fail)
    for name in ("a.png", "a.mp4"):
        with pytest.raises(Trouble):
            save(tmp_path / name)
    with pytest.raises(Trouble), open_frames(tmp_path / "walk", origin=MADE) as sink:
        sink.write(gradient(0))
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_will_not_do_is_told_before_any_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_SIGNING_KEY", str(tmp_path / "gone.pem"))
    monkeypatch.setenv("DEEPFAKE_SIGNING_CERTIFICATE", str(tmp_path / "gone.pem"))
    for opened in (open_video(tmp_path / "a.mp4", rate=Fraction(25), origin=MADE), open_frames(tmp_path, origin=MADE)):
        with pytest.raises(BadRequest, match=r"gone\.pem"), opened:
            pytest.fail("opened")
    assert list(tmp_path.iterdir()) == []


FILL = """
import resource, sys
from pathlib import Path
from deepfake_core.errors import NotEnoughSpace
from deepfake_core.media.encode import reporting_full_disk
from deepfake_core.media.atomic_write import atomic_file
from deepfake_core.provenance.credentials import ready_pair, sign
from deepfake_core.provenance.origin import Origin
source, folder = Path(sys.argv[1]), Path(sys.argv[2])
pair = ready_pair()
resource.setrlimit(resource.RLIMIT_FSIZE, (source.stat().st_size + 1000,) * 2)
try:
    with reporting_full_disk("a.png"), atomic_file(folder / source.name) as draft:
        sign(source, draft, Origin(model="fomm-starter"), pair)
except NotEnoughSpace as error:
    print(error, list(folder.iterdir()))
"""


@pytest.mark.parametrize("name", ["a.png", "a.mp4"])
def test_a_disk_that_fills_up_with_the_credential_leaves_nothing(name: str, tmp_path: Path) -> None:
    source = tmp_path / name
    if name == "a.png":
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)).save(source)
    else:
        make_clip(source, frames=50, size="160x120")
    (tmp_path / "full").mkdir()
    command = [sys.executable, "-c", FILL, str(source), str(tmp_path / "full")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("the disk is full") and done.stdout.endswith("[]\n"), done

"""What the signature of a video does not cover is told, and a video of ours has nothing of that kind."""

import json
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from deepfake_core.cli import main
from deepfake_core.provenance import coverage
from deepfake_core.provenance.coverage import MANIFEST_UUID, outside_signature
from deepfake_core.provenance.verify import verify
from deepfake_core.provenance.writer import open_video, save_image
from tests.provenance.test_credentials import MADE


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video as this program saves it."""
    path = tmp_path_factory.mktemp("film") / "a.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPFAKE_HOME", str(path.parent / "home"))
        with open_video(path, rate=Fraction(25), origin=MADE) as sink:
            for shift in range(4):
                sink.write(np.roll(noise, shift, axis=1))
    return path.read_bytes()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def test_a_video_of_ours_is_covered_as_a_whole(film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(film)
    found = verify(path)
    assert found.state == "valid" and found.credential and found.credential.outside == ()
    assert "was not changed after" in found.sentences[0]
    assert "Outside the signature" not in dict(found.rows)


ADDED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "free": (lambda film: film + box(b"free", b"x" * 100), "free (108 bytes at "),
    "empty free": (lambda film: film + box(b"free", b""), "free (8 bytes at "),
    "free to the end": (lambda film: film + b"\0\0\0\0free" + b"x" * 50, "free (58 bytes at "),
    "free of 64 bits": (
        lambda film: film + struct.pack(">I4sQ", 1, b"free", 116) + b"x" * 100,
        "free (116 bytes at ",
    ),
    "skip": (lambda film: film + box(b"skip", b"x" * 9), "skip (17 bytes at "),
    "a statement": (
        lambda film: film + box(b"uuid", MANIFEST_UUID + bytes(4) + b"evil\0" + b"x" * 9),
        "a second manifest (42 bytes at ",
    ),
    "ftyp": (lambda film: film[:8] + b"M4V " + film[12:], "ftyp (32 bytes at 0)"),
    "minor version": (lambda film: film[:12] + b"\1\2\3\4" + film[16:], "ftyp (32 bytes at 0)"),
    "two": (lambda film: film + box(b"skip", b"x") + box(b"free", b"yy"), "free (10 bytes at "),
}


@pytest.mark.parametrize("what", ADDED)
def test_what_was_added_or_changed_outside_is_told(
    what: str, film: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signature holds, as C2PA has it, but nobody is told that nothing was changed."""
    change, words = ADDED[what]
    path = tmp_path / "a.mp4"
    path.write_bytes(change(film))
    found = verify(path)
    assert found.state == "valid" and found.credential
    assert any(part.startswith(words) for part in found.credential.outside)
    assert "was not changed after" not in found.sentences[0]
    assert "These parts are not covered" in found.sentences[0] and words in found.sentences[0]
    assert any(name == "Outside the signature" and value.startswith(words) for name, value in found.rows)
    main(["verify", str(path), "--json"])
    assert json.loads(capsys.readouterr().out)["credential"]["outside"]


@pytest.mark.parametrize("kind", [b"mfra", b"uuid", b"mdat", b"wide", b"abcd"])
def test_other_boxes_are_covered_or_named(kind: bytes, film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(film + box(kind, b"x" * 30))
    found = verify(path)
    assert found.state == "invalid" or (found.credential and found.credential.outside)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_of_a_picture_nothing_is_outside(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = save_image(noise, tmp_path / f"a{suffix}", origin=MADE)
    found = verify(path)
    assert found.state == "valid" and found.credential and found.credential.outside == ()
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0\0\0\x10free" + bytes(8))
    assert verify(path).state != "valid"


def test_what_a_stranger_left_out_is_told(tmp_path: Path) -> None:
    """The signer chooses what the hash leaves out: more than usual is named."""
    path = tmp_path / "a.mp4"
    path.write_bytes(box(b"ftyp", coverage.BRANDS) + box(b"moov", b"x") + box(b"mdat", b"y" * 10))
    assert outside_signature(path) == ()
    assert outside_signature(path, ("/mdat", "/moov/udta")) == ("/moov/udta (parts of boxes)", "mdat (18 bytes at 41)")


@pytest.mark.parametrize(
    "data",
    [b"", b"abc", b"\0\0\0\1free", b"\0\0\0\7free", b"\0\0\0\1free" + b"\xff" * 8, b"\xff\xff\xff\xfffree", b"\0" * 64],
)
def test_broken_boxes_end_the_list(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(box(b"ftyp", coverage.BRANDS) + data)
    assert len(outside_signature(path)) <= 1


def test_no_file_keeps_it_long_or_makes_it_say_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "MOST_BOXES", 1000)
    path = tmp_path / "a.mp4"
    path.write_bytes(box(b"skip", b"x") * 5000)
    found = outside_signature(path)
    assert len(found) == coverage.LONGEST_LIST + 1 and found[-1].endswith("more")
    path.write_bytes(box(b"moov", b"x") * 5000)
    assert outside_signature(path) == ("more than 1000 boxes, of which the rest were not examined",)

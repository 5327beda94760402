"""Laws of the XMP: where other programs look for it, in words that IPTC defines, read without trust."""

from pathlib import Path

import pytest
from PIL import Image

from deepfake_core.provenance import xmp
from deepfake_core.provenance.origin import Origin
from tests.provenance.declared import TRAINED
from tests.provenance.test_credentials import boxes, save

FIELDS = {".png": "XML:com.adobe.xmp", ".jpg": "xmp", ".webp": "xmp"}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_pictures_hold_it_where_others_look(suffix: str, tmp_path: Path) -> None:
    path = save(tmp_path / f"a{suffix}")
    held = Image.open(path).info[FIELDS[suffix]]
    packet = held if isinstance(held, bytes) else held.encode()
    assert packet == xmp.packet(Origin(model="fomm-starter"))
    assert xmp.read(path) == xmp.Statement(TRAINED, f"Deepfake Lab {Origin(model='x').version}")


def test_videos_hold_it_in_the_box_of_the_specification(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mp4")
    data = path.read_bytes()
    last = max(boxes(data).values())
    box = data[last:]
    assert box[8:] == xmp.MP4_BOX + xmp.packet(Origin(model="fomm-starter"))
    assert int.from_bytes(box[:4], "big") == len(box) and box[4:8] == b"uuid"
    assert xmp.read(path) == xmp.Statement(TRAINED, f"Deepfake Lab {Origin(model='x').version}")


def test_names_cannot_break_out_of_it(tmp_path: Path) -> None:
    from xml.etree import ElementTree

    packet = xmp.packet(Origin(model="\"><evil a='&amp;</rdf:RDF>"))
    root = ElementTree.fromstring(packet.decode().split("?>", 1)[1].rsplit("<?", 1)[0])
    said = "".join(root.itertext())
    assert "evil a='&amp;</rdf:RDF>" in said
    assert len(list(root.iter())) == 6  # ours alone


ELEMENT = b"<x:xmpmeta><Iptc4xmpExt:DigitalSourceType> http://a/b </Iptc4xmpExt:DigitalSourceType></x:xmpmeta>"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (ELEMENT, "http://a/b"),
        (b"\0" * (xmp.PIECE - 4) + ELEMENT, "http://a/b"),  # across two pieces
        (b"<x:xmpmeta></x:xmpmeta>", ""),
        (b"<x:xmpmeta DigitalSourceType='" + b"x" * 1000 + b"'></x:xmpmeta>", "x" * 200),
    ],
)
def test_read_in_any_file(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"noise" + data + b"noise")
    found = xmp.read(tmp_path / "a.bin")
    assert found is not None and found.source_type == said


@pytest.mark.parametrize(
    "data", [b"", b"<x:xmpmeta", b"<x:xmpmeta" + b"<" * (xmp.LONGEST * 2) + b"</x:xmpmeta>", b"noise"]
)
def test_what_does_not_end_is_not_read(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(data)
    assert xmp.read(tmp_path / "a.bin") is None

"""The origin as XMP metadata, which image programs, search engines and social networks read; unsigned."""

import re
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.provenance.origin import Origin

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType={source} Iptc4xmpExt:AISystemUsed={system} xmp:CreatorTool={tool}>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{comment}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""

MP4_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""UUID of the MP4 box reserved by the XMP specification."""

START, END = b"<x:xmpmeta", b"</x:xmpmeta>"
LONGEST = 1 << 18
"""Maximum size of a packet in bytes; those of this program have about 900."""
PIECE = 1 << 20
SOURCE_TYPE = re.compile(rb"DigitalSourceType\s*(?:=\s*[\"']|>\s*)([^\"'<\s]{1,200})")
TOOL = re.compile(rb"CreatorTool\s*(?:=\s*[\"']|>\s*)([^\"'<]{1,200})")


class Statement(NamedTuple):
    """The content of an XMP packet; anyone can have written it."""

    source_type: str
    """IPTC URI of the digital source type; "" if there is none."""
    tool: str


def packet(origin: Origin) -> bytes:
    """The XMP packet of a result."""
    text = PACKET.format(
        source=quoteattr(origin.source_uri),
        system=quoteattr(f"{origin.tool}, {origin.model}"),
        tool=quoteattr(f"{origin.tool} {origin.version}"),
        comment=escape(origin.comment),
    )
    return text.encode()


def append_to_mp4(path: Path, xmp: bytes) -> None:
    """Append the packet in its own box after all others, which leaves the frame offsets in the index valid."""
    with path.open("ab") as file:
        file.write((8 + len(MP4_BOX) + len(xmp)).to_bytes(4, "big") + b"uuid" + MP4_BOX + xmp)


def read(path: Path, *, deadline: Deadline = NEVER) -> Statement | None:
    """Find the first packet of a file of any format by its markers, as the XMP specification describes.

    The file is scanned in chunks and nothing is parsed as XML, so an untrusted file costs only linear time.
    Raises `TookTooLong`.
    """
    if found := _first_packet(path, deadline):
        source, tool = SOURCE_TYPE.search(found), TOOL.search(found)
        return Statement(*(match[1].decode("utf-8", "replace").strip() if match else "" for match in (source, tool)))
    return None


def _first_packet(path: Path, deadline: Deadline) -> bytes | None:
    held = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            deadline.check()
            held += piece
            start = held.find(START)
            if start >= 0:
                held = held[start:] + file.read(LONGEST)
                end = held.find(END, 0, LONGEST)
                return held[:end] if end >= 0 else None
            held = held[-len(START) :]
    return None

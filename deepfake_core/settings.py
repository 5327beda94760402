"""Everything that whoever runs the program can set, in one table: places, limits, the visible label, the signing key.

Each field is read from the environment variable `DEEPFAKE_` and its name in capitals, such as `DEEPFAKE_CLIP_SECONDS`.
Visitors of the page can change none of them.
"""

import math
import os
from dataclasses import Field, dataclass, field, fields
from typing import Any

from deepfake_core.errors import BadRequest

PREFIX = "DEEPFAKE_"
SWITCH = {"on": True, "off": False}
PLACES = ("top-left", "top-right", "bottom-left", "bottom-right")


def _at_least(least: int, default: int) -> Any:
    return field(default=default, metadata={"least": least})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The table. A number names its unit; the smallest allowed value stands before the default."""

    home: str = ""
    """Folder of weights, signing keys and notes; empty: the user's own folders for caches, data and state."""
    weights_repo: str = ""
    """A model repository of your own on the Hub that holds NAME.safetensors: a mirror that is asked first."""
    downloads: bool = field(default_factory=lambda: "SPACE_ID" not in os.environ)
    """Whether visitors may download and remove weights (`on` or `off`); off on a Hugging Face Space by default."""
    cache_gb: float = 0.0
    """Gigabytes of loaded networks kept on each device; 0: a share of the device's memory."""
    upload_megabytes: int = _at_least(1, 200)
    """Largest file that the page takes."""
    picture_pixels: int = _at_least(65_536, 64_000_000)
    """Of one picture: more than any camera's in common use, and 192 MB as RGB."""
    clip_pixels: int = _at_least(65_536, 34_000_000)
    """Of one frame of a clip: 8K has 33 million."""
    longest_side: int = _at_least(256, 16_384)
    """Pixels, of pictures and of clips."""
    working_side: int = _at_least(256, 3_072)
    """Pixels of the longer side of a picture that is worked on; a larger one is shrunk while it is decoded."""
    pasted_side: int = _at_least(256, 1_536)
    """The same for a picture into which a result is pasted back: pasting and marking take 20 times its own memory."""
    run_pixels: int = _at_least(65_536, 256_000_000)
    """Of all pictures of one run of the page together."""
    clip_seconds: int = _at_least(1, 60)
    """Longest driving clip that the page takes; the command line and Python take any length."""
    clip_frames: int = _at_least(1, 3_600)
    """Most frames of such a clip, whatever its rate."""
    decode_seconds: int = _at_least(1, 20)
    """How long decoding one picture, or reading one clip's header, may take."""
    stall_seconds: int = _at_least(1, 60)
    """How long a decoder of clips may work at one frame."""
    decode_megabytes: int = _at_least(256, 3_072)
    """Memory of a decoder."""
    job_seconds: int = _at_least(1, 600)
    """How long one visitor's run may hold the network."""
    look_seconds: int = _at_least(1, 10)
    """How long the page may work at what needs no run: the preview of a crop, Verify, the reading of attributes."""
    waiting: int = _at_least(1, 40)
    """Runs that may wait for their turn; whoever comes then is asked to come back."""
    waiting_session: int = _at_least(1, 3)
    """How many of them one visitor's page may have."""
    waiting_address: int = _at_least(1, 15)
    """How many of them all visitors of one network address may have."""
    runs_per_minute: int = _at_least(1, 60)
    """Questions to a network, reading a picture included, that one visitor may ask in any minute."""
    runs_per_minute_address: int = _at_least(1, 600)
    """The same for all visitors of one network address: a class shares one."""
    sessions: int = _at_least(1, 64)
    """Pages that are remembered, at a megabyte or two each; beyond that the one that was used longest ago goes."""
    kept_minutes: int = _at_least(1, 60)
    """How long uploads and results are kept."""
    free_megabytes: int = _at_least(1, 2_000)
    """Disk space that uploads leave free."""
    connections: int = _at_least(16, 1_000)
    """Connections that the server keeps open at once."""
    connections_address: int = _at_least(8, 300)
    """Those of one network address, proxies aside: a page takes up to six, and a class shares an address."""
    hosts: str = ""
    """Names under which visitors reach the page, other than this machine's own addresses; commas between them, and
    `*.example.org` for all below it."""
    proxies: str = ""
    """Addresses or networks (`10.0.0.0/8`) of proxies in front of the page, commas between them: what they say of
    a visitor's address is believed."""
    label: bool = True
    """The visible label on everything that the page makes (`on` or `off`)."""
    label_text: str = "AI-generated"
    """What the label says; pictures too small for it say "AI"."""
    label_place: str = "bottom-right"
    """One of `PLACES`."""
    signing_key: str = ""
    """File of the private key (PKCS #8 PEM) that signs results; empty: one is made in the user's own folder."""
    signing_certificate: str = ""
    """File of its certificate and those above it (PEM)."""


def settings() -> Settings:
    """The table as the environment sets it now. Raises `BadRequest` for a value that makes no sense."""
    said = ((one, os.environ.get(PREFIX + one.name.upper(), "").strip()) for one in fields(Settings))
    told: dict[str, Any] = {one.name: _read(one, text) for one, text in said if text}
    return Settings(**told)


def _read(one: Field[Any], text: str) -> bool | int | float | str:
    name = PREFIX + one.name.upper()
    if one.type is bool:
        if text.lower() not in SWITCH:
            raise BadRequest(f"{name} is {text!r}; set it to on or off")
        return SWITCH[text.lower()]
    if one.type is int:
        least = one.metadata["least"]
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise BadRequest(f"{name} is {text!r}; set it to a whole number of at least {least}")
        return int(text)
    if one.type is float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            raise BadRequest(f"{name} must be a number of at least 0, such as 2.5, got {text!r}")
        return number
    if one.name == "label_place" and text not in PLACES:
        raise BadRequest(f"{name} is {text!r}; set it to one of {', '.join(PLACES)}")
    return text

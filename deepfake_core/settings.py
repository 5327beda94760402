"""All settings of the operator in one table: folders, limits, the visible label, the signing key.

Each field is read from the environment variable `DEEPFAKE_` followed by its name in capitals, such as
`DEEPFAKE_CLIP_SECONDS`. Visitors of the page cannot change them.
"""

import math
import os
from dataclasses import Field, dataclass, field, fields
from functools import lru_cache
from typing import Any, Literal, get_args

from deepfake_core.errors import BadRequest

PREFIX = "DEEPFAKE_"
SPACE = "SPACE_ID"
"""The environment variable by which a Hugging Face Space is known."""
SWITCH = {"on": True, "off": False}
Precision = Literal["auto", "float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
PLACES = ("top-left", "top-right", "bottom-left", "bottom-right")
CHOICES = {"precision": PRECISIONS, "label_place": PLACES}


def _at_least(minimum: int, default: int) -> Any:
    return field(default=default, metadata={"minimum": minimum})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings. `_at_least(minimum, default)` is a whole number whose unit is in its name or docstring."""

    home: str = ""
    """Folder of weights, signing keys and state; empty: the user's standard cache, data and state folders."""
    weights_repo: str = ""
    """Your own model repository on the Hub with NAME.safetensors files: a mirror that is tried first."""
    downloads: bool = field(default_factory=lambda: SPACE not in os.environ)
    """Whether visitors may download and remove weights (`on` or `off`); off on a Hugging Face Space by default."""
    pull: str = ""
    """Comma-separated names of weights (`fomm-vox-adv,stargan-celeba-128`) that are downloaded in the background after
    the start, unless they are installed; to name them is to accept their licences."""
    precision: str = "auto"
    """Of the networks, one of `PRECISIONS`; `auto`: the fastest that the device computes in."""
    cache_gb: float = 0.0
    """Gigabytes of loaded networks to keep on each device; 0: a share of the device's memory."""
    examples: bool = True
    """Whether the examples' results are made in the background after the start and kept on disk (`on` or `off`)."""
    upload_megabytes: int = _at_least(1, 200)
    """Maximum size of an uploaded file."""
    picture_pixels: int = _at_least(65_536, 50_000_000)
    """Maximum number of pixels of a picture that is decoded whole: 200 MB while it is; HEIC has up to 49 million."""
    photo_pixels: int = _at_least(65_536, 200_000_000)
    """The same for a JPEG that can be decoded at half its size or less, as large photographs are."""
    clip_pixels: int = _at_least(65_536, 34_000_000)
    """Maximum pixels of a frame of a clip: 8K has 33 million."""
    longest_side: int = _at_least(256, 16_384)
    """Maximum side in pixels, of pictures and of clips."""
    working_side: int = _at_least(256, 3_072)
    """Pixels: a picture with a longer side is downscaled to it while it is decoded."""
    pasted_side: int = _at_least(256, 1_536)
    """The same for pictures into which a result is pasted: pasting and watermarking take 20 times their memory."""
    run_pixels: int = _at_least(65_536, 256_000_000)
    """Maximum pixels of all pictures of one run together, on the page."""
    clip_seconds: int = _at_least(1, 60)
    """Maximum duration of a driving clip on the page; the command line and Python have no limit."""
    clip_frames: int = _at_least(1, 3_600)
    """Maximum number of frames of such a clip at any frame rate."""
    decode_seconds: int = _at_least(1, 20)
    """Time limit for decoding a picture or reading the header of a clip."""
    stall_seconds: int = _at_least(1, 60)
    """Time limit for decoding one frame of a clip."""
    decode_megabytes: int = _at_least(256, 3_072)
    """Memory limit of a decoder process."""
    job_seconds: int = _at_least(1, 600)
    """Time limit of a run."""
    look_seconds: int = _at_least(1, 10)
    """Time limit of requests that are not runs: previewing a crop, Verify, predicting attributes."""
    waiting: int = _at_least(1, 40)
    """Maximum number of queued runs; further ones are rejected."""
    waiting_session: int = _at_least(1, 3)
    """Maximum number of queued runs per session."""
    waiting_address: int = _at_least(1, 15)
    """Maximum number of queued runs per network address."""
    runs_per_minute: int = _at_least(1, 60)
    """Maximum number of requests to a network per session and minute, including predictions of attributes."""
    runs_per_minute_address: int = _at_least(1, 600)
    """The same per network address, which a school class may share."""
    pages_per_minute_address: int = _at_least(1, 120)
    """Maximum number of pages that one network address may open per minute."""
    api: bool = True
    """Whether programs may use this server, by its endpoints and as MCP tools (`on` or `off`); the page works in either
    case."""
    sessions: int = _at_least(1, 64)
    """Maximum number of sessions, at one or two megabytes each; then the least recently used one is dropped."""
    kept_minutes: int = _at_least(1, 60)
    """Minutes after which uploads and results are deleted."""
    free_megabytes: int = _at_least(1, 2_000)
    """Disk space that uploads must leave free."""
    connections: int = _at_least(16, 1_000)
    """Maximum number of open connections."""
    connections_address: int = _at_least(8, 300)
    """The same per network address, except proxies: a page opens up to six, and a school class may share an address."""
    hosts: str = ""
    """Comma-separated host names of the page in addition to this machine's own addresses; `*.example.org` matches all
    subdomains."""
    proxies: str = ""
    """Comma-separated addresses or networks (`10.0.0.0/8`) of trusted proxies, whose forwarded client address is
    used."""
    label: bool = True
    """The visible label on all results (`on` or `off`)."""
    label_text: str = "AI-generated"
    """Text of the label; pictures too small for it say "AI"."""
    label_place: str = "bottom-right"
    """Corner of the label, one of `PLACES`."""
    signing_key: str = field(default="", repr=False)
    """File of the private key (PKCS #8 PEM) that signs results, or the PEM text itself, as a Space's secret holds it;
    empty: a key is generated in the user's data folder."""
    signing_certificate: str = ""
    """File of its certificate chain (PEM), or the text; empty if the text of `signing_key` holds it, too."""


def settings() -> Settings:
    """The settings in the current environment. Raises `BadRequest` for an invalid value."""
    named = ((name, os.environ.get(name, "")) for name in os.environ if name.startswith((PREFIX, SPACE)))
    return _read(tuple(named))


@lru_cache(maxsize=8)
def _read(environment: tuple[tuple[str, str], ...]) -> Settings:
    """The settings in these variables; cached, as each request of the page reads them several times."""
    given = dict(environment)
    texts = ((one, given.get(PREFIX + one.name.upper(), "").strip()) for one in fields(Settings))
    values: dict[str, Any] = {one.name: _parse(one, text) for one, text in texts if text}
    return Settings(**values)


def _parse(one: Field[Any], text: str) -> bool | int | float | str:
    name = PREFIX + one.name.upper()
    if one.type is bool:
        if text.lower() not in SWITCH:
            raise BadRequest(f"{name} must be on or off, got {text!r}")
        return SWITCH[text.lower()]
    if one.type is int:
        minimum = one.metadata["minimum"]
        if not text.isascii() or not text.isdigit() or int(text) < minimum:
            raise BadRequest(f"{name} must be a whole number of at least {minimum}, got {text!r}")
        return int(text)
    if one.type is float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            raise BadRequest(f"{name} must be a number of at least 0, such as 2.5, got {text!r}")
        return number
    if text not in CHOICES.get(one.name, (text,)):
        raise BadRequest(f"{name} must be one of {', '.join(CHOICES[one.name])}, got {text!r}")
    return text

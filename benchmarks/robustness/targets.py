"""Who has to stand broken files: each target is one way in, and answers with what happened there."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.robustness.corpus.broken import ANY, CLIP, PICTURE, WEIGHTS, Broken
from deepfake_core import registry
from deepfake_core.errors import LabError
from deepfake_core.hub.config_check import mismatch
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import entry
from deepfake_core.hub.store import load
from deepfake_core.media.decode import read_frames
from deepfake_core.media.images import read_image
from deepfake_core.provenance.verify import verify

ACCEPTED, REFUSED, CRASHED = "accepted", "refused", "crashed"
"""Crashed is everything that is neither a result nor one sentence: another exception, a dead or a hanging process."""
LONGEST_SENTENCE = 600
CLIP_SECONDS = 10
"""Of a clip that lies about its length, so many are read."""
IMPORTS = (
    "cyclegan-style_monet",
    "stargan-celeba-128",
    "starganv2-afhq",
    "fomm-vox",
    "fan-wing",
    "cyclegan-starter-horse2zebra",
)
"""Names under which broken checkpoints are imported: one of each layout, and one that needs no import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputResult:
    """What happened to one input."""

    target: str
    kind: str
    seed: int
    verdict: str
    words: str = ""
    """The sentence, or the crash."""
    seconds: float = 0.0


def picture(path: Path, seed: int) -> None:
    """Decode a picture."""
    read_image(path)


def clip(path: Path, seed: int) -> None:
    """Read a clip's header, then its frames."""
    with read_frames(path, max_seconds=CLIP_SECONDS) as frames:
        for _ in frames:
            pass


def checkpoint(path: Path, seed: int) -> None:
    """Import a checkpoint under one name or another."""
    output = path.with_name("imported.safetensors")
    import_checkpoint(IMPORTS[seed % len(IMPORTS)], path, output)


def own_weights(path: Path, seed: int) -> None:
    """Load weights of this project's own form, as any network."""
    path = path.rename(path.with_name("weights.safetensors"))
    refusals = []
    for method in registry.METHODS:
        try:
            load(path, method.name)
        except LabError as error:
            refusals.append(error)
    if len(refusals) == len(registry.METHODS):
        raise refusals[seed % len(registry.METHODS)]


def origin(path: Path, seed: int) -> None:
    """Look for credentials and marks."""
    verify(path)


@dataclass(frozen=True, slots=True)
class Target:
    """A function that takes hostile files."""

    take: Callable[[Path, int], None]
    """Gets the file and the seed; returns when it is accepted, and raises a `LabError` when not."""
    share: float
    """Of all inputs that go to functions."""
    kinds: tuple[str, ...]
    """What it is given most of the time."""


LIBRARY: Mapping[str, Target] = {
    "read_image": Target(picture, 0.35, (*PICTURE, *ANY)),
    "read_frames": Target(clip, 0.25, (*CLIP, *ANY)),
    "verify": Target(origin, 0.15, (*PICTURE, *CLIP, *ANY)),
    "weights import": Target(checkpoint, 0.15, tuple(WEIGHTS)),
    "weights load": Target(own_weights, 0.10, ("weights with an odd config", *WEIGHTS)),
}
"""The functions; one more is one more line."""


def warm_up() -> None:
    """Make every kind of network once: torch imports a lot when it first does, and memory is compared from then on."""
    known = registry.configs()
    for name in known.keys() & set(IMPORTS):
        network = entry(name).network
        assert network is not None
        mismatch(network, asdict(known[name]), {})


def judge(target: str, broken: Broken, seed: int, folder: Path) -> InputResult:
    """Hand one file to one function; whatever it leaves in `folder` is removed."""
    path = folder / "".join(letter for letter in broken.name if letter not in "/\0")
    path.write_bytes(broken.content)
    begun = time.perf_counter()
    try:
        LIBRARY[target].take(path, seed)
        verdict, words = ACCEPTED, ""
    except LabError as error:
        words = str(error)
        verdict = REFUSED if is_sentence(words) else CRASHED
    except Exception as error:
        verdict, words = CRASHED, f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        for left in folder.iterdir():
            with contextlib.suppress(OSError):
                left.unlink()
    seconds = time.perf_counter() - begun
    return InputResult(target=target, kind=broken.kind, seed=seed, verdict=verdict, words=words, seconds=seconds)


def is_sentence(words: str) -> bool:
    """Whether a visitor may read it: one line, not long, no trace."""
    return bool(words.strip()) and len(words) <= LONGEST_SENTENCE and "\n" not in words and not is_trace(words)


def is_trace(text: str) -> bool:
    """Whether a text shows the inside of the program."""
    return "Traceback" in text or 'File "' in text or 'File \\"' in text

"""The parameters of each endpoint, with the names and defaults of the command line's options."""

from deepfake_core import registry
from deepfake_core.hub.manifest import manifest
from deepfake_core.pipelines.controls import REGIONS
from deepfake_core.settings import settings
from deepfake_core.ui.server.parameters import (
    Parameter,
    choice,
    consent,
    file,
    flag,
    number,
    switches,
    text,
    whole,
)

MAX_FACE = 100
MAX_SEED = 2**32 - 1
"""What NumPy's and PyTorch's generators accept."""


def animate() -> tuple[Parameter, ...]:
    """Of `animate`."""
    return (
        file("picture", "The portrait.", "amara.png"),
        file("clip", "The driving clip.", "nod.mp4"),
        consent(),
        _model("fomm"),
        choice("transfer", "Whether motion is relative to the clip's start, or absolute.", ("relative", "absolute"),
               "relative"),
        flag("adapt_scale", "Scale relative motion with the size of the face.", True),
        number("strength", "By what relative motion is multiplied; 0 holds the portrait still.", 0, 2, 1.0),
        choice("region", "What moves: everything, the mouth, or the head's pose.", REGIONS, "all"),
        flag("best_frame", "Start from the frame whose pose is closest to the portrait's."),
        number("start", "Seconds into the clip at which motion starts; 0: at the first face.", 0,
               settings().clip_seconds, 0.0),
        number("smoothing", "How much the jitter of the keypoints is reduced.", 0, 1, 0.0),
        _crop(),
        _face(),
        _paste_back(),
        flag("side_by_side", "Also make a video of source, driver and result side by side."),
    )  # fmt: skip


def translate() -> tuple[Parameter, ...]:
    """Of `translate`."""
    return (
        file("picture", "The picture.", "horse-black.png"),
        consent(),
        _model("cyclegan"),
        _crop("auto", "none", "whole"),
        _paste_back(),
        flag("back", "Also translate the result back, and measure the cycle error."),
    )


def edit() -> tuple[Parameter, ...]:
    """Of `edit`."""
    return (
        file("picture", "The portrait.", "amara.png"),
        switches("changes", "Attribute -> whether the result has it; other attributes are kept.", {"Blond_Hair": True}),
        consent(),
        _model("stargan"),
        _crop(),
        _face(),
        _paste_back(),
        flag("strip", "Also make a row with each single change."),
    )


def style() -> tuple[Parameter, ...]:
    """Of `style`."""
    return (
        file("picture", "The picture that is redrawn.", "amara.png"),
        text("domain", "The domain of the style, such as female, male, cat or dog.", "female"),
        consent(),
        file("reference", "The picture that provides the style; give this or a seed.", "chloe.png", default=None),
        whole("seed", "A random style; give this or a reference.", 0, MAX_SEED, None),
        number("truncation", "Of a random style: 0 is typical of the domain, 1 varied.", 0, 1, 1.0),
        _model("starganv2"),
        _crop(),
        _face(),
        _paste_back(),
    )


def verify() -> tuple[Parameter, ...]:
    """Of `verify`: the file is only analysed, so it needs no consent."""
    return (file("file", "The picture or video.", "amara.png", examined=True),)


def models() -> tuple[Parameter, ...]:
    """Of `models`."""
    names = [one.name for one in registry.METHODS if one.tab]
    return (choice("method", "Only the weights of this method; null lists all.", names, None),)


def _model(network: str) -> Parameter:
    names = [name for name, one in manifest().items() if one.network == network]
    return choice("model", "The weights; null uses the best installed ones.", names, None)


def _crop(*names: str) -> Parameter:
    about = "auto: around the face or in the centre; none: the largest square"
    about += "; whole: the whole picture." if "whole" in names else "."
    return choice("crop", about, names or ("auto", "none"), "auto")


def _face() -> Parameter:
    return whole("face", "Of several faces, which one by size: 1 is the largest.", 1, MAX_FACE, 1)


def _paste_back() -> Parameter:
    return flag("paste_back", "Paste the result back into the whole picture.")

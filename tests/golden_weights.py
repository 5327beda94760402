"""The deterministic weights and pictures behind the stored reference outputs (see tests/data/README.md)."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepfake_core.hub.key_maps import Renames, starganv2_trunk

DATA = Path(__file__).parent / "data"

# Key maps of the authors' discriminators, which only training and these outputs know.
FOMM_DISCRIMINATOR: Renames = (
    (r"^discs\.[^.]+\.", "patches.0."),
    (r"\.down_blocks\.(\d+)\.(conv|norm)\.", r".\2s.\1."),
    (r"^patches\.0\.conv\.", "patches.0.head."),
    (r"\.weight_orig$", ".parametrizations.weight.original"),
    (r"\.weight_([uv])$", r".parametrizations.weight.0._\1"),
)

CYCLEGAN_DISCRIMINATOR: Renames = tuple(
    (rf"^model\.{layer}\.", f"convs.{place}.") for place, layer in enumerate((0, 2, 5, 8, 11))
)


def starganv2_discriminator(blocks: int) -> Renames:
    """A discriminator with this many downsampling blocks; a separate network here."""
    return ((rf"^main\.{blocks + 4}\.", "branches."), *starganv2_trunk("main", "trunk", blocks))


def weights(table: str, network: str, *, lively: bool = False, shift: int = 0) -> dict[str, Tensor]:
    """The state of `network` in the authors' key names; buffers that the constructor fixes are left out.

    `shift` is added to every seed, for a second network of the same layout.
    """
    description = json.loads((DATA / table).read_text())["networks"][network]
    state = {}
    for row in description["entries"]:
        entry = dict(zip(description["columns"], row, strict=False))
        if entry["kind"] != "kept":
            state[entry["key"]] = torch.from_numpy(_entry({**entry, "index": entry["index"] + shift}, lively))
    return state


def _entry(entry: dict, lively: bool) -> np.ndarray:
    suffix = "_lively" if lively and "scale_lively" in entry else ""
    offset, scale = entry["offset" + suffix], entry["scale" + suffix]
    shape = tuple(entry["shape"])
    if entry["kind"] == "zero":
        return np.zeros(shape, entry["dtype"])
    noise = np.random.default_rng(entry["index"]).standard_normal(shape)
    values = {
        "affine": lambda: offset + scale * noise,
        "abs": lambda: offset + scale * np.abs(noise),
        "eye2": lambda: np.tile([1.0, 0.0, 0.0, 1.0], shape[0] // 4) + scale * noise,
        "unit": lambda: noise / np.linalg.norm(noise),
    }
    return values[entry["kind"]]().astype(entry["dtype"])


def smooth(size: int, seed: int, time: float = 0.0) -> np.ndarray:
    """A low-frequency picture (3, size, size) in [-1, 1] that drifts with `time`."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.arange(size) / size, np.arange(size) / size, indexing="ij")
    picture = np.zeros((3, size, size))
    for channel in picture:
        for _ in range(6):
            fx, fy, phase, strength = (rng.uniform(*span) for span in ((-6, 6), (-6, 6), (0, 2 * np.pi), (0.2, 1)))
            wave = fx * (x - 0.02 * time) + fy * (y + 0.015 * time)
            channel += strength * np.sin(2 * np.pi * wave + phase)
        channel /= np.abs(channel).max()
    return picture


def fomm_inputs(kind: str) -> tuple[Tensor, Tensor]:
    """Source (1, 3, 256, 256) and three driving frames (3, 3, 256, 256) in [0, 1]; `kind` is noise or smooth."""
    if kind == "noise":
        rng = np.random.default_rng(1234)
        source, driving = rng.random((1, 3, 256, 256)), rng.random((3, 3, 256, 256))
    else:
        source = 0.5 + 0.5 * smooth(256, 7)[None]
        driving = np.stack([0.5 + 0.5 * smooth(256, 8, time) for time in range(3)])
    return torch.from_numpy(source).float(), torch.from_numpy(driving).float()

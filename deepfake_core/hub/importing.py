"""The authors' checkpoint files, read once, checked against the network, and written as safetensors."""

import hashlib
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepfake_core.errors import BadRequest, BadWeights, MissingFile
from deepfake_core.hub import layouts
from deepfake_core.hub.layouts import unexpected_keys
from deepfake_core.hub.manifest import Entry, entry
from deepfake_core.hub.store import NETWORKS, cache_folder, save
from deepfake_core.networks import cyclegan, fan, fomm, stargan, starganv2

LAYOUTS: Mapping[str, Callable[[Any], dict[str, Tensor]]] = {
    "fomm": layouts.fomm_state,
    "cyclegan": layouts.cyclegan_state,
    "stargan": layouts.stargan_state,
    "starganv2": layouts.starganv2_state,
    "fan": layouts.fan_state,
}
"""The authors' file -> this project's keys, by the manifest's `layout`."""

CONFIGS: Mapping[str, Any] = {
    **fomm.CONFIGS,
    **cyclegan.CONFIGS,
    **stargan.CONFIGS,
    **starganv2.CONFIGS,
    **fan.CONFIGS,
}
"""The architecture of every published set of weights, by its name."""


def import_checkpoint(
    name: str, checkpoint: str | Path, output: str | Path | None = None, *, critic: str | Path | None = None
) -> Path:
    """Convert the authors' file of the named weights; return where the safetensors file is (the cache, or `output`).

    StarGAN's discriminator, whose class head reads attributes, is a file of its own: `critic`, or the one beside the
    generator's (`200000-D.ckpt` beside `200000-G.ckpt`) if there is one. Raises `UnknownModel`, `MissingFile`,
    `BadRequest` for weights that need no import, and `BadWeights` when a file holds code, is damaged, or does not fit.
    """
    wanted = entry(name)
    if wanted.layout not in LAYOUTS:
        raise BadRequest(f"{name} comes with the repository and needs no import")
    path = existing(checkpoint)
    second = critic_of(wanted, path, critic)
    config = asdict(CONFIGS[name])
    state = LAYOUTS[wanted.layout](read_checkpoint(path))
    if second:
        config["critic"] = True
        state |= LAYOUTS[wanted.layout](read_checkpoint(second))
    module = NETWORKS[wanted.network](config)
    fill(module, state, f"{path.name} with {second.name}" if second else path.name)
    target = Path(output) if output else cache_folder() / f"{name}.safetensors"
    save(module, target, describe(wanted, config, path), wanted.network)
    return target


def existing(checkpoint: str | Path) -> Path:
    """The path of a file that is there; raises `MissingFile`."""
    path = Path(checkpoint)
    if not path.is_file():
        raise MissingFile(f"there is no checkpoint {path}")
    return path


def critic_of(wanted: Entry, path: Path, critic: str | Path | None) -> Path | None:
    """The file of StarGAN's discriminator: the one that was named, or the one that lies beside the generator's."""
    if wanted.layout != "stargan":
        if critic:
            raise BadRequest(f"{wanted.name} is imported from one file; leave the discriminator out")
        return None
    if critic:
        return existing(critic)
    beside = path.with_name(path.name.replace("-G.", "-D."))
    return beside if beside != path and beside.is_file() else None


def read_checkpoint(path: Path) -> Any:
    """The tensors of a pickled checkpoint; raises `BadWeights` for anything that holds more than that."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, zipfile.BadZipFile) as error:
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise BadWeights(
                f"{path.name} is no plain checkpoint: it is damaged, or holds code, which is never run"
            ) from error
        raise BadWeights(f"{path.name} is damaged or no checkpoint; fetch it again") from error


def fill(module: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Load `state` strictly; raises `BadWeights` naming what is missing, surplus or of another shape."""
    wanted = module.state_dict()
    missing, surplus = unexpected_keys(state, wanted)
    shapes = [key for key in wanted if key in state and state[key].shape != wanted[key].shape]
    for problem, keys in (("lacks", missing), ("holds the unknown", surplus), ("has another shape of", shapes)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise BadWeights(f"{name} {problem} {keys[0]}{more}; is it the checkpoint of that name?")
    module.load_state_dict(dict(state), strict=True)


def describe(wanted: Entry, config: Mapping[str, Any], path: Path) -> dict[str, str]:
    """Metadata of the converted file: what it is, from which file it was made, and its licence."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "name": wanted.name,
        "config": json.dumps(config),
        "source_sha256": digest,
        "licence": wanted.licence,
    }

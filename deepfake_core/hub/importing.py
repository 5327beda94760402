"""The authors' checkpoint files, read once, checked against the network, and written as safetensors."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from deepfake_core.errors import BadRequest, BadWeights, MissingFile
from deepfake_core.hub.config_check import misfit
from deepfake_core.hub.files import cache_folder, sha256_of
from deepfake_core.hub.manifest import Entry, entry
from deepfake_core.hub.reading import read_checkpoint, unpacked
from deepfake_core.hub.store import save
from deepfake_core.registry import configs, method


def import_checkpoint(
    name: str,
    checkpoint: str | Path,
    output: str | Path | None = None,
    *,
    critic: str | Path | None = None,
    origin: str | None = None,
) -> Path:
    """Convert the authors' file of the named weights; return where the safetensors file is (the cache, or `output`).

    A zip around the file will do. StarGAN's discriminator, whose class head reads attributes, is a file of its own:
    `critic`, or the one beside the generator's (`200000-D.ckpt` beside `200000-G.ckpt`) if there is one. `origin` says
    in the metadata where the file came from. Raises `UnknownModel`, `MissingFile`, `BadRequest` for weights that need
    no import, `BadWeights` when a file holds code, is damaged, or does not fit, and what `store.save` raises.
    """
    wanted = entry(name)
    if wanted.file:
        raise BadRequest(f"{name} comes with the repository and needs no import")
    path = existing(checkpoint)
    with unpacked(path) as files:
        first, second = chosen(wanted, files, critic)
        state, config = converted(wanted, first, second)
    target = Path(output) if output else cache_folder() / f"{name}.safetensors"
    save(state, target, describe(wanted, config, path, origin), wanted.network)
    return target


def existing(checkpoint: str | Path) -> Path:
    """The path of a file that is there; raises `MissingFile`."""
    path = Path(checkpoint)
    if not path.is_file():
        raise MissingFile(f"there is no checkpoint {path}")
    return path


def chosen(wanted: Entry, files: Sequence[Path], critic: str | Path | None) -> tuple[Path, Path | None]:
    """The file to read, and StarGAN's discriminator: the one that was named, or the one that lies beside it."""
    first = next((file for file in files if "-D." not in file.name), files[0])
    if wanted.network != "stargan":
        if critic:
            raise BadRequest(f"{wanted.name} is imported from one file; leave the discriminator out")
        return first, None
    if critic:
        return first, existing(critic)
    beside = first.with_name(first.name.replace("-G.", "-D."))
    return first, beside if beside != first and beside.is_file() else None


def converted(wanted: Entry, path: Path, second: Path | None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state under this project's keys, checked against the network, and the network's config."""
    config = asdict(method(wanted.network).configs()[wanted.name])
    checkpoint = read_checkpoint(path)
    try:
        state = renamed(wanted.network, checkpoint)
        if second:
            config["critic"] = True
            state |= renamed(wanted.network, read_checkpoint(second))
        problem = misfit(wanted.network, config, state)
    except BadWeights as error:
        state, problem = {}, f"will not do: {error}"
    if problem:
        others = [] if second else fitting(checkpoint, wanted)
        hint = f"it fits {' and '.join(others[:3])}: import it under that name" if others else "is it the right file?"
        raise BadWeights(f"{path.name}{f' with {second.name}' if second else ''} {problem}; {hint}")
    return {key: state[key] for key in sorted(state)}, config


def renamed(network: str, checkpoint: Any) -> dict[str, Tensor]:
    """The tensors of the authors' file under this project's keys; raises `BadWeights` for another layout."""
    try:
        return method(network).state(checkpoint)
    except BadWeights:
        raise
    except Exception as error:  # keys that are no words, and whatever else a pickle may hold
        raise BadWeights("it is not in the authors' layout") from error


def fitting(checkpoint: Any, asked: Entry) -> list[str]:
    """The other names whose network the checkpoint fits, the same kind of network first."""
    fit = []
    for name, config in configs().items():
        other = entry(name)
        if name == asked.name:
            continue
        with contextlib.suppress(BadWeights):
            if misfit(other.network, asdict(config), renamed(other.network, checkpoint)) is None:
                fit.append(name)
    return sorted(fit, key=lambda name: entry(name).network != asked.network)


def describe(wanted: Entry, config: Mapping[str, Any], path: Path, origin: str | None) -> dict[str, str]:
    """Metadata of the converted file: what it is, from which file it was made, and its licence."""
    return {
        "name": wanted.name,
        "config": json.dumps(config),
        "origin": origin or path.name,
        "source_sha256": sha256_of(path),
        "licence": wanted.licence,
    }

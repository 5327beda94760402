"""Import the authors' checkpoints: read once, validated against the network, and saved as safetensors."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from deepfake_core.errors import BadRequest, BadWeights, MissingFile
from deepfake_core.hub.config_check import mismatch
from deepfake_core.hub.files import cache_folder, sha256_of
from deepfake_core.hub.library_files import install
from deepfake_core.hub.manifest import Entry, entry
from deepfake_core.hub.reading import read_checkpoint, unpacked
from deepfake_core.hub.store import find, save
from deepfake_core.registry import configs, method


def import_checkpoint(
    name: str,
    checkpoint: str | Path,
    output: str | Path | None = None,
    *,
    critic: str | Path | None = None,
    origin: str | None = None,
) -> Path:
    """Convert the authors' file of the named weights; return the path of the safetensors file (`output`, or the cache).

    The file may be inside a zip archive. StarGAN's discriminator, whose class head predicts attributes, is a separate
    file: `critic`, else the one next to the generator's (`200000-D.ckpt` next to `200000-G.ckpt`), if any. `origin` is
    recorded in the metadata as the source of the file. Weights that these need and that the same file holds, such as
    StarGAN v2's `fan`, are imported with them. The file of a library is checked and copied to its place.

    Raises `UnknownModel`, `MissingFile`, `BadRequest` for weights that need no import, `BadWeights` when a file
    contains code, is damaged or does not match, and what `store.save` raises.
    """
    wanted = entry(name)
    if wanted.file:
        raise BadRequest(f"{name} is part of the repository and needs no import")
    path = existing_checkpoint(checkpoint)
    if wanted.network is None:
        if output or critic:
            raise BadRequest(
                f"{name} is copied to its library's folder as it is; omit the output and the discriminator"
            )
        return install(wanted, path)
    target = Path(output) if output else cache_folder() / f"{name}.safetensors"
    with unpacked(path) as files:
        first, second = chosen(wanted, files, critic)
        state, config = converted(wanted, first, second)
        save(state, target, describe(wanted, config, path, origin), wanted.network)
        if wanted.needs and not output:
            import_needed(entry(wanted.needs), first, path, origin)
    return target


def import_needed(needed: Entry, checkpoint: Path, path: Path, origin: str | None) -> None:
    """Import weights that others need from the others' file, if it holds them and they are not installed."""
    if needed.network is None or find(needed.name):
        return
    with contextlib.suppress(BadWeights):
        state, config = converted(needed, checkpoint, None)
        target = cache_folder() / f"{needed.name}.safetensors"
        save(state, target, describe(needed, config, path, origin), needed.network)


def existing_checkpoint(checkpoint: str | Path) -> Path:
    """`checkpoint` as a path; raises `MissingFile` unless it is a file."""
    path = Path(checkpoint)
    if not path.is_file():
        raise MissingFile(f"checkpoint {path} not found; check its name and folder")
    return path


def chosen(wanted: Entry, files: Sequence[Path], critic: str | Path | None) -> tuple[Path, Path | None]:
    """The file to read, and StarGAN's discriminator: `critic`, or the one in the same folder."""
    first = next((file for file in files if "-D." not in file.name), files[0])
    if wanted.network != "stargan":
        if critic:
            raise BadRequest(f"{wanted.name} is imported from one file; omit the discriminator")
        return first, None
    if critic:
        return first, existing_checkpoint(critic)
    discriminator = first.with_name(first.name.replace("-G.", "-D."))
    return first, discriminator if discriminator != first and discriminator.is_file() else None


def converted(wanted: Entry, path: Path, second: Path | None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state under this project's keys, validated against the network, and the network's config."""
    assert wanted.network is not None
    config = asdict(method(wanted.network).configs()[wanted.name])
    checkpoint = read_checkpoint(path)
    try:
        state = renamed(wanted.network, checkpoint)
        if second:
            config["critic"] = True
            state |= renamed(wanted.network, read_checkpoint(second))
        problem = mismatch(wanted.network, config, state)
    except BadWeights as error:
        state, problem = {}, f"cannot be imported: {error}"
    if problem:
        others = [] if second else matching(checkpoint, wanted)
        hint = (
            f"it matches {' and '.join(others[:3])}: import it under that name" if others else "is it the right file?"
        )
        raise BadWeights(f"{path.name}{f' with {second.name}' if second else ''} {problem}; {hint}")
    return {key: state[key] for key in sorted(state)}, config


def renamed(network: str, checkpoint: Any) -> dict[str, Tensor]:
    """The tensors of the authors' file under this project's keys; raises `BadWeights` for an unknown layout."""
    try:
        return method(network).state(checkpoint)
    except BadWeights:
        raise
    except Exception as error:  # such as keys that are not strings
        raise BadWeights("it is not in the authors' layout") from error


def matching(checkpoint: Any, requested: Entry) -> list[str]:
    """Names of other weights whose network the checkpoint matches, the same kind of network first."""
    names = []
    for name, config in configs().items():
        other = entry(name)
        assert other.network is not None
        if name == requested.name:
            continue
        with contextlib.suppress(BadWeights):
            if mismatch(other.network, asdict(config), renamed(other.network, checkpoint)) is None:
                names.append(name)
    return sorted(names, key=lambda name: entry(name).network != requested.network)


def describe(wanted: Entry, config: Mapping[str, Any], path: Path, origin: str | None) -> dict[str, str]:
    """Metadata of the converted file: its name, config, source file and licence."""
    return {
        "name": wanted.name,
        "config": json.dumps(config),
        "origin": origin or path.name,
        "source_sha256": sha256_of(path),
        "licence": wanted.licence,
    }

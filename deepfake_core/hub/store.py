"""Weights on this machine: where they lie, and how a network is made from them."""

import errno
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from deepfake_core.errors import BadRequest, BadWeights, MissingFile, WeightsMissing
from deepfake_core.hub import manifest as shipped_weights
from deepfake_core.hub.config_check import read_config
from deepfake_core.hub.files import cache_folder as cache_folder  # for those who keep files of their own there
from deepfake_core.hub.files import hash_file, printable, sha256_of, whole_file, write_hash, written_hash
from deepfake_core.hub.manifest import Entry, entry, manifest
from deepfake_core.hub.skip_init import SkipInit
from deepfake_core.registry import method


class Loaded(NamedTuple):
    """A network with its weights, on the CPU, in evaluation mode."""

    name: str
    network: nn.Module
    about: str
    metadata: Mapping[str, str]
    entry: Entry | None
    """What the manifest says; None for a file of one's own."""


def find(name: str) -> Path | None:
    """The file of named weights, if it is on this machine."""
    shipped = entry(name).file
    places = [cache_folder() / f"{name}.safetensors", *([shipped_weights.WEIGHTS / shipped] if shipped else [])]
    return next((place for place in places if place.is_file()), None)


def installed(network: str | None = None) -> list[str]:
    """Names of the weights that work on this machine, of one network or of all, in the manifest's order."""
    return [name for name, one in manifest().items() if network in (None, one.network) and usable(name)]


def usable(name: str) -> bool:
    """Whether named weights are on this machine together with those that they need."""
    needed = entry(name).needs
    return find(name) is not None and (needed is None or find(needed) is not None)


def preference(network: str) -> tuple[str, ...]:
    """Names that are taken when nobody names any, best first: published weights, then the starters."""
    record = method(network)
    starters = (name for name, one in manifest().items() if one.network == network and one.file)
    return (*(record.preferred or record.configs()), *starters)


def choose(network: str) -> str:
    """The best weights on this machine for a network; raises `WeightsMissing` when there are none at all."""
    for name in preference(network):
        if usable(name):
            return name
    raise WeightsMissing(
        f"no weights for {network} are on this machine, not even the starter ones in {shipped_weights.WEIGHTS}; "
        "fetch the repository again"
    )


def load(model: str | Path | None, network: str) -> Loaded:
    """Load weights by name or file; None takes the best on this machine.

    Raises `UnknownModel`, `WeightsMissing` with the way to get them, `MissingFile`, or `BadWeights` when the file is
    damaged or does not fit `network`.
    """
    if model is None:
        model = choose(network)
    wanted: Entry | None = None
    if isinstance(model, Path) or model.endswith(".safetensors"):
        path, name, about = Path(model), Path(model).stem, "weights of your own"
        if not path.is_file():
            raise MissingFile(f"there is no weights file {path}")
    else:
        wanted = entry(model)
        found, name, about = find(model), model, wanted.about
        if found is None:
            raise WeightsMissing(f"{model} is not on this machine; {way_to(wanted)}")
        path = found
    state, metadata = read_sound(path, right_hash(path, wanted))
    return Loaded(name, build(network, state, metadata, path.name), about, metadata, wanted)


def right_hash(path: Path, wanted: Entry | None) -> str | None:
    """What the file must hash to: the manifest says it of a starter, a note beside it of what was imported."""
    return wanted.sha256 if wanted and path.parent == shipped_weights.WEIGHTS else written_hash(path)


def way_to(wanted: Entry) -> str:
    """What to do to get weights that are not here."""
    if wanted.file:
        return f"it comes with the repository: fetch that again, or make it anew ({wanted.source})"
    if wanted.hub:
        return f"get it with 'python -m deepfake_core weights pull {wanted.name}' (from {wanted.source})"
    return f"get it from {wanted.source}, then run 'python -m deepfake_core weights import {wanted.name} CHECKPOINT'"


def read_sound(path: Path, expected: str | None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """`read_weights`, with the file hashed meanwhile; raises `BadWeights` when it does not hash to `expected`."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        digest = beside.submit(sha256_of, path) if expected else None
        tensors, metadata = read_weights(path)
        if digest and digest.result() != expected:
            raise BadWeights(
                f"{path.name} is damaged: its bytes have changed since it was made; remove and fetch it again"
            )
    return tensors, metadata


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors (mapped, not read: pages come when they are used) and metadata of a safetensors file.

    Raises `BadWeights` when it is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
            return tensors, file.metadata() or {}
    except SafetensorError as error:
        raise BadWeights(f"{path.name} is damaged or no safetensors file; import or fetch it again") from error


def build(network: str, state: Mapping[str, Tensor], metadata: Mapping[str, str], name: str) -> nn.Module:
    """The network that the metadata describes, with `state` in it; raises `BadWeights` when they do not fit."""
    written = metadata.get("network", "an unknown network")
    if written != network:
        raise BadWeights(f"{name} holds weights for {printable(written)}, not for {network}")
    prefix = f"{network}."
    wide = {
        key.removeprefix(prefix): value.float() if value.is_floating_point() else value for key, value in state.items()
    }
    config = read_config(metadata.get("config", ""), network, wide, name)
    with SkipInit():
        module = method(network).build(config)
    module.load_state_dict(wide, strict=True, assign=True)
    return module.eval().requires_grad_(False)


def save(state: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str], network: str) -> None:
    """Write a network's weights under the keys that `load` reads, and their hash beside them; all or nothing.

    Raises `NotEnoughSpace` or `BadRequest` when that cannot be.
    """
    if path.suffix != ".safetensors":
        raise BadRequest(f"weights cannot be saved as {path.name}; end its name in .safetensors")
    tensors: dict[str, Tensor] = {}
    taken = set[int]()
    for key, value in state.items():
        own = value.clone() if value.data_ptr() in taken else value.contiguous()  # one file holds no tensor twice
        taken.add(own.data_ptr())
        tensors[f"{network}.{key}"] = own
    with whole_file(path) as aside:
        try:
            save_file(tensors, aside, metadata={"network": network, **metadata})
        except SafetensorError as error:
            full = "No space left" in str(error) or "os error 28" in str(error)
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error
        digest = sha256_of(aside)
        hash_file(path).unlink(missing_ok=True)  # lest a hash of older weights stand beside these for a moment
    write_hash(path, digest)

"""Installed weights: find them, load networks from them, and save them."""

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
from deepfake_core.hub.files import cache_file, hash_file, printable, recorded_hash, sha256_of, write_hash
from deepfake_core.hub.files import cache_folder as cache_folder  # re-exported
from deepfake_core.hub.library_files import library_path
from deepfake_core.hub.manifest import Entry, entry, manifest
from deepfake_core.hub.skip_init import SkipInit
from deepfake_core.registry import method


class Loaded(NamedTuple):
    """A network with loaded weights, on the CPU, in evaluation mode."""

    name: str
    network: nn.Module
    about: str
    metadata: Mapping[str, str]
    entry: Entry | None
    """The manifest entry; None for a user's own file."""


ORIGINALS = (".pth.tar", ".pth", ".pt", ".ckpt", ".zip", ".safetensors")
"""Endings of the authors' files."""


def find(name: str) -> Path | None:
    """The file of named weights; None if they are not installed.

    A converted file in `weights/` is found as well as one in the cache: whoever hosts may put it there.
    """
    wanted = entry(name)
    if wanted.library_file:
        path = library_path(wanted)
        return path if path.is_file() else None
    candidates = [
        cache_folder() / f"{name}.safetensors",
        shipped_weights.WEIGHTS / (wanted.file or f"{name}.safetensors"),
    ]
    return next((path for path in candidates if path.is_file()), None)


def find_original(wanted: Entry) -> Path | None:
    """The authors' file under a manifest's name in `weights/`, such as `fomm-vox-adv.pth.tar`: it can be imported."""
    if wanted.file:
        return None
    endings = ORIGINALS if wanted.library_file else ORIGINALS[:-1]  # else a converted file
    return next((path for one in endings if (path := shipped_weights.WEIGHTS / f"{wanted.name}{one}").is_file()), None)


def installed(network: str | None = None) -> list[str]:
    """Names of the usable weights, of one network or of all, in the manifest's order."""
    return [name for name, one in manifest().items() if network in (None, one.network) and usable(name)]


def usable(name: str) -> bool:
    """Whether named weights are installed together with the weights that they need."""
    needed = entry(name).needs
    return find(name) is not None and (needed is None or find(needed) is not None)


def preference(network: str) -> tuple[str, ...]:
    """Names in order of preference when none is given: published weights, then the starters."""
    record = method(network)
    starters = (name for name, one in manifest().items() if one.network == network and one.file)
    return (*(record.preferred or record.configs()), *starters)


def choose(network: str) -> str:
    """The best installed weights of a network; raises `WeightsMissing` when there are none."""
    for name in preference(network):
        if usable(name):
            return name
    raise WeightsMissing(
        f"no weights for {network} are installed, not even the starter in {shipped_weights.WEIGHTS}; "
        "download the repository again"
    )


def load(model: str | Path | None, network: str) -> Loaded:
    """Load weights by name or file; None loads the best installed ones.

    Raises `UnknownModel`, `WeightsMissing` with the command to get them, `MissingFile`, or `BadWeights` when the file
    is damaged or does not match `network`.
    """
    if model is None:
        model = choose(network)
    wanted: Entry | None = None
    if isinstance(model, Path) or model.endswith(".safetensors"):
        path, name, about = Path(model), Path(model).stem, "your own weights"
        if not path.is_file():
            raise MissingFile(f"weights file {path} not found; check its name and folder")
    else:
        wanted = entry(model)
        if wanted.network != network:
            raise BadWeights(f"{model} has weights for {wanted.network or wanted.family}, not for {network}")
        found, name, about = find(model), model, wanted.about
        if found is None:
            raise WeightsMissing(f"{model} is not installed; {how_to_get(wanted)}")
        path = found
    state, metadata = read_verified(path, expected_hash(path, wanted))
    return Loaded(name, build(network, state, metadata, path.name), about, metadata, wanted)


def expected_hash(path: Path, wanted: Entry | None) -> str | None:
    """The expected hash of a file: the manifest's for a starter or a library's file, else the one in its checksum file;
    None without."""
    if wanted and (wanted.library_file or (path.parent == shipped_weights.WEIGHTS and wanted.file)):
        return wanted.sha256
    return recorded_hash(path)


def how_to_get(wanted: Entry) -> str:
    """How to get weights that are not installed."""
    if wanted.file:
        return f"it is part of the repository: download that again, or train it again ({wanted.source})"
    if wanted.sources:
        return f"get it with 'python -m deepfake_core weights pull {wanted.name}' (from {wanted.source})"
    return f"get it from {wanted.source}, then run 'python -m deepfake_core weights import {wanted.name} CHECKPOINT'"


def read_verified(path: Path, expected: str | None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """`read_weights`, hashing the file in parallel; raises `BadWeights` when the hash is not `expected`."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        digest = executor.submit(sha256_of, path) if expected else None
        tensors, metadata = read_weights(path)
        if digest and digest.result() != expected:
            raise BadWeights(f"{path.name} is damaged: its checksum does not match; remove it and get it again")
    return tensors, metadata


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors (memory-mapped, so pages are read on first use) and metadata of a safetensors file.

    Raises `BadWeights` when it is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
            return tensors, file.metadata() or {}
    except SafetensorError as error:
        raise BadWeights(f"{path.name} is damaged or not a safetensors file; import or download it again") from error


def build(network: str, state: Mapping[str, Tensor], metadata: Mapping[str, str], name: str) -> nn.Module:
    """The network described by the metadata, with `state` loaded; raises `BadWeights` when they do not match."""
    found = metadata.get("network", "an unknown network")
    if found != network:
        raise BadWeights(f"{name} has weights for {printable(found)}, not for {network}")
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
    """Write a network's weights atomically under the keys that `load` reads, and their checksum file.

    Raises `NotEnoughSpace`, or `BadRequest` when the file cannot be written.
    """
    if path.suffix != ".safetensors":
        raise BadRequest(f"weights cannot be saved as {path.name}; use a name ending in .safetensors")
    tensors: dict[str, Tensor] = {}
    taken = set[int]()
    for key, value in state.items():
        own = value.clone() if value.data_ptr() in taken else value.contiguous()  # safetensors rejects shared tensors
        taken.add(own.data_ptr())
        tensors[f"{network}.{key}"] = own
    with cache_file(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={"network": network, **metadata})
        except SafetensorError as error:
            full = "No space left" in str(error) or "os error 28" in str(error)
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error
        digest = sha256_of(temporary)
        hash_file(path).unlink(missing_ok=True)  # an old checksum must not exist next to the new weights
    write_hash(path, digest)

"""Files of a run: the checkpoint to resume from and the exported weights. Both are written atomically."""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from deepfake_core.errors import BadWeights
from deepfake_core.media.atomic_write import atomic_file

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.safetensors"


def write_checkpoint(path: Path, saved: Mapping[str, Any]) -> None:
    """Write what `to_checkpoint` returned."""
    with atomic_file(path) as temporary:
        torch.save(dict(saved), temporary)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint into the CPU's memory; raise `BadWeights` if it is damaged or holds more than tensors."""
    refusal = BadWeights(f"{path} is damaged or not a checkpoint of this program; choose another --out")
    if not zipfile.is_zipfile(path):  # nor is a truncated one: its directory is at the end
        raise refusal
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise refusal from error
    return saved


def export_weights(path: Path, networks: nn.ModuleDict, metadata: Mapping[str, str]) -> None:
    """Write the networks as float16 safetensors, each tensor under `network.key`."""
    tensors = {name: half(tensor) for name, tensor in networks.state_dict().items()}
    with atomic_file(path) as temporary:
        save_file(tensors, temporary, metadata=dict(metadata))


def half(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU in float16; integers and values beyond float16's range keep their type."""
    tensor = tensor.detach().cpu()
    narrow = tensor.half() if tensor.is_floating_point() else tensor
    return (narrow if torch.isfinite(narrow).all() else tensor).clone().contiguous()

"""Choose the device on which networks run, and the precision in which they compute there."""

import torch

from deepfake_core.errors import BadRequest
from deepfake_core.settings import PRECISIONS, settings

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(wanted: str = "auto") -> torch.device:
    """Return the device named `wanted`; `auto` is the first available of CUDA, Apple's MPS and the CPU.

    Raises `BadRequest` for an unknown name or a device that is not available.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, found in available.items() if found))
    if wanted not in DEVICES:
        raise BadRequest(f"unknown device {wanted!r}; choose one of {', '.join(DEVICES)}")
    if not available[wanted]:
        raise BadRequest(f"this machine has no {wanted} device; choose 'auto' or 'cpu'")
    return torch.device(wanted)


def choose_dtype(wanted: str, device: torch.device) -> torch.dtype:
    """Return the data type of a network's convolutions and matrix products on a device.

    `auto` is the setting `DEEPFAKE_PRECISION` and, if that is `auto` as well, the fastest: float16 on a GPU, bfloat16
    on a CPU that computes in it, float32 on others. Raises `BadRequest` for an unknown precision.
    """
    if wanted not in PRECISIONS:
        raise BadRequest(f"unknown precision {wanted!r}; choose one of {', '.join(PRECISIONS)}")
    if (name := settings().precision if wanted == "auto" else wanted) != "auto":
        found = getattr(torch, name)
        assert isinstance(found, torch.dtype)
        return found
    if device.type != "cpu":
        return torch.float16
    return torch.bfloat16 if computes_in_bf16(device) else torch.float32


def computes_in_bf16(device: torch.device) -> bool:
    """Whether a device has bfloat16 units; on a CPU they make convolutions about twice as fast."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    units: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # missing in older PyTorch
    return device.type == "cpu" and any(units.get(name) for name in ("avx512_bf16", "amx_bf16"))

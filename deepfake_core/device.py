"""Choose the device on which networks run."""

import torch

from deepfake_core.errors import BadRequest

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

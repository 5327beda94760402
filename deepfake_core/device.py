"""The choice of the machine's fastest device."""

import torch

from deepfake_core.errors import BadRequest

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(wanted: str = "auto") -> torch.device:
    """Return the device that `wanted` names: `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises `BadRequest` for an unknown name or a device that this machine lacks.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, here in present.items() if here))
    if wanted not in DEVICES:
        raise BadRequest(f"unknown device {wanted!r}; choose one of {', '.join(DEVICES)}")
    if not present[wanted]:
        raise BadRequest(f"this machine has no {wanted} device; choose 'auto' or 'cpu'")
    return torch.device(wanted)

"""Exponential moving averages (EMA) of network weights: the copies that are shown and exported."""

import copy
from collections.abc import Iterable

import torch
from torch import nn


def ema_copies(networks: nn.ModuleDict, names: Iterable[str]) -> nn.ModuleDict:
    """Return copies of the named networks, in evaluation mode and without gradients, for `update_ema` to update."""
    copies = nn.ModuleDict({name: copy.deepcopy(networks[name]) for name in names})
    return copies.eval().requires_grad_(False)


@torch.no_grad()
def update_ema(ema: nn.ModuleDict, networks: nn.ModuleDict, decay: float) -> None:
    """Update every average: theta' <- decay * theta' + (1 - decay) * theta. Buffers (running statistics) are copied."""
    for name, average in ema.items():
        for mean, live in zip(average.parameters(), networks[name].parameters(), strict=True):
            mean.lerp_(live, 1 - decay)
        for kept, buffer in zip(average.buffers(), networks[name].buffers(), strict=True):
            kept.copy_(buffer)


def with_ema(networks: nn.ModuleDict, ema: nn.ModuleDict) -> nn.ModuleDict:
    """Return the networks by name, each replaced by its average where there is one."""
    return nn.ModuleDict({**networks, **ema})

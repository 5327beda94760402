"""Moving averages of networks: the copies that are shown and exported."""

import copy
from collections.abc import Iterable

import torch
from torch import nn


def average_of(networks: nn.ModuleDict, names: Iterable[str]) -> nn.ModuleDict:
    """Return copies of the named networks, in evaluation mode and without gradients, that `follow` will move."""
    copies = nn.ModuleDict({name: copy.deepcopy(networks[name]) for name in names})
    return copies.eval().requires_grad_(False)


@torch.no_grad()
def follow(averages: nn.ModuleDict, networks: nn.ModuleDict, decay: float) -> None:
    """Move every average: theta' <- decay * theta' + (1 - decay) * theta. Buffers (running statistics) are copied."""
    for name, average in averages.items():
        for mean, live in zip(average.parameters(), networks[name].parameters(), strict=True):
            mean.lerp_(live, 1 - decay)
        for kept, buffer in zip(average.buffers(), networks[name].buffers(), strict=True):
            kept.copy_(buffer)


def with_averages(networks: nn.ModuleDict, averages: nn.ModuleDict) -> nn.ModuleDict:
    """Return the networks by name, each one's average in its place where there is one."""
    return nn.ModuleDict({**networks, **averages})

"""One phase of one step: losses, gradients, and the optimizer's update if all values are finite."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from train.loop.config import Precision
from train.loop.recipe import Phase, weighted_sum


class PhaseResult(NamedTuple):
    """The result of one phase."""

    terms: dict[str, Tensor]
    """Detached scalars under `phase/term`, with `total`, the weighted sum, and `gradient`, its norm before clipping."""
    batch: Any
    """The batch for the next phase."""
    finite: bool
    """Whether the loss and every gradient were finite; if not, no weight was updated."""


@contextmanager
def gradients_for(trained: nn.Module, networks: nn.Module) -> Iterator[list[nn.Parameter]]:
    """Require gradients for the parameters of `trained` and for no others of `networks`; yield them."""
    before = [(parameter, parameter.requires_grad) for parameter in networks.parameters()]
    chosen = [parameter for parameter in trained.parameters() if parameter.requires_grad]
    identities = {id(parameter) for parameter in chosen}
    for parameter, _ in before:
        parameter.requires_grad_(id(parameter) in identities)
    try:
        yield chosen
    finally:
        for parameter, needed in before:
            parameter.requires_grad_(needed)


def run_phase(phase: Phase, batch: Any, step: int, networks: nn.ModuleDict, precision: Precision) -> PhaseResult:
    """Compute the losses of the phase on `batch` and update its networks once."""
    device = next(networks.parameters()).device
    with gradients_for(phase.trained, networks) as parameters:
        phase.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            terms, batch = phase.losses(batch, step)
        loss = weighted_sum(terms, phase.weights(step))
        loss.backward()
        norm = get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
        finite = bool(torch.isfinite(loss) & torch.isfinite(norm))  # the only synchronisation with the device
        if finite and phase.clip_norm is not None:
            clip_grads_with_norm_(parameters, phase.clip_norm, norm)
        if finite:
            phase.optimizer.step()
    logged = {**terms, "total": loss, "gradient": norm}
    return PhaseResult({f"{phase.name}/{name}": term.detach().float() for name, term in logged.items()}, batch, finite)

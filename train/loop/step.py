"""One phase of one step: losses, gradients, and the optimizer's move if all of it is finite."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from train.loop.config import AUTOCAST_TYPES, Precision
from train.loop.recipe import Phase, weighted_sum


class Outcome(NamedTuple):
    """What a phase leaves behind."""

    terms: dict[str, Tensor]
    """Detached scalars under `phase/term`; with `total`, the weighted sum, and `gradient`, its norm before clipping."""
    batch: Any
    """For the next phase."""
    finite: bool
    """Whether the loss and every gradient were finite; if not, nothing was moved."""


def gradient_scaler(device: torch.device, precision: Precision) -> GradScaler:
    """Return the scaler of one phase; only fp16 needs it, for the others it passes everything through.

    It starts at 2**9: an overflow halves it, so ten steps skipped in a row (where the loop gives up) are more than
    its search for a scale can take, and mean that the loss itself is broken.
    """
    return GradScaler(device.type, init_scale=2.0**9, growth_interval=500, enabled=precision == "fp16")


@contextmanager
def only(trained: nn.Module, networks: nn.Module) -> Iterator[list[nn.Parameter]]:
    """Let the parameters of `trained`, and no others of `networks`, ask for gradients; yield them."""
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


def run_phase(
    phase: Phase, batch: Any, step: int, networks: nn.ModuleDict, scaler: GradScaler, precision: Precision
) -> Outcome:
    """Take the phase's losses of `batch` and move its networks once."""
    device = next(networks.parameters()).device
    with only(phase.trained, networks) as parameters:
        phase.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=AUTOCAST_TYPES[precision], enabled=precision != "float32"):
            terms, batch = phase.losses(batch, step)
        loss = weighted_sum(terms, phase.weights(step))
        scaler.scale(loss).backward()
        scaler.unscale_(phase.optimizer)
        norm = get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
        finite = bool(torch.isfinite(loss) & torch.isfinite(norm))  # the phase's one wait for the device
        if finite and phase.clip_norm is not None:
            clip_grads_with_norm_(parameters, phase.clip_norm, norm)
        if finite:
            scaler.step(phase.optimizer)
        scaler.update()
    logged = {**terms, "total": loss, "gradient": norm}
    return Outcome({f"{phase.name}/{name}": term.detach().float() for name, term in logged.items()}, batch, finite)

"""Options of the training loop, shared by all recipes: the `[loop]` table of a preset."""

from dataclasses import dataclass, replace
from typing import Literal

import torch

from deepfake_core.device import computes_in_bf16
from deepfake_core.errors import BadRequest
from train.loop import schedules

Precision = Literal["float32", "bf16", "auto"]
Compile = Literal["never", "always", "auto"]
Decay = Literal["constant", "cosine", "linear", "multistep"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopConfig:
    """How long to train, at which rate, and how often to write. A recipe's own options are in its own dataclass."""

    steps: int
    """Steps in all, over all resumptions."""
    seed: int = 0
    """Seed of the batches and of the networks' initial weights."""
    warm_up: int = 0
    """Steps over which the learning rate rises to its full value."""
    decay: Decay = "constant"
    """How the learning rate falls after the warm-up, as a function of the step."""
    decay_from: int = 0
    """linear: the step at which the decay begins."""
    decay_floor: float = 0.0
    """cosine, linear: the final factor on the rate."""
    milestones: tuple[int, ...] = ()
    """multistep: the steps at which the rate is multiplied by `decay_factor`."""
    decay_factor: float = 0.1
    """multistep: the factor."""
    ema_decay: float = 0.999
    """Decay of the moving average of the weights, per step; smaller at the start (`schedules.ema_decay`)."""
    precision: Precision = "float32"
    """bf16 computes the losses under autocast. auto: bf16 where the hardware supports it, otherwise float32 (a CPU
    without bf16 units is about twenty times slower in bf16)."""
    compile: Compile = "never"
    """Compile the `forward` of every network and of its direct parts with torch.compile. auto: on a GPU only, where it
    saves more time than it takes."""
    log_every: int = 50
    """Steps between two rows of the log; a row holds means over these steps."""
    samples_every: int = 500
    """Steps between two sample grids; 0 draws one at the end only."""
    save_every: int = 1000
    """Steps between two checkpoints; 0 saves at the end only."""
    time_limit: float | None = None
    """Seconds after which the run saves and stops, to be resumed later; None for no limit."""

    def __post_init__(self) -> None:
        """Raise `BadRequest` for values out of range."""
        for name, least in (("steps", 1), ("log_every", 1), ("warm_up", 0), ("decay_from", 0), ("samples_every", 0),
                            ("save_every", 0)):  # fmt: skip
            if getattr(self, name) < least:
                raise BadRequest(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not 0 <= self.ema_decay < 1:
            raise BadRequest(f"ema_decay must be at least 0 and less than 1, got {self.ema_decay}")
        if self.time_limit is not None and self.time_limit <= 0:
            raise BadRequest(f"time_limit must be a positive number of seconds, got {self.time_limit}")

    def on(self, device: torch.device) -> "LoopConfig":
        """Return a copy with every "auto" resolved for a device."""
        gpu = device.type == "cuda"
        fastest: Precision = "bf16" if computes_in_bf16(device) else "float32"
        return replace(
            self,
            precision=fastest if self.precision == "auto" else self.precision,
            compile=("always" if gpu else "never") if self.compile == "auto" else self.compile,
        )

    def rate(self, step: int) -> float:
        """Return the factor on every learning rate at `step`."""
        falls = {
            "constant": 1.0,
            "cosine": schedules.cosine(step - self.warm_up, self.steps - self.warm_up, self.decay_floor),
            "linear": schedules.linear(step, self.decay_from, self.steps, self.decay_floor),
            "multistep": schedules.multistep(step, self.milestones, self.decay_factor),
        }
        return schedules.warm_up(step, self.warm_up) * (1.0 if step < self.warm_up else falls[self.decay])

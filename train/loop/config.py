"""The settings of the training loop, which every recipe shares: the `[loop]` table of a preset."""

from dataclasses import dataclass, replace
from typing import Literal

import torch

from deepfake_core.errors import BadRequest
from train.loop import schedules

Precision = Literal["float32", "bf16", "fp16", "auto"]
Compile = Literal["never", "always", "auto"]
Decay = Literal["constant", "cosine", "linear", "multistep"]
AUTOCAST_TYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopConfig:
    """How long to train, how fast, and how often to write. A recipe's own settings stand in its own config."""

    steps: int
    """Steps in all, over every resumption."""
    seed: int = 0
    """Of the generator that draws the batches, and of the networks' first weights."""
    warm_up: int = 0
    """Steps over which the learning rate rises to its full value."""
    decay: Decay = "constant"
    """How the learning rate falls after that, as a function of the step."""
    decay_from: int = 0
    """linear: the step at which the fall begins."""
    decay_floor: float = 0.0
    """cosine, linear: the factor that the rate ends with."""
    milestones: tuple[int, ...] = ()
    """multistep: the steps at which the rate is multiplied by `decay_factor`."""
    decay_factor: float = 0.1
    """multistep: the factor."""
    averaging: float = 0.999
    """Decay of the moving average of the weights, per step; smaller at the start (`schedules.averaging_decay`)."""
    precision: Precision = "float32"
    """bf16 and fp16 run the losses under autocast; fp16 scales the gradients as well. auto: bf16 where the hardware
    computes in it, else float32 (a CPU without such units is twenty times slower in bf16)."""
    compile: Compile = "never"
    """Compile the `forward` of every network, and of its direct parts, with torch.compile. auto: on a GPU, where the
    minutes that it takes come back."""
    log_every: int = 50
    """Steps between two rows of the log, which hold the means over these steps."""
    sheet_every: int = 500
    """Steps between two sample sheets; 0 draws one at the end only."""
    save_every: int = 1000
    """Steps between two checkpoints; 0 saves at the end only."""
    time_limit: float | None = None
    """Seconds after which the run saves and stops, to be resumed; None runs to the end."""

    def __post_init__(self) -> None:
        """Refuse values that make no sense with a `BadRequest`."""
        if self.steps < 1 or self.log_every < 1:
            raise BadRequest("steps and log_every must be at least 1")
        if min(self.warm_up, self.decay_from, self.sheet_every, self.save_every) < 0:
            raise BadRequest("warm_up, decay_from, sheet_every and save_every may not be negative")
        if not 0 <= self.averaging < 1:
            raise BadRequest(f"averaging must lie in [0, 1), not {self.averaging}")
        if self.time_limit is not None and self.time_limit <= 0:
            raise BadRequest("time_limit must be a positive number of seconds")

    def on(self, device: torch.device) -> "LoopConfig":
        """The same with every "auto" decided for a device."""
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


def computes_in_bf16(device: torch.device) -> bool:
    """Whether a device has units for bfloat16; on a CPU they make convolutions about twice as fast."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    units: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # an older PyTorch does not tell
    return device.type == "cpu" and any(units.get(name) for name in ("avx512_bf16", "amx_bf16"))

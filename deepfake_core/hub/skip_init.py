"""Skip the random initialisation of networks whose weights are loaded right afterwards."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

RANDOM = {
    "uniform_",
    "normal_",
    "trunc_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "xavier_uniform_",
    "orthogonal_",
}


class SkipInit(TorchFunctionMode):
    """Leaves tensors uninitialised: a constructor's random initialisation takes longer than reading the weights."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        tensor = args[0] if args else named.get("tensor")  # torch.nn.init passes keyword arguments
        if getattr(func, "__name__", "") in RANDOM and isinstance(tensor, Tensor):
            return tensor
        return func(*args, **named)

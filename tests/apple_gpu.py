"""A stand-in for an Apple GPU: tensors that say they are on `mps`, and refuse what it lacks in torch 2.8.

The values lie on the CPU. As on the real device, float64 is refused, values do not mix with those of the CPU, and
nothing but a copy to the CPU becomes a NumPy array.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

MPS = torch.device("mps")
WIDE = (torch.float64, torch.complex128)
LACKING = ("grid_sampler_3d", "reflection_pad3d", "_upsample_bicubic2d_aa", "linalg_eig", "linalg_svd", "_linalg_svd")
"""Operations without a kernel."""
MIXES = ("copy_", "index", "index_put_", "_to_copy", "to")
"""Operations whose arguments may be on both devices."""
ZEROS = 0
"""The padding mode of grid sampling that is supported."""
NUMBERS = (torch.Tensor.__float__, torch.Tensor.__int__, torch.Tensor.__bool__, torch.Tensor.item, torch.Tensor.tolist)
GUARDED = (
    *(torch.Tensor.__getitem__, torch.Tensor.__setitem__, torch.Tensor.contiguous, torch.Tensor.copy_),
    *NUMBERS,
)
"""Methods that ask for the device before they dispatch."""
_done: set[str] = set()


class OnGpu(torch.Tensor):
    """A tensor on the device; `held` are its values."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "OnGpu":
        if held.dtype in WIDE:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
        made: OnGpu = torch.Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), dtype=held.dtype, device=MPS, requires_grad=held.requires_grad
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        return _run(func, args, kwargs or {})


def _run(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    name = func._schema.name.partition("::")[2] if hasattr(func, "_schema") else "copy_"
    leaves = tree_leaves((args, kwargs))
    on_gpu = [leaf for leaf in leaves if isinstance(leaf, OnGpu)]
    named = next((leaf for leaf in leaves if isinstance(leaf, torch.device)), None)
    target = named or (MPS if on_gpu else torch.device("cpu"))
    if on_gpu:
        _check(name, leaves, args)
        _done.add(name)
    wrappers = {id(leaf.held): leaf for leaf in on_gpu}

    def unwrapped(leaf: Any) -> Any:
        if isinstance(leaf, OnGpu):
            return leaf.held
        return torch.device("cpu") if leaf == MPS and isinstance(leaf, torch.device) else leaf

    def wrapped(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor) or target.type != "mps":
            return leaf
        return wrappers[id(leaf)] if id(leaf) in wrappers else OnGpu(leaf)

    with torch.inference_mode(False), torch.no_grad():  # tensors of inference mode cannot be wrapped twice
        made = func(*tree_map(unwrapped, args), **tree_map(unwrapped, kwargs))
        return tree_map(wrapped, made)


def _check(name: str, leaves: list[Any], args: Any) -> None:
    """Refuse what the device does."""
    if name in LACKING:
        raise NotImplementedError(f"The operator 'aten::{name}' is not currently implemented for the MPS device")
    if name == "grid_sampler_2d" and args[3] != ZEROS:
        raise RuntimeError("MPS: Unsupported padding mode")
    if name in ("adaptive_avg_pool2d", "_adaptive_avg_pool2d"):
        sides = zip(args[0].shape[-2:], args[1], strict=True)
        if any(large % small for large, small in sides):
            raise RuntimeError("Adaptive pool MPS: input sizes must be divisible by output sizes.")
    if name.startswith("linalg_inv") and args[0].dtype != torch.float32:
        raise RuntimeError("linalg.inv: Expected float input")
    elsewhere = [
        leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and not isinstance(leaf, OnGpu) and leaf.dim()
    ]
    if elsewhere and name not in MIXES:
        raise RuntimeError(f"{name}: expected all tensors to be on mps, but found one on cpu")


class _Moves(TorchFunctionMode):
    """Sees calls that name the device, which a build of torch for other machines refuses."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.Tensor.new_tensor and isinstance(args[0], OnGpu):
            func, args, kwargs = torch.tensor, args[1:], {"dtype": args[0].dtype, **kwargs, "device": MPS}
        if func is torch.Tensor.to and isinstance(args[0], OnGpu):
            return _moved(args[0], *args[1:], **kwargs)
        if func in GUARDED and isinstance(args[0], OnGpu):
            return _run(func, args, kwargs)
        names = func in (torch.device, torch._C._nn._parse_to)
        if names or not any(_is_gpu(leaf) for leaf in tree_leaves((args, kwargs))):
            return func(*args, **kwargs)
        elsewhere = tree_map(lambda leaf: torch.device("cpu") if _is_gpu(leaf) else leaf, (args, kwargs))
        made = func(*elsewhere[0], **elsewhere[1])
        return tree_map(lambda leaf: OnGpu(leaf) if isinstance(leaf, torch.Tensor) else leaf, made)


def _moved(tensor: OnGpu, *how: Any, **options: Any) -> torch.Tensor:
    """`tensor.to(...)`, without the device's own implementation."""
    if how and isinstance(how[0], torch.Tensor):
        how = (how[0].device, how[0].dtype)
    device, dtype, _, layout = torch._C._nn._parse_to(*how, **options)
    held = tensor.held.to("cpu", dtype or tensor.dtype, memory_format=layout or torch.preserve_format)
    if device is not None and device.type == "cpu":
        return held
    return tensor if held is tensor.held else OnGpu(held)


def _is_gpu(leaf: Any) -> bool:
    return leaf == "mps" if isinstance(leaf, str) else isinstance(leaf, torch.device) and leaf.type == "mps"


@contextmanager
def apple_gpu() -> Iterator[set[str]]:
    """A machine with the device, for the block; the names of the operations that it carried out."""
    before = torch.backends.mps.is_available
    torch.backends.mps.is_available = wraps(before)(lambda: True)  # type: ignore[assignment]
    overwrites = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # parameters change their type
    try:
        _done.clear()
        with _Moves():
            yield _done
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(overwrites)
        torch.backends.mps.is_available = before

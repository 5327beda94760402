"""Runs a model on its device: in half precision where that is faster, and in batches that fit into memory."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor

from deepfake_core.device import choose_dtype
from deepfake_core.errors import NotEnoughMemory
from deepfake_core.settings import Precision
from deepfake_core.turns import NETWORKS

log = logging.getLogger(__name__)
FALLS_BACK = "will fall back to run on the CPU"
"""In torch's warning, once for each operation that Apple's GPUs lack: see `deepfake_core`."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class Runtime:
    """Precision and batch size of a model, with fallbacks that are reported in `notes`."""

    def __init__(self, device: torch.device, batch: int, precision: Precision = "auto") -> None:
        self.device, self.batch = device, batch
        dtype = choose_dtype(precision, device)
        self.half = None if dtype == torch.float32 else dtype
        """The dtype of autocast; None means float32 for all layers."""
        self._notes: list[str] = []
        """Fallbacks since the last call of `notes`."""

    @property
    def precision(self) -> str:
        """Such as float16."""
        return str(self.half or torch.float32).removeprefix("torch.")

    def notes(self) -> list[str]:
        """The fallbacks since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def __call__(self, run: Callable[[], Result]) -> Result:
        """The result of `run`, in float32 and without gradients, when it is this run's turn.

        If half precision gives non-finite numbers, `run` is repeated in float32, which is then used from now on.
        """
        with NETWORKS.released():
            pass  # the chance of others
        with NETWORKS.turn(), torch.inference_mode(), self._fallbacks_noted():
            with self.autocast():
                result = run()
            if self.half is None:
                return result
            result = in_float32(result)
            if all(torch.isfinite(tensor).all() for tensor in tensors_in(result)):
                return result
            self.note("Half precision overflowed; full precision is used from now on.")
            self.half = None
            return run()

    def parts(self, items: Sequence[Item], run: Callable[[Sequence[Item]], Result]) -> list[Result]:
        """Run on the items in batches. After an out-of-memory error the batch size is halved for good.

        Raises `NotEnoughMemory` if a single item does not fit.
        """
        results, start = [], 0
        while start < len(items):
            part = items[start : start + self.batch]
            try:
                results.append(self(lambda part=part: run(part)))  # type: ignore[misc]
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                self.halve(len(part), error)
                continue
            start += len(part)
        return results

    def halve(self, tried: int, error: RuntimeError) -> None:
        """Halve the batch size after a batch of `tried` items did not fit."""
        if tried == 1:
            raise NotEnoughMemory(
                f"out of memory on {self.device} with a batch size of 1; use smaller weights, or another device (cpu)"
            ) from error
        self.batch = tried // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.note(f"Out of memory on {self.device}; the batch size is now {self.batch}.")

    def note(self, note: str) -> None:
        log.warning(note)
        self._notes.append(note)

    @contextmanager
    def _fallbacks_noted(self) -> Iterator[None]:
        """Note that an operation runs on the CPU, because an Apple GPU lacks it."""
        if self.device.type != "mps":
            yield
            return
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        others = [one for one in caught if FALLS_BACK not in str(one.message)]
        if len(others) < len(caught):
            self.note("The GPU lacks an operation of this network, which runs on the CPU.")
        for one in others:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)

    def autocast(self) -> AbstractContextManager[None]:
        """Autocast to half precision, if it is enabled."""
        return nullcontext() if self.half is None else torch.autocast(self.device.type, dtype=self.half)


def in_float32(result: Any) -> Any:
    """A result with all its tensors in float32, in nested tuples, named tuples, lists and dictionaries."""
    if isinstance(result, Tensor):
        return result.float()
    if isinstance(result, dict):
        return {key: in_float32(part) for key, part in result.items()}
    if isinstance(result, tuple | list):
        parts = [in_float32(part) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return result


def tensors_in(result: Any) -> Iterator[Tensor]:
    """The tensors in a result, nested like in `in_float32`."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, dict | tuple | list):
        for part in result.values() if isinstance(result, dict) else result:
            yield from tensors_in(part)


def out_of_memory(error: RuntimeError) -> bool:
    """Whether it is an out-of-memory error: CUDA has an exception type, Apple's MPS only a message."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)

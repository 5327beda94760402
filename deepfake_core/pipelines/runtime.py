"""How a model computes on its device: in half precision where that pays, and in batches that fit its memory."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor

from deepfake_core.errors import NotEnoughMemory

log = logging.getLogger(__name__)
HALF = {"cuda": torch.float16, "mps": torch.float16}
"""Devices that gain by half precision; a CPU loses by it."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class Runtime:
    """Precision and batch of one model, which both shrink when they have to; `notes` says so."""

    def __init__(self, device: torch.device, batch: int, half: torch.dtype | None = None) -> None:
        self.device, self.batch = device, batch
        self.half = half or HALF.get(device.type)
        """What layers that can do with it compute in; None: all in float32."""
        self._notes: list[str] = []
        """What had to be changed since the last `notes`."""

    @property
    def precision(self) -> str:
        """Such as float16."""
        return str(self.half or torch.float32).removeprefix("torch.")

    def notes(self) -> list[str]:
        """What had to be changed since this was asked last."""
        notes, self._notes = self._notes, []
        return notes

    def __call__(self, run: Callable[[], Result]) -> Result:
        """What `run` returns, in float32 and without gradients.

        Where half precision gives numbers that are none, `run` is called again without it, now and from then on.
        """
        with torch.inference_mode():
            with self.autocast():
                result = run()
            if self.half is None:
                return result
            result = in_float32(result)
            if all(torch.isfinite(tensor).all() for tensor in tensors_in(result)):
                return result
            self.note("Half precision overflowed here, so everything is computed in full precision now.")
            self.half = None
            return run()

    def parts(self, items: Sequence[Item], run: Callable[[Sequence[Item]], Result]) -> list[Result]:
        """`run` on the items in batches; where memory runs out, the batch is halved for good and goes on.

        Raises `NotEnoughMemory` when a single one does not fit.
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
        """Take half of the batch that did not fit."""
        if tried == 1:
            raise NotEnoughMemory(
                f"the memory of {self.device} is too small for this; use smaller weights, or another device (cpu)"
            ) from error
        self.batch = tried // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.note(f"Out of memory on {self.device}; the batch size is now {self.batch}.")

    def note(self, note: str) -> None:
        log.warning(note)
        self._notes.append(note)

    def autocast(self) -> AbstractContextManager[None]:
        """Half precision for the layers that can do with it."""
        return nullcontext() if self.half is None else torch.autocast(self.device.type, dtype=self.half)


def in_float32(result: Any) -> Any:
    """A result with all its tensors in float32, be they in tuples, named or not, in lists or in tables."""
    if isinstance(result, Tensor):
        return result.float()
    if isinstance(result, dict):
        return {key: in_float32(part) for key, part in result.items()}
    if isinstance(result, tuple | list):
        parts = [in_float32(part) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return result


def tensors_in(result: Any) -> Iterator[Tensor]:
    """The tensors of a result, wherever `in_float32` finds them."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, dict | tuple | list):
        for part in result.values() if isinstance(result, dict) else result:
            yield from tensors_in(part)


def out_of_memory(error: RuntimeError) -> bool:
    """Whether a device's memory ran out: CUDA has a type for it, Apple's MPS a sentence."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)

"""Half precision with its fallback, and batches that shrink when a device runs out of memory."""

import os
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from deepfake_core.errors import NotEnoughMemory
from deepfake_core.pipelines.runtime import Runtime

CPU = torch.device("cpu")


class Pair(NamedTuple):
    first: Tensor
    others: dict[int, Tensor]


def test_full_precision_without_gradients() -> None:
    runtime = Runtime(CPU, 4, precision="float32")
    made = runtime(lambda: torch.ones(2, requires_grad=True) * 2)
    assert runtime.precision == "float32" and not made.requires_grad


def test_half_precision_is_used_inside_and_float32_comes_out() -> None:
    runtime, seen = Runtime(CPU, 4, precision="bfloat16"), list[torch.dtype]()

    def run() -> Pair:
        product = torch.rand(8, 8) @ torch.rand(8, 8)
        seen.append(product.dtype)
        return Pair(product, {3: product})

    made = runtime(run)
    assert seen == [torch.bfloat16] and made.first.dtype == made.others[3].dtype == torch.float32
    assert runtime.precision == "bfloat16" and not runtime.notes()


def test_an_overflow_leads_back_to_full_precision_for_good() -> None:
    runtime, large = Runtime(CPU, 4, precision="float16"), torch.full((2, 2), 400.0)
    for _ in range(2):
        torch.testing.assert_close(runtime(lambda: large @ large), torch.full((2, 2), 320_000.0))
    assert runtime.precision == "float32"
    (note,) = runtime.notes()
    assert "full precision" in note and not runtime.notes()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("MPS out of memory")])
def test_when_memory_runs_out_the_batch_is_halved_and_nothing_is_lost(error: RuntimeError) -> None:
    runtime, sizes = Runtime(CPU, 8), list[int]()

    def run(part: Sequence[int]) -> Tensor:
        sizes.append(len(part))
        if len(part) > 3:
            raise error
        return torch.tensor(part)

    assert torch.cat(runtime.parts(range(11), run)).tolist() == list(range(11))
    assert sizes == [8, 4, 2, 2, 2, 2, 2, 1] and runtime.batch == 2
    assert [note for note in runtime.notes() if "is now 2" in note]


def test_what_does_not_even_fit_alone_says_so_and_other_errors_pass() -> None:
    def full(part: Sequence[int]) -> Tensor:
        raise torch.OutOfMemoryError("out of memory")

    def broken(part: Sequence[int]) -> Tensor:
        raise RuntimeError("a bug")

    with pytest.raises(NotEnoughMemory, match="smaller weights"):
        Runtime(CPU, 2).parts([1, 2], full)
    with pytest.raises(RuntimeError, match="a bug"):
        Runtime(CPU, 2).parts([1, 2], broken)


def test_an_operation_that_an_apple_gpu_lacks_is_noted_once_and_other_warnings_go_on() -> None:
    runtime = Runtime(CPU, 4)
    runtime.device = torch.device("mps")

    def run() -> Tensor:
        warnings.warn("The operator 'aten::x' is not supported and will fall back to run on the CPU.", stacklevel=1)
        warnings.warn("The operator 'aten::y' is not supported and will fall back to run on the CPU.", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
        return torch.ones(1)

    with pytest.warns(UserWarning, match="something else") as warned:
        runtime(run)
    assert len(warned) == 1
    assert runtime.notes() == ["The GPU lacks an operation of this network, which runs on the CPU."]
    assert os.environ["PYTORCH_ENABLE_MPS_FALLBACK"] == "1", "torch runs such an operation on the CPU"

"""Where networks compute, and in which precision."""

from typing import Any

import pytest
import torch

from deepfake_core.device import choose_device, choose_dtype
from deepfake_core.errors import BadRequest

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("units", "dtype"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True, "avx512_bf16": False}, torch.bfloat16),
        ({"avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_the_fastest_precision(monkeypatch: pytest.MonkeyPatch, units: dict[str, Any], dtype: torch.dtype) -> None:
    monkeypatch.delenv("DEEPFAKE_PRECISION", raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units, raising=False)
    assert choose_dtype("auto", CPU) == dtype
    assert choose_dtype("auto", GPU) == choose_dtype("auto", torch.device("mps")) == torch.float16


def test_a_precision_that_is_named_is_used_and_the_operator_decides_what_auto_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEEPFAKE_PRECISION", "float32")
    assert choose_dtype("auto", GPU) == choose_dtype("float32", GPU) == torch.float32
    assert choose_dtype("bfloat16", CPU) == torch.bfloat16
    with pytest.raises(BadRequest, match="unknown precision 'int8'; choose one of auto, float32"):
        choose_dtype("int8", CPU)
    monkeypatch.setenv("DEEPFAKE_PRECISION", "half")
    with pytest.raises(BadRequest, match="DEEPFAKE_PRECISION must be one of auto, float32, bfloat16, float16"):
        choose_dtype("auto", CPU)


def test_an_unknown_or_missing_device_is_told() -> None:
    for name in ("tpu", "mps" if not torch.backends.mps.is_available() else "tpu"):
        with pytest.raises(BadRequest, match="choose"):
            choose_device(name)

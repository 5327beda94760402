"""Shared pieces of the loop's tests."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.train.toy import ToyRecipe


@pytest.fixture
def without_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make TensorBoard impossible to import, as on a bare GPU machine; the tests also start sooner."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


def toy(**fields: Any) -> ToyRecipe:
    """Build the toy recipe with the same first weights every time."""
    torch.manual_seed(7)
    return ToyRecipe(**fields)


def tensors(tree: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Walk through nested containers and yield every tensor, and every number as one, with its path."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from tensors(value, f"{path}/{key}")
    elif isinstance(tree, list | tuple):
        for index, value in enumerate(tree):
            yield from tensors(value, f"{path}/{index}")
    elif isinstance(tree, Tensor):
        yield path, tree
    elif isinstance(tree, int | float):
        yield path, torch.tensor(tree, dtype=torch.float64)

"""Shared pieces of the loop's tests."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.train.toy import ToyRecipe
from train.loop.config import LoopConfig
from train.loop.loop import Finished, Progress, fit
from train.loop.recipe import Recipe


@pytest.fixture
def without_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make TensorBoard impossible to import, as on a bare GPU machine; the tests also start sooner."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


def toy(**fields: Any) -> ToyRecipe:
    """Build the toy recipe with the same first weights every time."""
    torch.manual_seed(7)
    return ToyRecipe(**fields)


def run(recipe: Recipe, config: LoopConfig, out: Path, resume: bool = False) -> list[Progress | Finished]:
    """Train to the end and return all events."""
    return list(fit(recipe, config, out, resume))


def tensors(tree: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of nested containers, and every number as a tensor, with its path."""
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

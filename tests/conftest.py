"""What all tests share: the same numbers on every run, and where the stored reference outputs lie."""

import os
from pathlib import Path

import pytest
import torch


def pytest_configure() -> None:
    """Hold sums to one order: a fixed number of threads, no tuned or shortened arithmetic on a GPU."""
    torch.set_num_threads(min(4, os.cpu_count() or 1))
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Start every test from one state, because networks draw their first weights from torch's own generator."""
    torch.manual_seed(0)


@pytest.fixture
def rng() -> torch.Generator:
    """A generator on the CPU, the same for every test."""
    return torch.Generator().manual_seed(20_190_531)


@pytest.fixture(scope="session")
def goldens() -> Path:
    """The folder of outputs that the authors' own code gave for weights and inputs which a recipe makes again."""
    return Path(__file__).parent / "data"

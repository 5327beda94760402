"""What all tests share: the same numbers on every run, and where the stored reference outputs lie."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch


def pytest_configure() -> None:
    """Hold sums to one order: a fixed number of threads, no tuned or shortened arithmetic on a GPU."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    torch.set_num_threads(min(4, os.cpu_count() or 1) if alone else 1)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


SLOW = ("robustness", "security", "benchmarks")
"""Folders of fuzzing, attacks and benchmark machinery: all of their tests are slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in the slow folders; single slow tests elsewhere are marked where they stand."""
    folder = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(folder) and item.path.relative_to(folder).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _keys_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Sign with keys that are made for the tests, in them and in every process that they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


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

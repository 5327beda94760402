"""Heads and states that several tests draw."""

import pytest
import torch

from deepfake_core.synthetic.heads import (
    HeadIdentity,
    HeadState,
    sample_identity,
    sample_state,
)
from tests.synthetic.heads.people import COUNT


@pytest.fixture(scope="module")
def people() -> HeadIdentity:
    return sample_identity(COUNT, torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def states() -> HeadState:
    return sample_state(COUNT, torch.Generator().manual_seed(6))

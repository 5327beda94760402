"""Fields that several tests draw."""

import pytest
import torch

from deepfake_core.synthetic.fields import Field, FieldDrawing, draw, sample_field
from deepfake_core.synthetic.fields import drawing as drawing
from tests.synthetic.fields.herds import COUNT, HORSE, SIZE, ZEBRA


@pytest.fixture(scope="module")
def fields() -> Field:
    return sample_field(COUNT, torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def horses(fields: Field) -> FieldDrawing:
    return draw(fields, torch.full((COUNT,), HORSE), SIZE)


@pytest.fixture(scope="module")
def zebras(fields: Field) -> FieldDrawing:
    return draw(fields, torch.full((COUNT,), ZEBRA), SIZE)


@pytest.fixture(scope="module")
def alone() -> Field:
    """One animal from the side with its head up, four times."""
    field = sample_field(1, torch.Generator().manual_seed(8)).pick(torch.zeros(4, dtype=torch.long))
    one, zero = torch.ones(4, 2), torch.zeros(4, 2)
    place = torch.tensor((-0.2, 0.75)).expand(4, 2, 2)
    return field._replace(
        present=torch.tensor((1.0, 0.0)).expand(4, 2), facing=one, turn=zero, graze=zero, stride=zero, scale=one,
        place=place,
    )  # fmt: skip

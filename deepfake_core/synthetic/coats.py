"""Where drawings show hair or fur: the pixels that change when it is drawn in quite another colour."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.synthetic.animals import AnimalIdentity
from deepfake_core.synthetic.identity import HAIR_GROUPS, HeadIdentity

LEAST_CHANGE = 20 / 255  # of a pixel, on average over its channels
LEAST_COAT = 0.01  # of a picture: with less hair or fur its mean colour says little


def other_hair(identity: HeadIdentity) -> HeadIdentity:
    """Dark hair turns blond, all other hair black."""
    black, blond, brown = (HAIR_GROUPS.index(name) for name in ("black", "blond", "brown"))
    dark = (identity.hair_group == black) | (identity.hair_group == brown)
    return identity._replace(hair_group=torch.where(dark, blond, torch.full_like(identity.hair_group, black)))


def other_fur(identity: AnimalIdentity) -> AnimalIdentity:
    """Dark fur turns light, light fur dark."""
    return identity._replace(base=(identity.base + 0.5) % 1)


def coat_of(image: Float[Tensor, "b 3 h w"], recoloured: Float[Tensor, "b 3 h w"]) -> Bool[Tensor, "b h w"]:
    """Where two drawings in [0, 1] differ that are alike but for the colour of hair or fur."""
    return (image - recoloured).abs().mean(dim=1) > LEAST_CHANGE

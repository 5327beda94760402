"""Looks can be changed one at a time: attributes, and the scene of another."""

import torch

from deepfake_core.synthetic.heads import (
    ATTRIBUTES,
    HeadIdentity,
    HeadState,
    draw,
    neutral_state,
    sample_identity,
    with_attributes,
    with_scene_of,
)
from deepfake_core.synthetic.heads.identity import HAIR_GROUPS
from tests.synthetic.heads.people import COUNT, SIZE


def test_attributes_are_what_is_drawn(people: HeadIdentity) -> None:
    calm = neutral_state(COUNT)
    before = draw(people, calm, SIZE)
    for i, name in enumerate(("black", "blond", "brown")):
        wanted = torch.zeros(COUNT, 5)
        wanted[:, i], wanted[:, 3:] = 1, before.attributes[:, 3:]
        changed = with_attributes(people, wanted)
        assert (changed.hair_group == HAIR_GROUPS.index(name)).all()
        drawing = draw(changed, calm, SIZE)
        haired = drawing.attributes[:, :3].sum(1) > 0
        assert torch.equal(drawing.attributes[haired], wanted[haired])
        corner = drawing.image[:, :, :3, :3]
        assert torch.equal(corner, before.image[:, :, :3, :3])  # the world around stays
    assert len(ATTRIBUTES) == 5
    dark, fair = (with_attributes(people, torch.eye(5)[i].expand(COUNT, 5)).hair_colour.mean(1) for i in (0, 1))
    assert (fair > 3 * dark).all()


def test_a_borrowed_scene_is_the_others_and_the_head_stays(people: HeadIdentity, states: HeadState) -> None:
    hosts = sample_identity(COUNT, torch.Generator().manual_seed(8))
    guests = with_scene_of(people, hosts)
    before, made, theirs = (draw(who, states, SIZE) for who in (people, guests, hosts))
    corner = (slice(None), slice(None), slice(3), slice(3))
    assert torch.equal(made.image[corner], theirs.image[corner])
    assert not torch.equal(made.image[corner], before.image[corner])
    assert torch.equal(made.mask, before.mask)
    assert all(torch.equal(one, other) for one, other in zip(with_scene_of(guests, people), people, strict=True))

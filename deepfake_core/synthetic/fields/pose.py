"""From poses to joints in the image, and to limbs with their coordinates on the body."""

from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.fields.parameters import Animal
from deepfake_core.synthetic.fields.skeleton import BONES, HIND_WIDE, JOINTS, PARTS

HIGH = 0.12  # radians by which the viewer looks down on the ground
TAU = 6.2832
FOOTFALL = {"near hind": 0.0, "near fore": 0.25, "far hind": 0.5, "far fore": 0.75}  # of one stride, as horses walk
# How far each bone turns between head up and muzzle in the grass, radians.
_GRAZE = {"neck low": -1.28, "neck": -0.53, "neck high": -0.20, "head": 1.26}
_LEG_BONES = {
    "fore": ("arm", "fore cannon", "fore foot"),
    "hind": ("thigh", "shank", "hind cannon", "hind foot"),
}
ELBOW = 0.60  # animal units above the ground
HOOVES = tuple(f"{leg} toe" for leg in FOOTFALL)


class Figure(NamedTuple):
    """Posed animals as the viewer sees them, facing right: animal units, y up."""

    joints: Float[Tensor, "b j 2"]
    radius: Float[Tensor, "b j"]


class Limbs(NamedTuple):
    """k limbs of a part. `table` gives for a point (x, y, 1) the share along each limb and the distance beside it."""

    table: Float[Tensor, "b k2 3"]
    length: Float[Tensor, "b k"]  # in the picture
    radius: Float[Tensor, "b k 2"]  # at the start, and how much it grows to the end
    along: Float[Tensor, "b k 2"]  # unit vector in the picture
    start: Float[Tensor, "k 2"]  # rest frame
    rest: Float[Tensor, "k 2"]  # unit vector in the rest frame
    rest_length: Float[Tensor, "k"]

    def pick(self, index: slice) -> "Limbs":
        """The limbs of the animals at the given indices of the batch."""
        return self._replace(**{name: getattr(self, name)[index] for name in ("table", "length", "radius", "along")})


def pose(animal: Animal) -> Figure:
    """Rotate the bones, place the feet on the ground, and project to the view of the animal."""
    bone, rest, depth, radius, trunk = _tables(animal.coat.device)
    pivots, angles = _skeleton(animal)
    names = list(BONES)
    origin = rest.new_tensor([BONES[name][1:] for name in names])
    pivot = torch.stack([pivots[name] for name in names], 1)  # (b, bones, 2)
    angle = torch.stack([angles[name] for name in names], 1)
    joints = pivot[:, bone] + _turned(rest - origin[bone], angle[:, bone])
    joints = _on_the_ground(joints, animal)
    sine, cosine = animal.turn.sin()[:, None], animal.turn.cos()[:, None]
    x, y = joints.unbind(-1)
    seen = torch.stack((x * cosine - depth * sine, y - HIGH * (x * sine + depth * cosine)), -1)
    return Figure(seen, radius * (1 + trunk * (animal.girth[:, None] - 1)))


def height_over_ground(animal: Animal, points: Float[Tensor, "b 3 n"], side: float) -> Float[Tensor, "b n"]:
    """How high above the ground a leg's points are, of the near (1) or far (-1) side."""
    ahead = points[:, 0] * animal.turn.tan()[:, None]
    return points[:, 1] + HIGH * (ahead + side * HIND_WIDE * animal.turn.cos()[:, None])


def limbs(figure: Figure, part: str) -> Limbs:
    """The limbs of one of PARTS."""
    first, last, start, rest, rest_length = _limb_table(part, figure.joints.device)
    a, b = figure.joints[:, first], figure.joints[:, last]
    arm = b - a
    length = arm.norm(dim=-1).clamp_min(1e-3)
    along = arm / length[..., None]
    beside = torch.stack((-along[..., 1], along[..., 0]), -1)
    share = torch.cat((along, -(along * a).sum(-1, keepdim=True)), -1) / length[..., None]
    apart = torch.cat((beside, -(beside * a).sum(-1, keepdim=True)), -1)
    thick, thin = figure.radius[:, first], figure.radius[:, last]
    return Limbs(
        torch.cat((share, apart), 1), length, torch.stack((thick, thin - thick), -1), along, start, rest, rest_length
    )


def _skeleton(animal: Animal) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Every bone's pivot (b, 2) and angle (b,), counter-clockwise."""
    bend = _bends(animal)
    pivots: dict[str, Tensor] = {}
    angles: dict[str, Tensor] = {}
    for name, (parent, x, y) in BONES.items():
        here = animal.coat.new_tensor((x, y)).expand(len(animal.turn), 2)
        if not parent:
            pivots[name], angles[name] = here, torch.zeros_like(animal.turn)
            continue
        arm = here[:1] - here.new_tensor(BONES[parent][1:])
        pivots[name] = pivots[parent] + _turned(arm, angles[parent][:, None])[:, 0]
        angles[name] = bend[name] + (0 if name.endswith("foot") else angles[parent])  # a hoof stays flat
    return pivots, angles


def _bends(animal: Animal) -> dict[str, Tensor]:
    """The rotation of each bone relative to its parent; for feet, relative to the ground."""
    bend = {name: turn * animal.graze for name, turn in _GRAZE.items()}
    bend |= {"tail": animal.tail, "tail middle": -0.5 * animal.tail, "tail end": -0.3 * animal.tail}
    for leg, fall in FOOTFALL.items():
        side, _ = leg.split()
        turn = TAU * (animal.gait + fall)
        swing, lift = 0.50 * animal.stride * turn.sin(), animal.stride * turn.cos().clamp_min(0)
        if "fore" in leg:
            bend |= {f"{side} arm": swing + 0.18 * lift, f"{side} fore cannon": -0.85 * lift}
        else:
            bend |= {f"{side} thigh": 0.8 * swing + 0.2 * lift, f"{side} shank": -0.45 * lift}
            bend |= {f"{side} hind cannon": 0.40 * lift - 0.15 * swing}
        bend[f"{leg} foot"] = -0.75 * lift
    return bend


def _on_the_ground(joints: Float[Tensor, "b j 2"], animal: Animal) -> Float[Tensor, "b j 2"]:
    """Stretch each leg below ELBOW, so that its hoof stands on the ground or hangs as high as its stride lifts it."""
    names = list(JOINTS)
    x, y = joints.unbind(-1)
    y = y.clone()
    for leg, fall in FOOTFALL.items():
        side, kind = leg.split()
        bones = {f"{side} {bone}" for bone in _LEG_BONES[kind]}
        members = [i for i, (bone, *_) in enumerate(JOINTS.values()) if bone in bones]
        lift = 0.09 * animal.stride * (TAU * (animal.gait + fall)).cos().clamp_min(0)
        goal = JOINTS[f"{leg} toe"][2] + lift
        stretch = ((ELBOW - goal) / (ELBOW - y[:, names.index(f"{leg} toe")]))[:, None]
        part = y[:, members]
        y[:, members] = torch.where(part < ELBOW, ELBOW - (ELBOW - part) * stretch, part)
    return torch.stack((x, y), -1)


def _turned(arm: Float[Tensor, "*#b 2"], angle: Float[Tensor, "*b"]) -> Float[Tensor, "*b 2"]:
    """Vectors turned counter-clockwise."""
    sine, cosine = angle.sin(), angle.cos()
    x, y = arm.unbind(-1)
    return torch.stack((x * cosine - y * sine, x * sine + y * cosine), -1)


@lru_cache(maxsize=8)
def _tables(device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Of every joint: bone, rest position, depth, radius, and whether girth changes it."""
    bones = list(BONES)
    rows = list(JOINTS.values())
    return (
        torch.tensor([bones.index(row[0]) for row in rows], device=device),
        torch.tensor([row[1:3] for row in rows], device=device),
        torch.tensor([row[3] for row in rows], device=device),
        torch.tensor([row[4] for row in rows], device=device),
        torch.tensor([float(row[0] in ("trunk", "neck low", "neck")) for row in rows], device=device),
    )


@lru_cache(maxsize=32)
def _limb_table(part: str, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Of every limb of a part: its joints, and at rest its start, its direction and its length."""
    names = list(JOINTS)
    first, last = (torch.tensor([names.index(pair[end]) for pair in PARTS[part]], device=device) for end in (0, 1))
    rest = _tables(device)[1]
    arm = rest[last] - rest[first]
    length = arm.norm(dim=-1)
    return first, last, rest[first], arm / length[:, None], length

"""The identity of a drawn head: its appearance, which does not change with its state.

The attributes that StarGAN edits (hair colour, male, young) are inputs of the drawing: after a change by
`with_attributes`, it shows the same head, light and background with only this attribute changed.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepfake_core.synthetic.heads.hairstyles import BALD, HAIRSTYLES, HAT_STYLES, LONG_STYLES
from deepfake_core.synthetic.heads.headwear import HATS
from deepfake_core.synthetic.render.backgrounds import BACKGROUNDS
from deepfake_core.synthetic.render.sampling import Dice

ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
HAIR_GROUPS = ("black", "blond", "brown", "red", "grey")
BEARDS = ("none", "stubble", "full", "moustache", "goatee")
GLASSES = ("none", "round", "square")
SHIRTS = ("plain", "stripes", "collar", "v-neck", "dots", "plaid")

HAT_CHANCE = 0.27  # among heads whose hair fits under one

_SKINS = (
    (0.98, 0.82, 0.70), (0.95, 0.75, 0.60), (0.88, 0.66, 0.49), (0.76, 0.54, 0.38), (0.60, 0.40, 0.28),
    (0.44, 0.29, 0.21),
)  # fmt: skip
_HAIRS = ((0.115, 0.095, 0.10), (0.90, 0.70, 0.36), (0.37, 0.215, 0.12), (0.70, 0.27, 0.11), (0.66, 0.66, 0.68))
_EYES = (
    (0.33, 0.56, 0.78), (0.36, 0.55, 0.33), (0.42, 0.26, 0.13), (0.26, 0.16, 0.09), (0.50, 0.42, 0.22),
    (0.47, 0.55, 0.60),
)  # fmt: skip
_FRAMES = ((0.12, 0.11, 0.12), (0.30, 0.17, 0.10), (0.55, 0.15, 0.15), (0.20, 0.25, 0.40))
_LIGHTS = ((1.0, 0.97, 0.92), (1.0, 0.93, 0.84), (0.95, 0.97, 1.0))
_CLOTHS = (
    (0.80, 0.27, 0.24), (0.93, 0.68, 0.25), (0.30, 0.55, 0.44), (0.23, 0.40, 0.62), (0.45, 0.33, 0.56),
    (0.93, 0.90, 0.84), (0.22, 0.24, 0.30), (0.88, 0.52, 0.50), (0.40, 0.66, 0.72), (0.64, 0.56, 0.80),
    (0.66, 0.72, 0.50), (0.76, 0.90, 0.86),
)  # fmt: skip
_WALLS = (
    (0.93, 0.86, 0.76), (0.72, 0.81, 0.84), (0.83, 0.76, 0.86), (0.56, 0.66, 0.60), (0.90, 0.73, 0.63),
    (0.38, 0.45, 0.56), (0.62, 0.52, 0.46), (0.79, 0.84, 0.70), (0.97, 0.91, 0.72), (0.33, 0.38, 0.36),
    (0.76, 0.60, 0.58), (0.55, 0.60, 0.72),
)  # fmt: skip


class HeadIdentity(NamedTuple):
    """Looks of b heads. Ratios are 1 on average, colours in [0, 1], `b` counts the heads."""

    skin: Float[Tensor, "b 3"]
    male: Float[Tensor, "b"]  # 0 or 1
    young: Float[Tensor, "b"]  # 0 or 1
    face_width: Float[Tensor, "b"]
    jaw_width: Float[Tensor, "b"]
    chin_length: Float[Tensor, "b"]
    cheek: Float[Tensor, "b"]
    nose_size: Float[Tensor, "b"]
    nose_length: Float[Tensor, "b"]
    ear_size: Float[Tensor, "b"]
    eye_size: Float[Tensor, "b"]
    eye_spacing: Float[Tensor, "b"]
    eye_tilt: Float[Tensor, "b"]  # -1 .. 1, + lifts the outer corners
    brow_thickness: Float[Tensor, "b"]
    brow_arch: Float[Tensor, "b"]  # -1 .. 1
    mouth_width: Float[Tensor, "b"]
    lip_fullness: Float[Tensor, "b"]
    lip_colour: Float[Tensor, "b 3"]
    blush: Float[Tensor, "b"]  # 0 .. 1
    freckles: Float[Tensor, "b"]  # 0 .. 1
    eye_colour: Float[Tensor, "b 3"]
    hair_style: Int[Tensor, "b"]  # index into HAIRSTYLES
    hair_group: Int[Tensor, "b"]  # index into HAIR_GROUPS
    hair_tone: Float[Tensor, "b"]  # -1 .. 1, dark to light within the group
    hair_volume: Float[Tensor, "b"]
    hair_side: Float[Tensor, "b"]  # -1 or 1: the side of the parting
    hair_phase: Float[Tensor, "b"]  # 0 .. 1: which strands
    beard: Int[Tensor, "b"]  # index into BEARDS; shows on men only
    glasses: Int[Tensor, "b"]  # index into GLASSES
    glasses_colour: Float[Tensor, "b 3"]
    hat: Int[Tensor, "b"]  # index into HATS; drawn for HAT_STYLES only
    hat_colour: Float[Tensor, "b 3"]
    scarf: Float[Tensor, "b"]  # 0 or 1
    scarf_colour: Float[Tensor, "b 2 3"]
    shirt: Int[Tensor, "b"]  # index into SHIRTS
    shirt_colour: Float[Tensor, "b 2 3"]
    background: Int[Tensor, "b"]  # index into BACKGROUNDS
    background_colour: Float[Tensor, "b 3 3"]
    background_phase: Float[Tensor, "b 4"]  # 0 .. 1
    light: Float[Tensor, "b 3"]  # unit vector from the head to the light, world frame
    light_colour: Float[Tensor, "b 3"]

    def pick(self, index: slice | Tensor) -> "HeadIdentity":
        """The identities at the given indices of the batch."""
        return HeadIdentity(*(field[index] for field in self))

    @property
    def hair_colour(self) -> Float[Tensor, "b 3"]:
        """Colour of group and tone; age adds grey without changing the group."""
        base = torch.tensor(_HAIRS, device=self.skin.device)[self.hair_group]
        toned = base * (1 + 0.16 * self.hair_tone[:, None])
        return torch.lerp(toned, torch.full_like(toned, 0.62), 0.14 * (1 - self.young)[:, None])

    @property
    def crown_colour(self) -> Float[Tensor, "b 3"]:
        """Colour of the hair, or of the skin of a bald head."""
        return torch.where((self.hair_style == BALD)[:, None], self.skin, self.hair_colour)

    @property
    def attributes(self) -> Float[Tensor, "b 5"]:
        """0 or 1 for each of ATTRIBUTES; a bald head has no hair colour."""
        named = self.hair_group[:, None] == torch.arange(3, device=self.skin.device)
        hair = named & (self.hair_style != BALD)[:, None]
        return torch.cat((hair.float(), self.male[:, None], self.young[:, None]), 1)


def with_attributes(identity: HeadIdentity, attributes: Float[Tensor, "b 5"]) -> HeadIdentity:
    """The same heads with other attributes; a row without a hair colour makes black, blond and brown hair grey."""
    wanted, named = attributes[:, :3].argmax(1), attributes[:, :3].sum(1) > 0.5
    unnamed = torch.where(identity.hair_group < 3, HAIR_GROUPS.index("grey"), identity.hair_group)
    group = torch.where(named, wanted, unnamed)
    return identity._replace(hair_group=group, male=attributes[:, 3], young=attributes[:, 4])


def with_scene_of(identity: HeadIdentity, other: HeadIdentity) -> HeadIdentity:
    """The same heads with the background and light of `other`."""
    scene = ("background", "background_colour", "background_phase", "light", "light_colour")
    return identity._replace(**{name: getattr(other, name) for name in scene})


def _hats(dice: Dice, hair_style: Int[Tensor, "b"]) -> Int[Tensor, "b"]:
    """A hat for heads whose hair fits under it; about 18% of all heads get one."""
    fits = torch.tensor([name in HAT_STYLES for name in HAIRSTYLES], device=hair_style.device)[hair_style]
    worn = (dice.uniform() < HAT_CHANCE) & fits
    kind = 1 + dice.choice((1.0,) * (len(HATS) - 1))
    return torch.where(worn, kind, torch.zeros_like(kind))


def sample_identity(count: int, generator: torch.Generator, device: torch.device | str = "cpu") -> HeadIdentity:
    """Draw random heads; sex and age affect the frequencies of hairstyles, beards and other features."""
    dice = Dice(count, generator, device)
    male, young = (dice.uniform() < 0.5).float(), (dice.uniform() < 0.7).float()
    skin = dice.colour(_SKINS, 0.04)
    lips = skin * torch.tensor((0.90, 0.62, 0.62), device=skin.device)
    lips = torch.lerp(lips, lips.new_tensor((0.80, 0.24, 0.28)), dice.uniform(0.1, 0.5, 1))
    short = torch.tensor([0.25 if name in LONG_STYLES else 1.0 for name in HAIRSTYLES])
    long = torch.tensor([1.0 if name in LONG_STYLES else 0.3 for name in HAIRSTYLES])
    short[BALD], long[BALD] = 0.5, 0.0
    hair_style = torch.where(male > 0.5, dice.choice(tuple(short.tolist())), dice.choice(tuple(long.tolist())))
    old_hair, young_hair = dice.choice((0.2, 0.2, 0.2, 0.05, 0.35)), dice.choice((0.29, 0.29, 0.29, 0.11, 0.02))
    azimuth, height = dice.uniform(-1.0, 1.0), dice.uniform(0.25, 0.8)
    light = torch.stack((azimuth.sin(), height, azimuth.cos()), 1)
    return HeadIdentity(
        skin=skin, male=male, young=young,
        face_width=dice.ratio(0.045), jaw_width=dice.ratio(0.08), chin_length=dice.ratio(0.05), cheek=dice.ratio(0.08),
        nose_size=dice.ratio(0.11), nose_length=dice.ratio(0.08), ear_size=dice.ratio(0.12),
        eye_size=dice.ratio(0.06), eye_spacing=dice.ratio(0.03), eye_tilt=dice.uniform(-1.0, 1.0),
        brow_thickness=dice.ratio(0.15), brow_arch=dice.uniform(-1.0, 1.0),
        mouth_width=dice.ratio(0.07), lip_fullness=dice.ratio(0.15), lip_colour=lips.clamp(0, 1),
        blush=dice.uniform(), freckles=(dice.uniform() - 0.75).clamp_min(0) * 4, eye_colour=dice.colour(_EYES, 0.1),
        hair_style=hair_style, hair_group=torch.where(young > 0.5, young_hair, old_hair),
        hair_tone=dice.uniform(-1.0, 1.0), hair_volume=dice.ratio(0.02),
        hair_side=torch.where(dice.uniform() < 0.5, -1.0, 1.0), hair_phase=dice.uniform(),
        beard=dice.choice((0.45, 0.2, 0.15, 0.1, 0.1)), glasses=dice.choice((0.75, 0.13, 0.12)),
        glasses_colour=dice.colour(_FRAMES, 0.1),
        hat=_hats(dice, hair_style), hat_colour=dice.colour(_CLOTHS, 0.08),
        scarf=(dice.uniform() < 0.12).float(), scarf_colour=dice.colour(_CLOTHS, 0.08, 2),
        shirt=dice.choice((1.0,) * len(SHIRTS)), shirt_colour=dice.colour(_CLOTHS, 0.06, 2),
        background=dice.choice((1.0,) * len(BACKGROUNDS)), background_colour=dice.colour(_WALLS, 0.06, 3),
        background_phase=dice.uniform(0.0, 1.0, 4),
        light=light / light.norm(dim=1, keepdim=True),
        light_colour=dice.colour(_LIGHTS, 0.02),
    )  # fmt: skip


def other_hair(identity: HeadIdentity) -> HeadIdentity:
    """The same heads with blond instead of dark hair, and black instead of all other hair."""
    black, blond, brown = (HAIR_GROUPS.index(name) for name in ("black", "blond", "brown"))
    dark = (identity.hair_group == black) | (identity.hair_group == brown)
    return identity._replace(hair_group=torch.where(dark, blond, torch.full_like(identity.hair_group, black)))

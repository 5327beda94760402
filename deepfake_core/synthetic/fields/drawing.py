"""Draw fields from back to front: the land, the farther animal, then the nearer one."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import max_pool2d

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.fields.coat import (
    paint_coat,
    paint_crest,
    paint_dock,
    paint_face,
    paint_hair,
    paint_muscles,
    strands,
)
from deepfake_core.synthetic.fields.landscape import paint_landscape
from deepfake_core.synthetic.fields.parameters import HERD, Animal, Field
from deepfake_core.synthetic.fields.pose import HOOVES, Limbs, height_over_ground, limbs, pose
from deepfake_core.synthetic.fields.skeleton import HORSE_ONLY, JOINTS, PARTS, ZEBRA_ONLY
from deepfake_core.synthetic.fields.solid import reach, see
from deepfake_core.synthetic.render.brushes import Colour, bump, light_up

BLOCK = 4  # pixels: a part is drawn in those squares only that it reaches
FARTHEST = 0.045  # animal units by which locks of hair and soft unions stand out of their limbs
SHADOW_TINT = (0.92, 0.94, 1.12)
BODY_SOFT, HAIR_SOFT = 0.018, 0.014  # animal units over which limbs melt together
FAR_SHADE = 0.62  # light on the legs behind
GLOSS = 0.08  # of short hair
FAINT = 2e-3  # shadow that nobody sees


class FieldDrawing(NamedTuple):
    """Images of b fields, and masks of their animals."""

    image: Float[Tensor, "b 3 h w"]  # [0, 1]
    mask: Float[Tensor, "b 1 h w"]  # soft


class Raster(NamedTuple):
    """Pixel positions, flattened, and the centres of blocks of pixels."""

    size: int
    grid: Float[Tensor, "n 2"]
    coarse: Float[Tensor, "m 2"]


class Canvas(NamedTuple):
    """The image painted so far, and the tufts of grass."""

    image: Float[Tensor, "b 3 n"]
    mask: Float[Tensor, "b 1 n"]
    blades: Float[Tensor, "b n"]
    raster: Raster

    def lay(self, colour: Colour, alpha: Float[Tensor, "b m"], pixels: Int[Tensor, "m"]) -> None:
        """Blend a colour over some pixels, in place."""
        cover, behind, hidden = alpha[:, None], self.image[..., pixels], self.mask[..., pixels]
        self.image[..., pixels] = behind + (colour - behind) * cover
        self.mask[..., pixels] = hidden + (1 - hidden) * cover


class Beast(NamedTuple):
    """One posed animal of every field."""

    animal: Animal
    hooves: Float[Tensor, "b h 2"]  # animal units
    parts: dict[str, Limbs]

    def pick(self, index: slice) -> "Beast":
        """The animals at the given indices of the batch."""
        parts = {name: part.pick(index) for name, part in self.parts.items()}
        return Beast(self.animal.pick(index), self.hooves[index], parts)


class Dressed(NamedTuple):
    """The unshaded colours of a part, on the pixels that it covers."""

    colour: Float[Tensor, "b 3 n"]
    normal: Float[Tensor, "b 3 n"]
    open_sky: Float[Tensor, "b n"]
    inside: Float[Tensor, "b n"]  # animal units
    height: Float[Tensor, "b n"]  # over the ground, animal units
    pixels: Int[Tensor, "n"]


@torch.no_grad()
def draw(field: Field, zebra: Float[Tensor, "b"], size: int = 128) -> FieldDrawing:
    """Draw every field with horses (0) or zebras (1) at size x size pixels; on a CPU one after another."""
    herd = herd_of(field)
    raster = raster_of(size, zebra.device)
    if zebra.device.type != "cpu":
        return compose(field, herd, zebra, raster)
    alone = [slice(i, i + 1) for i in range(len(zebra))]
    parts = [compose(field.pick(i), [beast.pick(i) for beast in herd], zebra[i], raster) for i in alone]
    return FieldDrawing(*(torch.cat(part) for part in zip(*parts, strict=True)))


def compose(field: Field, herd: list[Beast], zebra: Float[Tensor, "b"], raster: Raster) -> FieldDrawing:
    """Paint the land, then every animal of the herd, for all fields at once."""
    shape = (raster.size, raster.size)
    land = paint_landscape(field, raster.grid.unflatten(0, shape))
    mask = torch.zeros_like(raster.grid[:, 0]).repeat(len(zebra), 1, 1)
    canvas = Canvas(land.image.flatten(2), mask, land.blades.flatten(1), raster)
    for beast in herd:
        if bool((beast.animal.present > 0).any()):
            _paint_beast(canvas, beast, field, zebra)
    return FieldDrawing(canvas.image.unflatten(-1, shape).clamp(0, 1), mask.unflatten(-1, shape))


def herd_of(field: Field) -> list[Beast]:
    """The animals of every field in their poses, the farther one first."""
    names = list(JOINTS)
    toes = [names.index(name) for name in HOOVES]
    herd = []
    for which in reversed(range(HERD)):
        animal = field.animal(which)
        figure = pose(animal)
        herd.append(Beast(animal, figure.joints[:, toes], {name: limbs(figure, name) for name in PARTS}))
    return herd


def raster_of(size: int, device: torch.device) -> Raster:
    """The raster of an image of size x size pixels."""

    def grid(line: Tensor) -> Tensor:
        return torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).flatten(0, 1)

    middle = torch.arange(0, size, BLOCK, device=device) + 0.5 * (BLOCK - 1)
    return Raster(size, coordinate_grid(size, size, device=device).flatten(0, 1), grid(middle * (2 / (size - 1)) - 1))


def _paint_beast(canvas: Canvas, beast: Beast, field: Field, zebra: Float[Tensor, "b"]) -> None:
    """Paint an animal's shadow and parts on the canvas, in place; all parts are shaded together."""
    _paint_shadow(canvas, beast, field)
    animal = beast.animal
    worn = {name: animal.present * _wearing(name, zebra) for name in beast.parts}
    worn = {name: share for name, share in worn.items() if bool((share > 0).any())}
    parts = [_dressed(name, beast, zebra, canvas.raster) for name in worn]
    whole = Dressed(*(torch.cat(columns, -1) for columns in zip(*parts, strict=True)))
    one = torch.ones_like(animal.facing)
    light = field.light * torch.stack((animal.facing, one, one), 1)
    colour = light_up(whole.colour, whole.normal, light, field.light_colour, whole.open_sky, GLOSS, SHADOW_TINT)
    in_grass = (30 * whole.height - 0.6 * canvas.blades[:, whole.pixels] + 0.6).clamp(0, 1)
    pixel = 2 / ((canvas.raster.size - 1) * animal.scale[:, None])
    alpha = (whole.inside / pixel + 0.5).clamp(0, 1) * in_grass
    counts = [len(part.pixels) for part in parts]
    layers = (column.split(counts, -1) for column in (colour, alpha, whole.pixels))
    for layer, cover, pixels, share in zip(*layers, worn.values(), strict=True):
        canvas.lay(layer, cover * share[:, None], pixels)


def _wearing(name: str, zebra: Float[Tensor, "b"]) -> Float[Tensor, "b"]:
    """The share of a part that an animal has."""
    if name in HORSE_ONLY:
        return 1 - zebra
    return zebra if name in ZEBRA_ONLY else torch.ones_like(zebra)


def _dressed(name: str, beast: Beast, zebra: Float[Tensor, "b"], raster: Raster) -> Dressed:
    """A part in its colours; a horse's hair also ends in locks."""
    animal, part, soft = beast.animal, beast.parts[name], HAIR_SOFT if name in HORSE_ONLY + ZEBRA_ONLY else BODY_SOFT
    corner = BLOCK * 1.5 / raster.size / animal.scale[:, None]  # from a square's middle, animal units
    near = reach(part, _animal_points(animal, raster.coarse)) < FARTHEST + corner
    pixels = _pixels(near.any(0), raster)
    points = _animal_points(animal, raster.grid[pixels])
    inside, rest, normal = see(part, points, soft)
    if name in HORSE_ONLY:
        pixel = 2 / ((raster.size - 1) * animal.scale[:, None])
        hair = strands(name, animal.graze, rest, pixel)
        inside, normal = inside - hair.cut, _flatter(normal)
        colour = paint_hair(animal, hair.shade)
    elif name in ZEBRA_ONLY:
        colour = paint_crest(animal, rest) if name == "crest" else paint_dock(animal, rest)
    else:
        colour = paint_coat(animal, zebra, rest)
        colour = paint_face(paint_muscles(colour, rest), rest) if name == "body" else colour
    side, shade = (-1.0, FAR_SHADE) if name == "far legs" else (1.0, 1.0)
    open_sky = (0.55 + 0.9 * rest[:, 1]).clamp(0.6, 1) * shade
    return Dressed(colour, normal, open_sky, inside, height_over_ground(animal, points, side), pixels)


def _flatter(normal: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 3 n"]:
    """Smooth the normals of hair, which lies flat on the body and shines as one surface."""
    flat = normal * normal.new_tensor((0.28, 0.28, 1.0))[:, None]
    return flat / flat.norm(dim=1, keepdim=True).clamp_min(1e-3)


def _paint_shadow(canvas: Canvas, beast: Beast, field: Field) -> None:
    """Darken the grass under the trunk, away from the light, and close around each hoof."""
    lateral = -0.22 * (field.light[:, 0] * beast.animal.facing)[:, None]

    def dark(grid: Float[Tensor, "n 2"]) -> Float[Tensor, "b n"]:
        point = _animal_points(beast.animal, grid)[:, :2]
        middle = beast.hooves.mean(1)
        trunk = bump(point[:, 0] - middle[:, :1] - lateral, point[:, 1] - middle[:, 1:] - 0.01, 0.544, 0.075)
        apart = point[:, None] - beast.hooves[..., None]  # (b, hooves, 2, n)
        x, y = apart[:, :, 0] + 0.02 - 0.2 * lateral[..., None], apart[:, :, 1] + 0.012
        close = bump(x.flatten(1), y.flatten(1), 0.085, 0.024).unflatten(1, x.shape[1:])
        return 0.42 * trunk + 0.30 * close.sum(1) - FAINT

    pixels = _pixels(_and_around((dark(canvas.raster.coarse) > 0).any(0)), canvas.raster)
    shade = dark(canvas.raster.grid[pixels]).clamp(0, 0.7) * beast.animal.present[:, None]
    canvas.image[..., pixels] *= (1 - shade)[:, None]


def _animal_points(animal: Animal, grid: Float[Tensor, "n 2"]) -> Float[Tensor, "b 3 n"]:
    """Grid points in animal units: x ahead, y up from the ground, 1."""
    x, y = grid.unbind(-1)
    ahead = (x - animal.place[:, :1]) * (animal.facing / animal.scale)[:, None]
    up = (animal.place[:, 1:] - y) / animal.scale[:, None]
    return torch.stack((ahead, up, torch.ones_like(up)), 1)


def _and_around(wanted: Bool[Tensor, "m"]) -> Bool[Tensor, "m"]:
    """Some of the blocks and their neighbours."""
    count = math.isqrt(len(wanted))
    return max_pool2d(wanted.view(1, count, count).float(), 3, 1, 1).flatten() > 0


def _pixels(wanted: Bool[Tensor, "m"], raster: Raster) -> Int[Tensor, "n"]:
    """The pixels of some of the blocks, in image order."""
    count, size = -(-raster.size // BLOCK), raster.size
    fine = wanted.view(count, 1, count, 1).expand(-1, BLOCK, -1, BLOCK).reshape(count * BLOCK, count * BLOCK)
    return fine[:size, :size].flatten().nonzero()[:, 0]

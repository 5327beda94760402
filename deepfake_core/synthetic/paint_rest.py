"""Hair, shirts and glasses."""

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.anatomy import EYE_Y, Proportions
from deepfake_core.synthetic.hairstyles import CURLY_STYLES, HAIRSTYLES
from deepfake_core.synthetic.identity import GLASSES, HeadIdentity
from deepfake_core.synthetic.painting import Colour, Field, edge

GLASSES_Z = 0.80  # head frame: the plane in which glasses stand


def paint_hair(identity: HeadIdentity, point: Float[Tensor, "b 3 n"]) -> tuple[Colour, Field]:
    """Strands that fall from the crown, or coils; returns colour and gloss."""
    x, y, z = point.unbind(1)
    phase = (6.28 * identity.hair_phase)[:, None]
    angle = torch.atan2(x, z + 0.25)
    fall = angle * 11 + 0.8 * (3.1 * y + phase).sin()
    strand = (
        0.5 * (fall + phase).sin() + 0.3 * (2.3 * fall + 5 * y + 2 * phase).sin() + 0.2 * (31 * angle + 2 * y).sin()
    )
    coil = (26 * x + 3 * (17 * y + phase).sin()).sin() * (24 * y + 3 * (19 * z).sin()).sin()
    coil = coil * (22 * z + 3 * (15 * x).sin()).sin()
    curly = identity.hair_style.new_tensor([list(HAIRSTYLES).index(name) for name in CURLY_STYLES])
    strand = torch.where((identity.hair_style[:, None] == curly).any(1, keepdim=True), 1.5 * coil, strand)
    colour = identity.hair_colour[..., None] * (1 + 0.20 * strand[:, None])
    old = (0.45 * (1 - identity.young))[:, None] * edge(0.30 - y, 0.4) * edge(y + 0.3, 0.3)
    colour = colour + (0.62 - colour) * old[:, None]
    return colour, 0.22 * (1 + 0.8 * strand) * (0.5 + identity.hair_colour.mean(1)[:, None])


def paint_shirt(identity: HeadIdentity, point: Float[Tensor, "b 3 n"], pixel: Float[Tensor, "b 1"]) -> Colour:
    """Cloth with one of a few patterns, and skin where the neckline opens."""
    x, y, z = point.unbind(1)
    first, second = identity.shirt_colour[:, 0, :, None], identity.shirt_colour[:, 1, :, None]
    soft = 1.5 * pixel
    stripes = edge((y * 17).sin() * 0.05, soft)
    collar = edge(0.10 - (x.abs() * 0.75 + y + 0.16).abs(), soft) * edge(0.40 - x.abs(), soft) * edge(z, soft)
    neck = edge(y + 0.62 - 1.5 * x.abs(), soft) * edge(z, soft)
    cell = torch.stack((x * 4.2 + 0.5 * ((y * 4.2).floor() % 2), y * 4.2))
    cell = cell - cell.floor() - 0.5
    dots = edge(0.22 - (cell * cell).sum(0).sqrt(), soft * 5)
    kinds = torch.stack((torch.zeros_like(x), stripes, collar, torch.zeros_like(x), dots), 1)
    share = kinds.gather(1, identity.shirt[:, None, None].expand(-1, 1, x.shape[1]))
    cloth = first + (second - first) * share
    open_neck = (neck * (identity.shirt == 3)[:, None])[:, None]
    return cloth + (identity.skin[..., None] - cloth) * open_neck


def glasses_cover(
    identity: HeadIdentity, sizes: Proportions, point: Float[Tensor, "b 3 n"], pixel: Float[Tensor, "b 1"]
) -> tuple[Field, Field]:
    """Shares of frame and of lens at points of the plane of the glasses."""
    x, y = point[:, 0].abs() - 1.03 * sizes.eye_x, point[:, 1] - EYE_Y + 0.005
    round_ = (x * x + y * y + 1e-8).sqrt() - 0.225
    corner_x, corner_y = (x.abs() - 0.13).clamp_min(0), (y.abs() - 0.085).clamp_min(0)
    square = (corner_x * corner_x + corner_y * corner_y + 1e-8).sqrt() - 0.095
    rim = torch.where((identity.glasses == GLASSES.index("round"))[:, None], round_, square)
    inner = 1.03 * sizes.eye_x - 0.20
    bridge = torch.maximum((y - 0.05).abs() - 0.018, point[:, 0].abs() - inner)
    worn = (identity.glasses != GLASSES.index("none")).float()[:, None]
    frame = edge(0.020 - torch.minimum(rim.abs(), bridge + 0.020), 1.2 * pixel)
    return frame * worn, edge(-rim, 1.2 * pixel) * worn

"""Puppets: portraits moved by the drawn world's states, with the truth of their motion.

Grids and points are as everywhere in `synthetic`: x right, y down, -1 and 1 at the centres of the outer pixels.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.heads.truth import LANDMARKS
from deepfake_core.synthetic.photos.expression import calm, displaced
from deepfake_core.synthetic.photos.fit import EYE, MOUTH, from_face, to_face
from deepfake_core.synthetic.photos.paint import gazed, in_eyes, over, paint_lids, paint_mouth
from deepfake_core.synthetic.photos.portrait import REACH, Portrait, sampled
from deepfake_core.synthetic.photos.relief import Pose, View, carried, pose
from deepfake_core.synthetic.photos.trace import Trace, mended, strew, trace
from deepfake_core.synthetic.render.camera import DISTANCE, FOCAL, rotation
from deepfake_core.synthetic.render.pose import HeadState

RIM = 0.45  # head units: lower parts of the back may come into sight
CLOSE = 0.10  # world units: a point so near to the one that shows is the same


class Puppet(NamedTuple):
    """A portrait in a state, and what is known of it."""

    image: Float[Tensor, "b 3 s s"]
    landmarks: Float[Tensor, "b n 2"]  # in the order of LANDMARKS
    landmark_jacobian: Float[Tensor, "b n 2 2"]  # d(picture x, y) / d(head x, y)
    trace: Trace
    state: HeadState
    view: View
    pose: Pose


@torch.no_grad()
def draw(portrait: Portrait, state: HeadState, view: View, size: int = 256) -> Puppet:
    """Move every portrait; the neutral state with a still view shows it as it is."""
    moves = pose(portrait.fit, state, view)
    found = Trace(
        *map(torch.cat, zip(*(find(portrait, moves, i, size) for i in range(len(portrait.image))), strict=True))
    )
    image = composed(portrait, state, view, found)
    landmarks, jacobian = landmarks_of(portrait, state, moves)
    return Puppet(image, landmarks, jacobian, found, state, view, moves)


def find(portrait: Portrait, moves: Pose, i: int, size: int) -> Trace:
    """Which points of one of the portraits show."""
    one, way = portrait.pick(slice(i, i + 1)), Pose(*(part[i : i + 1] for part in moves))

    def carry(grid: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
        return carried(one.fit, way, grid, side * sampled(one.height, grid)[:, 0])

    cloud = strew(one.matte[:, 0], one.height[:, 0] < RIM, REACH)
    return mended(trace(carry, cloud, carry(*cloud), size))


def composed(portrait: Portrait, state: HeadState, view: View, found: Trace) -> Float[Tensor, "b 3 s s"]:
    """Paint the points that were found, and lay them over the background."""
    size = found.hit.shape[-1]
    hit = found.hit[:, None].float()
    cover = F.avg_pool2d(hit, 3, 1, 1, count_include_pad=False)
    points = widened(found)
    u, shown = to_face(portrait.fit, points)
    skin = gazed(state, calm(portrait.face, state, u, shown))
    colour = sampled(portrait.person, from_face(portrait.fit, skin.u, skin.v), "bicubic").clamp(0, 1)
    colour = paint_mouth(colour, portrait, state, skin, shown)
    colour = paint_lids(colour, portrait, state, skin)
    place = behind(view, coordinate_grid(size, size, device=hit.device).flatten(0, 1), back=True)
    background = F.grid_sample(
        portrait.background, place[:, None] / REACH, padding_mode="reflection", align_corners=True
    )[:, :, 0]
    return over(background, colour, cover.flatten(1)).unflatten(-1, (size, size)).clamp(0, 1)


def widened(found: Trace) -> Float[Tensor, "b n 2"]:
    """The points of all pixels; beside the person, those of their neighbours, for a soft outline."""
    hit = found.hit[:, None].float()
    around = F.avg_pool2d(hit, 3, 1, 1).clamp_min(1e-6)
    mean = F.avg_pool2d(found.point.permute(0, 3, 1, 2) * hit, 3, 1, 1) / around
    return torch.where(found.hit[..., None], found.point, mean.permute(0, 2, 3, 1)).flatten(1, 2)


def behind(view: View, place: Float[Tensor, "*b n 2"], back: bool) -> Float[Tensor, "b n 2"]:
    """Where a place of the background stands when the camera has moved; `back`: the other way."""
    pan = torch.stack((view.pan_x, view.pan_y), 1)[:, None]
    zoom = view.zoom[:, None, None]
    return (place - pan) / zoom if back else place * zoom + pan


@torch.no_grad()
def flow(
    portrait: Portrait, here: Puppet, there: Puppet, size: int
) -> tuple[Float[Tensor, "b h w 2"], Bool[Tensor, "b h w"]]:
    """For each pixel of `here`, where its material stands in `there`, and whether both show it.

    As `synthetic.flow.flow`: the grid takes the picture `there` back to `here`.
    """
    count, full = len(here.image), here.image.shape[-1]
    goal = coordinate_grid(size, size, device=here.image.device).flatten(0, 1)
    pixel = ((goal + 1) * (0.5 * (full - 1))).round().long()
    number = pixel[:, 1] * full + pixel[:, 0]
    exact = pixel.float() * (2 / (full - 1)) - 1
    point, side, hit = (part.flatten(1, 2)[:, number] for part in (here.trace.point, here.trace.side, here.trace.hit))
    moved, near, whole = carry_skin(portrait, here, there, point, side)
    scene = behind(there.view, behind(here.view, exact, back=True), back=False)
    place = torch.where(hit[..., None], moved, scene)
    grid = place + (goal - exact)  # a movement, taken at the nearest pixel
    at = ((place.clamp(-1, 1) + 1) * (0.5 * (full - 1))).round().long()
    at = at[..., 1] * full + at[..., 0]
    seen_hit, seen_near = (part.flatten(1, 2).gather(1, at) for part in (there.trace.hit, there.trace.near))
    same = torch.where(hit, seen_hit & ((seen_near - near).abs() < CLOSE) & whole, ~seen_hit)
    valid = same & (grid.abs() <= 1).all(-1)
    return grid.view(count, size, size, 2), valid.view(count, size, size)


def carry_skin(
    portrait: Portrait, here: Puppet, there: Puppet, point: Float[Tensor, "b n 2"], side: Float[Tensor, "b n"]
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n"], Bool[Tensor, "b n"]]:
    """Points of the person in one state -> their places and nearness in another, and whether both can show them."""
    u, shown = to_face(portrait.fit, point)
    skin = calm(portrait.face, here.state, u, shown)
    new = from_face(portrait.fit, *displaced(portrait.face, there.state, skin.u, skin.v))
    height = side * sampled(portrait.height, new)[:, 0]
    place, near = carried(portrait.fit, there.pose, new, height)
    eye = in_eyes(skin)[2] > 0.3
    looks = torch.stack(
        [getattr(here.state, name) != getattr(there.state, name) for name in ("lids", "gaze_x", "gaze_y")]
    )
    return place, near, ~(skin.inside | (eye & looks.any(0)[:, None]))


def landmarks_of(
    portrait: Portrait, state: HeadState, moves: Pose
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n 2 2"]]:
    """All landmarks in the order of LANDMARKS, and how the head's movement moves them."""
    fitted, face = portrait.fit, portrait.face
    one = torch.ones_like(fitted.yaw)
    middle = MOUTH - face.curve
    in_face = {
        "left eye": (-EYE[0] * one, EYE[1] * one), "right eye": (EYE[0] * one, EYE[1] * one),
        "left brow": (-EYE[0] * one, 0.30 * one), "right brow": (EYE[0] * one, 0.30 * one),
        "left mouth corner": (-face.mouth, MOUTH * one), "right mouth corner": (face.mouth, MOUTH * one),
        "upper lip": (0 * one, middle + 0.05), "lower lip": (0 * one, middle - 0.07), "chin": (0 * one, -0.92 * one),
        "left cheek": (-0.40 * one, -0.20 * one), "right cheek": (0.40 * one, -0.20 * one),
        "forehead": (0 * one, 0.58 * one),
    }  # fmt: skip
    u, v = (torch.stack(parts, 1) for parts in zip(*in_face.values(), strict=True))
    skin = from_face(fitted, *displaced(face, state, u, v))
    others = {"nose tip": portrait.points[:, 2]} | {
        name: on_axes(portrait, *place)
        for name, place in (("left ear", (-0.74, -0.03)), ("right ear", (0.74, -0.03)), ("crown", (0.0, 0.98)),
                            ("neck base", (0.0, -1.30)))
    }  # fmt: skip
    known = dict(zip(in_face, skin.unbind(1), strict=True)) | others
    grid = torch.stack([known[name] for name in LANDMARKS], 1)
    place, near = carried(fitted, moves, grid, sampled(portrait.height, grid)[:, 0])
    head = moves.turn[:, 0] @ rotation(fitted.yaw, 0 * one, fitted.roll) * (fitted.scale * state.scale)[:, None, None]
    far = (DISTANCE - near)[..., None]
    across, up, out = (head[:, None, axis, :2] for axis in range(3))
    slopes = (FOCAL * across + place[..., :1] * out) / far, (-FOCAL * up + place[..., 1:] * out) / far
    return place, torch.stack(slopes, -2)


def on_axes(portrait: Portrait, x: float, y: float) -> Float[Tensor, "b 2"]:
    """A point told in head units along the head's axes, as if it had no depth."""
    fitted = portrait.fit
    cos, sin = fitted.roll.cos(), fitted.roll.sin()
    return fitted.centre + fitted.unit[:, None] * torch.stack((x * cos + y * sin, x * sin - y * cos), 1)

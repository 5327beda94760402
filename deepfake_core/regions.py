"""A region of a face moves, and the rest of it does not: for keypoints that are the landmarks of a head.

The head's own motion is read from the landmarks that no expression moves, as the affine map A_t that brings them from
frame t back to the initial frame (least squares). What the mouth does besides is what A_t leaves of its motion. Not in
the paper.
"""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.motion import Keypoints

Region = Literal["all", "mouth", "pose"]
REGIONS: tuple[Region, ...] = get_args(Region)
"""Everything; only what the mouth does; only how the head is turned and where it is."""
MOUTH = ("left mouth corner", "right mouth corner", "lower lip", "upper lip", "chin")
STEADY = ("left eye", "right eye", "nose tip", "crown", "forehead")
"""Landmarks that no expression moves far."""


def only(region: Region, driving: Keypoints, initial: Keypoints, names: tuple[str, ...]) -> Keypoints:
    """The driving keypoints as if nothing but a region had moved since the initial frame.

    `names`: the landmark of each keypoint; at least three of `STEADY`. `initial` holds one frame.
    """
    if region == "all":
        return driving
    mouth = torch.tensor([name in MOUTH for name in names])
    linear, offset = head_motion(driving, initial, torch.tensor([name in STEADY for name in names]))
    start = Keypoints(
        initial.position.expand_as(driving.position),
        None if driving.jacobian is None or initial.jacobian is None else initial.jacobian.expand_as(driving.jacobian),
    )
    if region == "mouth":
        return _chosen(mouth, _mapped(driving, linear, offset), start)
    inverse = torch.linalg.inv(linear)
    return _chosen(mouth, _mapped(start, inverse, -(inverse @ offset[..., None])[..., 0]), driving)


def head_motion(
    driving: Keypoints, initial: Keypoints, steady: Tensor
) -> tuple[Float[Tensor, "b 2 2"], Float[Tensor, "b 2"]]:
    """A and t of the map p -> A p + t that brings the steady keypoints of each frame back to the initial one."""
    now, then = driving.position[:, steady], initial.position[:, steady].expand(len(driving.position), -1, -1)
    ones = torch.ones_like(now[..., :1])
    solved = torch.linalg.lstsq(torch.cat((now, ones), dim=-1).cpu(), then.cpu()).solution.to(now)  # b 3 2
    return solved[:, :2].mT, solved[:, 2]


def _mapped(keypoints: Keypoints, linear: Float[Tensor, "b 2 2"], offset: Float[Tensor, "b 2"]) -> Keypoints:
    position = keypoints.position @ linear.mT + offset[:, None]
    return Keypoints(position, None if keypoints.jacobian is None else linear[:, None] @ keypoints.jacobian)


def _chosen(here: Tensor, one: Keypoints, other: Keypoints) -> Keypoints:
    """The keypoints of `one` where `here` is true, else those of `other`."""
    here = here.to(one.position.device)
    position = torch.where(here[:, None], one.position, other.position)
    if one.jacobian is None or other.jacobian is None:
        return Keypoints(position)
    return Keypoints(position, torch.where(here[:, None, None], one.jacobian, other.jacobian))

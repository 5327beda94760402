"""How well a clip moves: where its landmarks are, and how much it changes from frame to frame."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def average_keypoint_distance(
    made: Float[Tensor, "b k 2"], truth: Float[Tensor, "b k 2"], visible: Bool[Tensor, "b k"] | None = None
) -> Float[Tensor, " b"]:
    """Mean Euclidean distance between corresponding keypoints of each frame, in their own unit: 0 is best.

    The motion measure of the First Order Motion Model (arXiv:2003.00196, section 4). In [-1, 1] spanning pixel centres,
    one pixel is 2 / (size - 1). Keypoints that are not `visible` are left out; a frame without any gives nan.
    """
    distance = torch.linalg.vector_norm(made - truth, dim=-1)
    if visible is None:
        return distance.mean(dim=-1)
    return torch.where(visible, distance, 0.0).sum(dim=-1) / visible.sum(dim=-1)


def temporal_difference(clip: Float[Tensor, "t c h w"]) -> Float[Tensor, " t-1"]:
    """Mean absolute change from each frame to the next: 0 for a still clip. Flicker raises it, but so does movement."""
    return clip.float().diff(dim=0).abs().mean(dim=(1, 2, 3))


def temporal_error(made: Float[Tensor, "t c h w"], truth: Float[Tensor, "t c h w"]) -> Float[Tensor, " t-1"]:
    """Mean absolute difference between the changes of a clip and those of the true clip: flicker, and movement missed.

    A constant error of colour does not count, since it does not change.
    """
    return temporal_difference(made.float() - truth.float())

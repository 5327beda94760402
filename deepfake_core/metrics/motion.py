"""Motion metrics of clips: keypoint distance, and change from frame to frame."""

import torch
from jaxtyping import Float
from torch import Tensor


def average_keypoint_distance(made: Float[Tensor, "b k 2"], truth: Float[Tensor, "b k 2"]) -> Float[Tensor, " b"]:
    """Mean Euclidean distance of corresponding keypoints of each frame, in their own unit: 0 is best.

    The motion metric of the First Order Motion Model (arXiv:2003.00196, section 4). For keypoints in [-1, 1], which
    spans pixel centres, one pixel is 2 / (size - 1).
    """
    return torch.linalg.vector_norm(made - truth, dim=-1).mean(dim=-1)


def temporal_difference(clip: Float[Tensor, "t c h w"]) -> Float[Tensor, " t-1"]:
    """Mean absolute change between consecutive frames: 0 for a static clip. Both flicker and motion increase it."""
    return clip.float().diff(dim=0).abs().mean(dim=(1, 2, 3))

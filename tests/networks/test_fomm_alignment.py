"""Where places are kept: what the published networks shift, and an aligned one does not."""

import torch

from deepfake_core.motion import coordinate_grid
from deepfake_core.networks.fomm import FirstOrderModel, FommConfig, HourglassConfig
from deepfake_core.networks.layers import AlignedDownscale

SMALL = HourglassConfig(base=4, levels=2)
SIDE = 64


def model(*, aligned: bool) -> FirstOrderModel:
    config = FommConfig(size=SIDE, base=4, detector=SMALL, motion=SMALL, residual_blocks=0, aligned=aligned)
    return FirstOrderModel(config).eval()


def test_a_flow_that_moves_nothing_moves_nothing() -> None:
    places, still = coordinate_grid(SIDE, SIDE).permute(2, 0, 1)[None], coordinate_grid(16, 16)[None]
    pixels = {
        aligned: (model(aligned=aligned).generator.deform(places, still) - places).abs().max() * (SIDE - 1) / 2
        for aligned in (True, False)
    }
    assert pixels[True] < 1e-3 and 1 < pixels[False] < 2, "the published rule shifts what lies near the edges"


def test_a_small_picture_shows_what_its_grid_says() -> None:
    """Its outermost pixels alone show the nearest mean that there is."""
    shrunk = AlignedDownscale(0.25)(coordinate_grid(SIDE, 2 * SIDE).permute(2, 0, 1)[None])
    apart = (shrunk - coordinate_grid(SIDE // 4, SIDE // 2).permute(2, 0, 1)).abs()[..., 1:-1, 1:-1]
    assert shrunk.shape == (1, 2, SIDE // 4, SIDE // 2) and apart.max() < 1e-6


def test_keypoints_are_read_over_the_whole_picture() -> None:
    """Heatmaps as large as what they are read from; the published ones lose three cells on each side."""
    image = torch.rand(1, 3, SIDE, SIDE)
    sides = {
        aligned: model(aligned=aligned).keypoint_detector.detect(image).logits.shape[-1] for aligned in (True, False)
    }
    assert sides == {True: SIDE // 4, False: SIDE // 4 - 6}

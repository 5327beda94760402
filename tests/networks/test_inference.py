"""The fast network is the plain one: the same answers for any configuration, up to rounding."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from deepfake_core.motion import Keypoints
from deepfake_core.networks.fomm import ConvNormReLU, Down, FirstOrderModel, FommConfig, HourglassConfig, Residual, Up
from deepfake_core.networks.inference import FastConv, FastDown, FastResidual, FastUp, FoldedUp, PackedConv, prepare
from tests.golden_weights import DATA, fomm_inputs
from tests.networks.test_fomm_goldens import check_against, fomm

SMALL = HourglassConfig(base=8, widest=24, levels=3)
ODD = HourglassConfig(base=5, widest=17, levels=2, scale=0.5)
CONFIGS = {
    "small": FommConfig(size=64, base=8, widest=24, detector=SMALL, motion=SMALL, residual_blocks=2),
    "odd": FommConfig(size=32, base=7, widest=13, keypoints=3, detector=ODD, motion=ODD, residual_blocks=1),
    "shared": FommConfig(size=64, base=8, detector=SMALL, motion=SMALL, residual_blocks=1, shared_jacobian_map=True),
    "positions": FommConfig(size=64, base=8, detector=SMALL, motion=SMALL, residual_blocks=0, jacobians=False),
    "flat": FommConfig(size=64, base=8, detector=SMALL, motion=SMALL, residual_blocks=1, halvings=0),
    "edges": FommConfig(size=64, base=8, detector=SMALL, motion=SMALL, residual_blocks=1, align_corners=False),
    "packed": FommConfig(
        size=64, base=8, detector=SMALL, motion=SMALL, residual_blocks=1, blend=True, paints_mask=True, patch=2
    ),
    "aligned": FommConfig(size=64, base=8, detector=SMALL, motion=SMALL, residual_blocks=1, aligned=True),
}


def lived_in(network: nn.Module) -> nn.Module:
    """Batch norms that have seen data, so that folding them is not folding the identity."""
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None and norm.running_var is not None
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.3, 2.0)
            norm.weight.data.normal_(1, 0.3)
            norm.bias.data.normal_(0, 0.3)
    return network.eval().requires_grad_(False)


def model_of(name: str) -> FirstOrderModel:
    model = FirstOrderModel(CONFIGS[name])
    if model.keypoint_detector.jacobians is not None:  # which start as zeros
        nn.init.normal_(model.keypoint_detector.jacobians.weight, 0, 0.01)
    lived_in(model)
    model.generator.final.weight *= 10  # a picture with contrast, so that agreeing says something
    return model


def outputs(model: FirstOrderModel, source: torch.Tensor, driving: torch.Tensor) -> dict[str, torch.Tensor]:
    count = len(driving)
    here, there = model.keypoint_detector(source), model.keypoint_detector(driving)
    jacobian = None if here.jacobian is None else here.jacobian.expand(count, -1, -1, -1)
    repeated = Keypoints(here.position.expand(count, -1, -1), jacobian)
    prediction, motion = model.generate(model.encode(source).repeat(count), repeated, there)
    found = {"prediction": prediction, "position": there.position, **motion._asdict()}
    return found if there.jacobian is None else {**found, "jacobian": there.jacobian}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("batch", [1, 3])
def test_agrees_with_the_plain_network(name: str, batch: int) -> None:
    model = model_of(name)
    size = model.config.size
    source, driving = torch.rand(1, 3, size, size), torch.rand(batch, 3, size, size)
    plain, fast = (outputs(network, source, driving) for network in (model, prepare(model)))
    assert plain["prediction"].std() > 0.01
    for key, value in plain.items():
        torch.testing.assert_close(fast[key], value, rtol=0, atol=1e-4, msg=key)


@torch.no_grad()
def test_agrees_with_the_papers_stored_outputs() -> None:
    golden = np.load(DATA / "fomm_aligned.golden.npz")
    model = prepare(fomm(lively=True, align_corners=True))
    source, driving = fomm_inputs("smooth")
    found = outputs(model, source, driving[:1])
    check_against(golden, "smooth.prediction", found["prediction"], 2e-3, 5e-5)


def test_the_plain_network_is_left_alone() -> None:
    model = model_of("small")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    prepare(model)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (3, 2), (8, 8), (9, 11)])
def test_doubling_is_rewritten_exactly_up_to_the_borders(height: int, width: int) -> None:
    block = lived_in(Up(5, 7)).double()
    x = torch.randn(2, 5, height, width, dtype=torch.float64)
    assert isinstance(block, Up)
    torch.testing.assert_close(FastUp(block)(x), block(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(FoldedUp(block)(x), block(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("plain", "fast"),
    [
        (ConvNormReLU(3, 5, kernel=7), FastConv),
        (Down(4, 6), FastDown),
        (Residual(6), FastResidual),
    ],
)
def test_blocks_agree_and_leave_their_input_alone(plain: nn.Module, fast: type[nn.Module]) -> None:
    lived_in(plain).double()
    channels = plain.conv.in_channels if isinstance(plain, ConvNormReLU) else 6
    x = torch.randn(2, channels, 10, 6, dtype=torch.float64)
    before = x.clone()
    torch.testing.assert_close(fast(plain)(x), plain(x), rtol=0, atol=1e-12)
    assert torch.equal(x, before)


def test_packing_pixels_into_channels_changes_nothing() -> None:
    conv = nn.Conv2d(4, 3, 7, padding=3).double()
    x = torch.randn(2, 4, 6, 10, dtype=torch.float64)
    torch.testing.assert_close(PackedConv(conv)(x), conv(x), rtol=0, atol=1e-12)


def test_half_precision_keeps_places_in_float32() -> None:
    model = prepare(model_of("small"))
    source, driving = torch.rand(1, 3, 64, 64), torch.rand(2, 3, 64, 64)
    exact = outputs(model, source, driving)
    rough = outputs(model.bfloat16(), source.bfloat16(), driving.bfloat16())
    assert rough["prediction"].dtype == torch.bfloat16
    for key in ("position", "jacobian", "mask", "deformation"):
        assert rough[key].dtype == torch.float32
    assert F.l1_loss(rough["prediction"].float(), exact["prediction"]) < 0.02


def test_autocast_keeps_places_in_float32() -> None:
    model = prepare(model_of("small"))
    source, driving = torch.rand(1, 3, 64, 64), torch.rand(2, 3, 64, 64)
    exact = outputs(model, source, driving)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = outputs(model, source, driving)
    assert rough["position"].dtype == rough["deformation"].dtype == torch.float32
    assert F.l1_loss(rough["prediction"].float(), exact["prediction"]) < 0.02

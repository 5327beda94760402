"""The losses of the First Order Motion Model against stored values of the paper's own training code (vox-adv)."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deepfake_core.hub.key_maps import fomm_state, rename
from deepfake_core.motion import Keypoints
from deepfake_core.networks.fomm import Discriminator, DiscriminatorConfig, FirstOrderModel, FommConfig
from tests.golden_weights import DATA, FOMM_DISCRIMINATOR, fomm_inputs, weights
from train.common.perceptual import Pyramid, Vgg19Features
from train.recipes.fomm.equivariance import ThinPlateSpline, equivariance_terms
from train.recipes.fomm.losses import adversarial_terms, discriminator_terms, reconstruct, reconstruction_terms

WEIGHTS = {
    "perceptual": 10,
    "adversarial": 1,
    "feature_matching": 10,
    "equivariance_position": 10,
    "equivariance_jacobian": 10,
}
STORED = {
    "perceptual": "perceptual",
    "adversarial": "gen_gan",
    "feature_matching": "feature_matching",
    "equivariance_position": "equivariance_value",
    "equivariance_jacobian": "equivariance_jacobian",
}

PARTS = ("generator", "kp_detector", "discriminator")


def networks(align_corners: bool) -> tuple[FirstOrderModel, Discriminator, Vgg19Features]:
    table = "fomm.keys.json"
    model = FirstOrderModel(FommConfig(align_corners=align_corners))
    parts = {name: weights(table, name, lively=True) for name in ("generator", "kp_detector")}
    model.load_state_dict(fomm_state(parts), strict=True)
    discriminator = Discriminator(DiscriminatorConfig())
    discriminator.load_state_dict(rename(weights(table, "discriminator_vox-adv-256"), FOMM_DISCRIMINATOR), strict=True)
    vgg = Vgg19Features()
    state = {f"layers.{key}": value for key, value in weights(table, "vgg19_features", lively=True).items()}
    vgg.load_state_dict({key: state[key] for key in vgg.state_dict()}, strict=True)
    return model, discriminator, vgg


def batch() -> tuple[Tensor, Tensor]:
    pairs = [fomm_inputs("smooth"), fomm_inputs("noise")]
    return torch.cat([source for source, _ in pairs]), torch.cat([driving[1:2] for _, driving in pairs])


def gradient_norm(network: nn.Module) -> float:
    return float(torch.stack([p.grad.norm() for p in network.parameters() if p.grad is not None]).norm())


def stored_spline(golden: np.lib.npyio.NpzFile) -> ThinPlateSpline:
    return ThinPlateSpline(
        affine=torch.from_numpy(golden["tps.theta"]), weights=torch.from_numpy(golden["tps.control_params"])
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "align_corners", "mode"),
    [("fomm_aligned_train", True, "eval"), ("fomm_train", False, "eval"), ("fomm_aligned_train", True, "train")],
)
def test_losses_and_gradients_of_one_step(file: str, align_corners: bool, mode: str) -> None:
    golden = np.load(DATA / f"{file}.golden.npz")
    model, discriminator, vgg = networks(align_corners)
    model.train(mode == "train")
    discriminator.train(mode == "train")
    source, driving = batch()
    seen = reconstruct(model, source, driving, stored_spline(golden))
    terms = reconstruction_terms(seen, driving, Pyramid(), vgg)
    terms |= adversarial_terms(discriminator, seen, driving)
    for name, stored in STORED.items():
        value = WEIGHTS[name] * terms[name].item()
        assert value == pytest.approx(float(golden[f"{mode}.loss.{stored}"]), rel=1e-3), name
    torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum().backward()
    generator_part = nn.ModuleList([model.dense_motion, model.generator])
    norms = {name: float(golden[f"{mode}.gradnorm.{name}.float64run"]) for name in PARTS}  # free of rounding
    rounded = float(golden[f"{mode}.gradnorm.generator"])  # the original in float32; up to 1.8% from its float64 run
    assert gradient_norm(generator_part) in (
        pytest.approx(norms["generator"], rel=1e-2),
        pytest.approx(rounded, rel=1e-2),
    )
    moved = gradient_norm(model.keypoint_detector) / norms["kp_detector"]
    assert (0.99 < moved < 1.01) if mode == "eval" else (0.1 < moved < 10)
    discriminator.zero_grad()
    judged = discriminator_terms(discriminator, seen, driving)["adversarial"]
    judged.backward()
    assert judged.item() == pytest.approx(float(golden[f"{mode}.loss.disc_gan"]), rel=1e-3)
    assert gradient_norm(discriminator) == pytest.approx(norms["discriminator"], rel=1e-2)


def test_thin_plate_spline() -> None:
    for file, align_corners in (("fomm_train", False), ("fomm_aligned_train", True)):
        golden = np.load(DATA / f"{file}.golden.npz")
        spline = stored_spline(golden)
        points = torch.from_numpy(golden["tps.points_in"]).float()
        np.testing.assert_allclose(spline.points(points), golden["tps.points_warped"], atol=1e-5)
        np.testing.assert_allclose(spline.jacobian(points), golden["tps.points_jacobian"], atol=1e-5)
        moved = spline.image(batch()[1], align_corners=align_corners)
        step = int(golden["tps.transformed_driving.step"])
        np.testing.assert_allclose(moved[..., ::step, ::step], golden["tps.transformed_driving.slice"], atol=2e-4)


def test_equivariant_keypoints_cost_nothing() -> None:
    golden = np.load(DATA / "fomm_train.golden.npz")
    spline = stored_spline(golden)
    transformed = Keypoints(torch.rand(2, 10, 2) - 0.5, torch.eye(2).expand(2, 10, 2, 2))
    carried = Keypoints(spline.points(transformed.position), spline.jacobian(transformed.position))
    terms = equivariance_terms(spline, carried, transformed)
    assert terms["equivariance_position"] < 1e-6 and terms["equivariance_jacobian"] < 1e-5

"""The First Order Motion Model against stored outputs of the paper's own code, under both sampling rules."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from deepfake_core.hub.key_maps import fomm_state, rename
from deepfake_core.motion import (
    AbsoluteMotion,
    Keypoints,
    RelativeMotion,
    Transfer,
    apply,
    coordinate_grid,
    frame_at,
    scale_of_movement,
    transfer_motion,
)
from deepfake_core.networks.fomm import (
    CONFIGS,
    Discriminator,
    DiscriminatorConfig,
    FirstOrderModel,
    FommConfig,
    gaussian_heatmaps,
)
from deepfake_core.networks.layers import gaussian_kernel
from tests.golden_weights import DATA, FOMM_DISCRIMINATOR, fomm_inputs, weights

# (file, lively weights, sampling rule); base outputs are far smaller, so their tolerance is too
RUNS = [
    pytest.param(("fomm_aligned", True, True), id="aligned"),
    pytest.param(("fomm_lively", True, False), id="unaligned"),
    pytest.param(("fomm", False, False), id="base"),
]
TOLERANCES = {  # largest and mean absolute difference, from recipe.md
    "source.down": (1e-5, 1e-6),
    "kp_logits_driving": (1e-4, 1e-5),
    "mask": (3e-4, 3e-5),
    "deformation_as_n2hw": (3e-4, 3e-5),
    "occlusion_map": (3e-4, 3e-5),
    "sparse_deformed": (5e-3, 5e-4),
    "encoded_source_every16thchannel": (1e-4, 1e-5),
    "deformed": (5e-3, 5e-4),
    "prediction": (2e-3, 5e-5),
}


def fomm(lively: bool, align_corners: bool) -> FirstOrderModel:
    model = FirstOrderModel(FommConfig(align_corners=align_corners))
    parts = {name: weights("fomm.keys.json", name, lively=lively) for name in ("generator", "kp_detector")}
    model.load_state_dict(fomm_state(parts), strict=True)
    return model.eval()


def check_against(golden: np.lib.npyio.NpzFile, name: str, value: Tensor, largest: float, mean: float) -> None:
    """Compare every stored view of a tensor: a strided slice, two corners and the statistics of the whole."""
    array = value.detach().double().numpy()
    views: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "slice": lambda a: a[..., :: int(golden[f"{name}.step"]), :: int(golden[f"{name}.step"])],
        "corner": lambda a: a[..., : golden[f"{name}.corner"].shape[-2], : golden[f"{name}.corner"].shape[-1]],
        "corner_br": lambda a: a[
            ..., -golden[f"{name}.corner_br"].shape[-2] :, -golden[f"{name}.corner_br"].shape[-1] :
        ],
    }
    assert array.shape == tuple(golden[f"{name}.shape"]) if f"{name}.shape" in golden.files else True
    compared = 0
    for view, select in views.items():
        if f"{name}.{view}" in golden.files:
            error = np.abs(select(array) - golden[f"{name}.{view}"])
            assert error.max() <= largest, f"{name}.{view}: {error.max():.2e} > {largest:.0e}"
            assert error.mean() <= mean, f"{name}.{view} on average: {error.mean():.2e} > {mean:.0e}"
            compared += 1
    assert compared > 0, f"nothing stored under {name}"
    assert abs(array.mean() - float(golden[f"{name}.mean"])) <= mean
    assert abs(array.std() - float(golden[f"{name}.std"])) <= mean


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest) -> tuple[np.lib.npyio.NpzFile, FirstOrderModel, float]:
    file, lively, align_corners = request.param
    return np.load(DATA / f"{file}.golden.npz"), fomm(lively, align_corners), 1.0 if lively else 5e-3


@pytest.mark.parametrize("kind", [pytest.param("noise", marks=pytest.mark.slow), "smooth"])
@torch.no_grad()
def test_every_output_of_one_step(run, kind: str) -> None:
    golden, model, _ = run
    source, driving = fomm_inputs(kind)
    encoded = model.encode(source)
    here, there = model.keypoint_detector.detect(source), model.keypoint_detector.detect(driving[:1])
    generated = model.generate(encoded, here.keypoints, there.keypoints)
    outputs = {
        "source.down": encoded.small,
        "kp_logits_driving": there.logits,
        "mask": generated.motion.mask,
        "deformation_as_n2hw": generated.motion.deformation.permute(0, 3, 1, 2),
        "occlusion_map": generated.motion.occlusion,
        "sparse_deformed": generated.motion.sparse_deformed,
        "encoded_source_every16thchannel": encoded.features[:, ::16],
        "deformed": model.generator.deform(source, generated.motion.deformation),
        "prediction": generated.prediction,
    }
    assert outputs.keys() == TOLERANCES.keys()
    for name, value in outputs.items():
        check_against(golden, f"{kind}.{name}", value, *TOLERANCES[name])
    for name, keypoints in (("kp_source", here.keypoints), ("kp_driving", there.keypoints)):
        assert_keypoints(golden, f"{kind}.{name}", keypoints)


def assert_keypoints(golden: np.lib.npyio.NpzFile, name: str, keypoints: Keypoints) -> None:
    np.testing.assert_allclose(keypoints.position.numpy(), golden[f"{name}.value"], atol=1e-4)
    assert keypoints.jacobian is not None
    np.testing.assert_allclose(keypoints.jacobian.numpy(), golden[f"{name}.jacobian"], atol=5e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["noise", "smooth"])
@torch.no_grad()
def test_animation_of_three_frames(run, kind: str) -> None:
    golden, model, strictness = run
    source, driving = fomm_inputs(kind)
    here, there = model.keypoint_detector(source), model.keypoint_detector(driving)
    initial = frame_at(there, 0)
    scale = scale_of_movement(here, initial)
    area = np.sqrt(float(golden[f"{kind}.hull_area_source"]) / float(golden[f"{kind}.hull_area_driving0"]))
    assert scale == pytest.approx(area, rel=1e-4)
    encoded = model.encode(source).repeat(3)
    repeated = apply(lambda part: part.expand(3, *part.shape[1:]), here)
    transfers: dict[str, Transfer] = {
        "rel1.adapt1": RelativeMotion(adapt_scale=True),
        "rel1.adapt0": RelativeMotion(adapt_scale=False),
        "rel0.adapt0": AbsoluteMotion(),
    }
    for name, transfer in transfers.items():
        moved = transfer_motion(here, there, initial, transfer)
        frames = model.generate(encoded, repeated, moved).prediction
        check_against(golden, f"{kind}.anim.{name}.frames", frames, 2e-3 * strictness, 5e-5 * strictness)
        for frame in range(3) if name.startswith("rel1") else ():
            assert_keypoints(golden, f"{kind}.norm.{name}.f{frame}", frame_at(moved, frame))


def test_filters_grids_and_heatmaps() -> None:
    golden = np.load(DATA / "fomm_lively.golden.npz")
    for scale in (0.25, 0.5, 0.125):
        np.testing.assert_allclose(
            gaussian_kernel(scale).numpy(), golden[f"antialias.scale{scale}.kernel2d"], atol=1e-7
        )
    np.testing.assert_allclose(coordinate_grid(4, 6).numpy(), golden["coordinate_grid.4x6"], atol=1e-7)
    keypoints = Keypoints(torch.from_numpy(golden["smooth.kp_source.value"]))
    check_against(golden, "kp2gaussian.smooth_source", gaussian_heatmaps(keypoints, (64, 64)), 1e-6, 1e-7)


@torch.no_grad()
def test_discriminator_with_keypoints() -> None:
    golden = np.load(DATA / "fomm_lively.golden.npz")
    network = Discriminator(DiscriminatorConfig())
    state = weights("fomm.keys.json", "discriminator_vox-adv-256")
    network.load_state_dict(rename(state, FOMM_DISCRIMINATOR), strict=True)
    source, _ = fomm_inputs("smooth")
    keypoints = Keypoints(torch.from_numpy(golden["smooth.kp_source.value"]))
    (judged,) = network.eval()(source, keypoints)
    check_against(golden, "disc_adv.prediction_map_1", judged.scores, 1e-3, 1e-4)
    for level, features in enumerate(judged.features):
        name = f"disc_adv.feature_map{level}_every16thchannel"
        check_against(golden, name, features[:, ::16], 1e-3, 1e-4)


def test_discriminator_with_spectral_norm_loads_strictly() -> None:
    network = Discriminator(DiscriminatorConfig(keypoints=0, spectral=True))
    state = rename(weights("fomm.keys.json", "discriminator_vox-256"), FOMM_DISCRIMINATOR)
    network.load_state_dict(state, strict=True)


def test_mgif_shares_one_jacobian_map() -> None:
    detector = FirstOrderModel(CONFIGS["fomm-mgif"]).keypoint_detector
    assert detector.jacobians is not None and detector.jacobians.out_channels == 4
    found = detector(torch.rand(2, 3, 256, 256))
    assert found.jacobian is not None and found.jacobian.shape == (2, 10, 2, 2)

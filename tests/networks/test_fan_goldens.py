"""The face alignment network against stored outputs of the code that StarGAN v2 runs it with, and its laws."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from deepfake_core.errors import BadWeights
from deepfake_core.hub.key_maps import fan_state
from deepfake_core.networks.fan import FaceAlignmentNetwork, FanConfig, alignment, face_axis, masks_of, peaks
from tests.golden_weights import DATA, weights
from tests.networks.test_fomm_goldens import check_against
from tests.starganv2_goldens import TABLE, fan, pictures

FILES = {False: "starganv2", True: "starganv2_lively"}
LIVELY = pytest.mark.parametrize("lively", [False, True], ids=["base", "lively"])  # base: every mask is full


@pytest.fixture(scope="module")
def networks() -> dict[bool, FaceAlignmentNetwork]:
    return {lively: fan(lively=lively) for lively in (False, True)}


def golden(lively: bool = True) -> np.lib.npyio.NpzFile:
    return np.load(DATA / f"{FILES[lively]}.golden.npz")


@LIVELY
@pytest.mark.parametrize("kind", ["noise", "smooth"])
@torch.no_grad()
def test_heatmaps_and_landmarks(networks: dict[bool, FaceAlignmentNetwork], kind: str, lively: bool) -> None:
    heatmaps = networks[lively](pictures(kind) * 0.5 + 0.5)
    check_against(golden(lively), f"fan.{kind}.heatmaps_every9th", heatmaps[:, ::9], 2e-4, 2e-5)
    np.testing.assert_allclose(4 * peaks(heatmaps[:, :98]), golden(lively)[f"fan.{kind}.landmarks"], atol=1e-3)


@LIVELY
@torch.no_grad()
def test_masks(networks: dict[bool, FaceAlignmentNetwork], lively: bool) -> None:
    for level, mask in enumerate(networks[lively].masks(pictures("smooth"))):
        check_against(golden(lively), f"fan.smooth.get_heatmap.mask{level}", mask, 5e-4, 1e-5)


@torch.no_grad()
def test_smaller_pictures_have_masks_and_landmarks_too(networks: dict[bool, FaceAlignmentNetwork]) -> None:
    small = F.avg_pool2d(pictures("smooth"), 2)
    mask = networks[True].masks(small).coarse
    check_against(golden(), "fan.smooth128in.get_heatmap.mask0", mask, 5e-4, 1e-5)
    large = F.interpolate(small, size=256, mode="bilinear")
    torch.testing.assert_close(2 * networks[True].landmarks(small), networks[True].landmarks(large))


def spots(height: np.ndarray, centre: np.ndarray, side: int, sigma: float) -> Tensor:
    """Gaussian heatmaps (1, 98, side, side) around `centre` (98, 2), which is in pixels, x first."""
    y, x = np.mgrid[:side, :side]
    squared = (x - centre[:, :1, None]) ** 2 + (y - centre[:, 1:, None]) ** 2
    return torch.from_numpy(height[:, None, None] * np.exp(-squared / (2 * sigma**2)))[None].float()


def test_masks_of_drawn_heatmaps() -> None:
    rng = np.random.default_rng(11)
    y, x, height = rng.uniform(20, 236, 98), rng.uniform(20, 236, 98), rng.uniform(0.3, 1, 98)
    for level, mask in enumerate(masks_of(spots(height, np.stack((x, y), 1), 256, 6.0))):
        check_against(golden(), f"preprocess.synthetic.mask{level}", mask, 1e-5, 1e-6)
        assert mask.min() >= 0 and mask.max() <= 1


def test_peaks_stand_where_the_spots_are() -> None:
    rng = np.random.default_rng(12)
    centre = rng.uniform(2, 60, (98, 2))
    found = peaks(spots(np.ones(98), centre, 64, 1.5)).numpy() - 0.5
    assert np.abs(found - centre).max() <= 0.26  # a quarter of a pixel, in each direction


def test_alignment_is_the_stored_one() -> None:
    source, reference = (torch.from_numpy(golden()[f"align.{name}_landmarks"]) for name in ("src", "ref"))
    stored = golden()["align.matrix"]
    matrix = alignment(source, reference).numpy()
    np.testing.assert_allclose(matrix[:2, :2], stored[:2, :2], atol=1e-5)  # its sine is sqrt(1 - cosine^2) in float32
    np.testing.assert_allclose(matrix[:, 2], stored[:, 2], atol=2e-3)


@pytest.mark.parametrize("degrees", [0.0, 25.0, -140.0])
def test_alignment_undoes_what_was_done_to_a_face(degrees: float, rng: torch.Generator) -> None:
    reference = torch.from_numpy(golden()["align.ref_landmarks"])
    angle = math.radians(degrees)
    turn = 1.7 * torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = alignment(reference @ turn.T + torch.tensor([30.0, -12.0]), reference)
    torch.testing.assert_close(matrix[:2, :2] @ turn, torch.eye(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(face_axis(reference @ turn.T), turn @ face_axis(reference) / 1.7, atol=1e-5, rtol=0)


def test_the_published_file_holds_more_than_is_used() -> None:
    state = weights(TABLE, "fan")
    wing = {"module.m1.coordconv.conv.weight": torch.zeros(1), "module.bl0.weight": torch.zeros(1)}
    wing |= {f"module.{key}": value for key, value in state.items()}
    assert fan_state({"epoch": 1, "state_dict": wing}).keys() == FaceAlignmentNetwork(FanConfig()).state_dict().keys()
    with pytest.raises(BadWeights, match="state_dict"):
        fan_state({"generator": state})

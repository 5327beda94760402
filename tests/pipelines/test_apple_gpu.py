"""All four methods on an Apple GPU, of which a stand-in refuses what it lacks: see `tests.apple_gpu`."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfake_core.hub.store import save
from deepfake_core.networks.fomm import FirstOrderModel, FommConfig, HourglassConfig
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.editor import AttributeEditor
from deepfake_core.pipelines.synthesizer import StyleSynthesizer
from deepfake_core.pipelines.translator import CycleTranslator
from tests.apple_gpu import OnGpu, apple_gpu
from tests.pipelines.conftest import SIZE

Made = list[np.ndarray]


def both(make: Callable[[str], Made]) -> None:
    """Both devices make the same pictures; the GPU computes in half precision."""
    expected = make("cpu")
    with apple_gpu() as operations:
        made = make("mps")
    assert "convolution" in " ".join(operations) or "conv2d" in operations
    for one, other in zip(made, expected, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 1.5


@pytest.fixture(scope="module")
def aligned_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with positions aligned, as the starters have them."""
    torch.manual_seed(0)
    hourglass = HourglassConfig(base=8, widest=16, levels=2)
    config = FommConfig(
        size=SIZE, keypoints=4, base=8, widest=16, residual_blocks=1, aligned=True, detector=hourglass, motion=hourglass
    )
    path = tmp_path_factory.mktemp("weights") / "aligned.safetensors"
    save(FirstOrderModel(config).state_dict(), path, {"config": json.dumps(asdict(config))}, "fomm")
    return path


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize(("transfer", "best_frame"), [("relative", True), ("absolute", False)])
def test_image_animation(
    tiny_weights: Path, aligned_weights: Path, square: np.ndarray, aligned: bool, transfer: str, best_frame: bool
) -> None:
    weights = aligned_weights if aligned else tiny_weights
    frames = [np.roll(square, step, axis=1) for step in range(3)]

    def make(device: str) -> Made:
        animator = ImageAnimator.from_pretrained(weights, device)
        assert animator.device.type == device
        how = {"transfer": transfer, "best_frame": best_frame}
        return list(animator(square, frames, crop="none", smoothing=0.5, **how))  # type: ignore[arg-type]

    both(make)


def test_inside_the_animation_network(tiny_weights: Path, square: np.ndarray) -> None:
    def make(device: str) -> Made:
        seen = ImageAnimator.from_pretrained(tiny_weights, device).inspect(square, square[:, ::-1])
        assert seen.mask.device.type == "cpu"
        return [255 * seen.warped.numpy(), 255 * seen.mask.numpy()]

    both(make)


def test_cyclegan(home: Path, square: np.ndarray) -> None:
    both(lambda device: [CycleTranslator.from_pretrained("cyclegan-horse2zebra", device)(square, crop="none")])


def test_stargan(home: Path, square: np.ndarray) -> None:
    def make(device: str) -> Made:
        editor = AttributeEditor.from_pretrained("stargan-celeba-128", device)
        seen = editor.read(square, crop="none")
        made = editor(square, {"Blond_Hair": True}, crop="none")
        return [made, 255 * np.array(list(seen.values()))]

    both(make)


@pytest.mark.parametrize("name", ["starganv2-celeba-hq", "starganv2-afhq"])
def test_starganv2(home: Path, square: np.ndarray, name: str) -> None:
    def make(device: str) -> Made:
        synthesizer = StyleSynthesizer.from_pretrained(name, device)
        domain = synthesizer.domains[0]
        latent = synthesizer.from_latent(square, domain=domain, seed=7, crop="none")
        return [synthesizer.from_reference(square, square[:, ::-1], domain=domain, crop="none"), latent]

    both(make)


def test_the_stand_in_refuses() -> None:
    with apple_gpu():
        there = torch.rand(1, 3, 8, 8).to("mps")
        assert isinstance(there, OnGpu) and (there * 2).device.type == "mps" and there.cpu().device.type == "cpu"
        grid = torch.zeros(1, 4, 4, 2, device="mps")
        with pytest.raises(TypeError, match="float64"):
            there.double()
        with pytest.raises(RuntimeError, match="padding mode"):
            torch.nn.functional.grid_sample(there, grid, padding_mode="border", align_corners=True)
        with pytest.raises(RuntimeError, match="expected all tensors to be on mps"):
            there + torch.rand(8)
        with pytest.raises(RuntimeError):
            there.numpy()

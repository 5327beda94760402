"""Small networks with random weights: an animator, and the three translators under published names."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from deepfake_core.faces import Box, cut
from deepfake_core.hub.store import save
from deepfake_core.media.images import read_image
from deepfake_core.networks import cyclegan, fan, stargan, starganv2
from deepfake_core.networks.fomm import FirstOrderModel, FommConfig, HourglassConfig
from deepfake_core.pipelines.animation import AnimationRequest, animate
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.events import Finished, Progress
from tests.media.clips import ffmpeg, make_clip

EXAMPLES = Path(__file__).parents[2] / "examples"
SIZE = 64


@pytest.fixture(scope="package", autouse=True)
def _exactly() -> Iterator[None]:
    """Compute in float32 on every machine: results are compared with the networks' own, number by number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPFAKE_PRECISION", "float32")
        yield


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of a network with random numbers."""
    torch.manual_seed(0)
    hourglass = HourglassConfig(base=8, widest=16, levels=2)
    config = FommConfig(
        size=SIZE, keypoints=4, base=8, widest=16, residual_blocks=1, detector=hourglass, motion=hourglass
    )
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save(FirstOrderModel(config).state_dict(), path, {"config": json.dumps(asdict(config))}, "fomm")
    return path


@pytest.fixture(scope="session")
def animator(tiny_weights: Path) -> ImageAnimator:
    return ImageAnimator.from_pretrained(tiny_weights, "cpu")


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A drawn head from the examples."""
    return EXAMPLES / "portraits" / "amara.png"


@pytest.fixture(scope="session")
def singer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of the singing example, with its sound."""
    path = tmp_path_factory.mktemp("clips") / "singer.mp4"
    ffmpeg(
        "-i",
        EXAMPLES / "clips" / "sing.mp4",
        "-t",
        "1",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-movflags",
        "+faststart",
        path,
    )
    return path


@pytest.fixture(scope="session")
def faceless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of a test pattern."""
    return make_clip(tmp_path_factory.mktemp("clips") / "pattern.mp4", frames=15)


@pytest.fixture(scope="session")
def face(portrait: Path) -> np.ndarray:
    return read_image(portrait)


def tiny_networks() -> Mapping[str, tuple[str, nn.Module]]:
    """Name of published weights -> (method, small network with random numbers)."""
    there, back, alone = (cyclegan.Generator(cyclegan.CycleGanConfig(size=SIZE, base=4, blocks=1)) for _ in range(3))
    critic, blind = (
        stargan.StarGan(stargan.StarGanConfig(size=SIZE, base=4, blocks=1, critic_base=4, critic=critic))
        for critic in (True, False)
    )
    small = starganv2.StarGanV2Config(size=SIZE, base=8, widest=16, style=8, latent=4, mapping_hidden=16)
    animals = replace(small, domains=("cat", "dog", "wild"), high_pass=0.0)
    return {
        "cyclegan-horse2zebra": ("cyclegan", there),
        "cyclegan-zebra2horse": ("cyclegan", back),
        "cyclegan-style_vangogh": ("cyclegan", alone),
        "stargan-celeba-128": ("stargan", critic),
        "stargan-celeba-256": ("stargan", blind),
        "starganv2-celeba-hq": ("starganv2", starganv2.StarGanV2(small)),
        "starganv2-afhq": ("starganv2", starganv2.StarGanV2(animals)),
        "fan-wing": ("fan", fan.FaceAlignmentNetwork(fan.FanConfig(channels=16))),
    }


@pytest.fixture(scope="session")
def translators_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of imported weights: small networks under published names."""
    torch.manual_seed(0)
    home = tmp_path_factory.mktemp("home")
    for name, (network, module) in tiny_networks().items():
        config: Any = module.config
        save(module.state_dict(), home / f"{name}.safetensors", {"config": json.dumps(asdict(config))}, network)
    return home


@pytest.fixture
def home(translators_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, used as the folder of weights."""
    monkeypatch.setenv("DEEPFAKE_HOME", str(translators_home))
    return translators_home


@pytest.fixture
def square(face: np.ndarray) -> np.ndarray:
    """A drawn head, cropped to the size of the small networks."""
    return cut(face, Box(left=0, top=0, side=len(face)), SIZE)


def run(animator: ImageAnimator, **fields: object) -> tuple[list[Progress], Finished]:
    """Animate to the end; return the progress and the end."""
    events = list(animate(animator, AnimationRequest(**fields)))  # type: ignore[arg-type]
    assert isinstance(events[-1], Finished)
    return [event for event in events if isinstance(event, Progress)], events[-1]

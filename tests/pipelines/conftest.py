"""An animator small enough for tests: random weights, 32 pixels."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfake_core.hub.store import save
from deepfake_core.media.images import read_image
from deepfake_core.networks.fomm import FirstOrderModel, FommConfig, HourglassConfig
from deepfake_core.pipelines.animator import ImageAnimator
from tests.media.clips import ffmpeg, make_clip

EXAMPLES = Path(__file__).parents[2] / "examples"
SIZE = 64


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of a network with random numbers in it."""
    torch.manual_seed(0)
    hourglass = HourglassConfig(base=8, widest=16, levels=2)
    config = FommConfig(
        size=SIZE, keypoints=4, base=8, widest=16, residual_blocks=1, detector=hourglass, motion=hourglass
    )
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save(FirstOrderModel(config), path, {"config": json.dumps(asdict(config))}, "fomm")
    return path


@pytest.fixture(scope="session")
def animator(tiny_weights: Path) -> ImageAnimator:
    return ImageAnimator.from_pretrained(tiny_weights, "cpu")


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A drawn head, as it comes with the repository."""
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

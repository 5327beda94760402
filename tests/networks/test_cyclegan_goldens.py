"""CycleGAN's networks against stored outputs of the authors' own code."""

import numpy as np
import pytest
import torch
from torch import Tensor

from deepfake_core.errors import BadWeights
from deepfake_core.hub.key_maps import cyclegan_state, rename
from deepfake_core.networks.cyclegan import (
    CONFIGS,
    CycleGanConfig,
    Generator,
    PatchDiscriminator,
    PatchDiscriminatorConfig,
)
from tests.golden_weights import CYCLEGAN_DISCRIMINATOR, DATA, smooth, weights
from tests.networks.test_fomm_goldens import check_against

TABLE = "cyclegan.keys.json"
LARGEST, MEAN = 1e-4, 1e-5  # differences allowed, from recipe.md


def generator(table: str, config: CycleGanConfig) -> Generator:
    network = Generator(config)
    network.load_state_dict(cyclegan_state(weights(TABLE, table)), strict=True)
    return network.eval()


def discriminator() -> PatchDiscriminator:
    network = PatchDiscriminator()
    network.load_state_dict(rename(weights(TABLE, "D_basic_70x70"), CYCLEGAN_DISCRIMINATOR), strict=True)
    return network.eval()


def picture(kind: str) -> Tensor:
    if kind == "smooth":
        return torch.from_numpy(smooth(256, 7)[None]).float()
    shape = (1, 3, 260, 200) if kind == "noise_260x200" else (1, 3, 256, 256)
    return torch.from_numpy(np.random.default_rng(1234).uniform(-1, 1, shape)).float()


@pytest.fixture(scope="module")
def golden() -> np.lib.npyio.NpzFile:
    return np.load(DATA / "cyclegan.golden.npz")


@torch.no_grad()
def test_nine_blocks(golden: np.lib.npyio.NpzFile) -> None:
    network = generator("G_resnet_9blocks", CONFIGS["cyclegan-horse2zebra"])
    for kind in ("noise", "smooth", "noise_260x200"):
        check_against(golden, f"G9.{kind}", network(picture(kind)), LARGEST, MEAN)


@torch.no_grad()
def test_six_blocks(golden: np.lib.npyio.NpzFile) -> None:
    network = generator("G_resnet_6blocks", CycleGanConfig(blocks=6))
    for kind in ("noise", "smooth"):
        check_against(golden, f"G6.{kind}", network(picture(kind)), LARGEST, MEAN)


@torch.no_grad()
def test_one_channel(golden: np.lib.npyio.NpzFile) -> None:
    network = generator("G_resnet_9blocks_1channel", CycleGanConfig(channels=1))
    check_against(golden, "G9_1channel.noise", network(picture("noise")[:, :1]), LARGEST, MEAN)


@torch.no_grad()
def test_discriminator(golden: np.lib.npyio.NpzFile) -> None:
    network = discriminator()
    for kind in ("noise", "smooth", "noise_260x200"):
        check_against(golden, f"D.{kind}", network(picture(kind)), LARGEST, MEAN)


def test_a_score_sees_70_pixels() -> None:
    """The gradient of one score reaches a square of 70 x 70 pixels and no further (norms aside, which see all)."""
    network = PatchDiscriminator(PatchDiscriminatorConfig(base=4))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("deepfake_core.networks.cyclegan.normalise", lambda x: x)
        image = torch.rand(1, 3, 128, 128, requires_grad=True)
        network(image)[0, 0, 7, 7].backward()
    assert image.grad is not None
    rows, columns = image.grad[0].abs().sum(0).nonzero(as_tuple=True)
    assert int(rows.max() - rows.min()) + 1 == int(columns.max() - columns.min()) + 1 == 70


def test_older_and_dropout_files_load_too() -> None:
    """Files from torch < 0.4 hold running statistics that the network never uses; dropout shifts the second layer."""
    state = weights(TABLE, "G_resnet_9blocks")
    older = {
        **state,
        "model.2.running_mean": torch.zeros(64),
        "model.10.conv_block.2.num_batches_tracked": torch.ones(()),
    }
    assert (
        cyclegan_state(older).keys() == cyclegan_state(state).keys() == Generator(CycleGanConfig()).state_dict().keys()
    )
    with_dropout = weights(TABLE, "G_resnet_9blocks_with_dropout")
    assert cyclegan_state(with_dropout).keys() == cyclegan_state(state).keys()


@pytest.mark.parametrize("wrong", [{}, {"generator": {}}, {"model.0.weight": torch.zeros(1)}, [1]])
def test_another_file_is_refused(wrong: object) -> None:
    with pytest.raises(BadWeights, match="CycleGAN"):
        cyclegan_state(wrong)


@torch.no_grad()
def test_a_blending_generator_can_leave_the_picture_alone(rng: torch.Generator) -> None:
    network = Generator(CycleGanConfig(size=16, base=4, blocks=1, blend=True))
    image = torch.rand(2, 3, 16, 24, generator=rng) * 2 - 1
    assert network.last.bias is not None
    network.last.bias[3] = -100  # the mask is the last channel
    torch.testing.assert_close(network(image), image)
    network.last.bias[3] = 100
    assert float((network(image) - image).abs().mean()) > 0.1

"""Laws of StarGAN v2 that hold for any weights, on small networks."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from torch import Tensor

from deepfake_core.errors import BadRequest, BadWeights
from deepfake_core.hub.key_maps import starganv2_state
from deepfake_core.networks.layers import Masks
from deepfake_core.networks.starganv2 import (
    CONFIGS,
    Discriminator,
    Generator,
    HighPass,
    Painted,
    StarGanV2,
    StarGanV2Config,
    StyledResidual,
    joined,
    surroundings,
)

SMALL = StarGanV2Config(size=64, domains=("cat", "dog", "wild"), base=8, widest=32, mapping_hidden=32, high_pass=0.0)
MASKED = StarGanV2Config(size=64, base=8, widest=32, mapping_hidden=32)
SKIPPING = StarGanV2Config(size=64, base=8, widest=32, mapping_hidden=32, high_pass=0.0, blend=True, skips=True)
EVERY = pytest.mark.parametrize("config", [SMALL, MASKED, SKIPPING], ids=["plain", "masked", "skipping"])


def images(count: int, size: int, rng: torch.Generator) -> Tensor:
    return torch.rand(count, 3, size, size, generator=rng) * 2 - 1


@EVERY
@torch.no_grad()
def test_a_seed_names_one_picture(config: StarGanV2Config, rng: torch.Generator) -> None:
    model, image = StarGanV2(config).eval(), images(1, config.size, rng)

    def made(seed: int) -> Tensor:
        latent = torch.randn(1, config.latent, generator=torch.Generator().manual_seed(seed))
        return model.generator(image, model.mapping(latent, torch.tensor([1])))

    assert torch.equal(made(7), made(7))
    assert (made(7) - made(8)).abs().mean() > 1e-3


@EVERY
@torch.no_grad()
def test_company_does_not_matter(config: StarGanV2Config, rng: torch.Generator) -> None:
    model, judge, image = StarGanV2(config), Discriminator(config), images(3, config.size, rng)
    domain, latent = torch.tensor([0, 1, 0]), torch.randn(3, config.latent, generator=rng)
    masks = Masks(*torch.rand(2, 3, 1, 256, 256, generator=rng))

    def everything(part: slice) -> list[Tensor]:
        style = model.style_encoder(image[part], domain[part])
        made = model.generator(image[part], style, Masks(*(mask[part] for mask in masks)))
        return [style, made, model.mapping(latent[part], domain[part]), judge(made, domain[part])]

    for together, alone in zip(everything(slice(0, 3)), everything(slice(1, 2)), strict=True):
        torch.testing.assert_close(together[1:2], alone, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_each_domain_has_its_own_branch(rng: torch.Generator) -> None:
    model, judge = StarGanV2(SMALL), Discriminator(SMALL)
    image, latent = images(1, 64, rng).expand(3, -1, -1, -1), torch.randn(1, 16, generator=rng).expand(3, -1)
    domain = torch.arange(3)
    for outputs in (model.mapping(latent, domain), model.style_encoder(image, domain), judge(image, domain)):
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert (outputs[one] - outputs[other]).abs().mean() > 1e-3
    swapped = model.style_encoder(image, domain.flip(0)).flip(0)
    torch.testing.assert_close(swapped, model.style_encoder(image, domain), atol=1e-4, rtol=1e-4)


@EVERY
@torch.no_grad()
def test_interpolating_styles_is_continuous(config: StarGanV2Config, rng: torch.Generator) -> None:
    model = StarGanV2(config)
    encoded = model.generator.encode(images(1, config.size, rng))
    start, end = model.mapping(torch.randn(2, config.latent, generator=rng), torch.tensor([0, 1]))

    def frames(count: int) -> Tensor:
        styles = torch.lerp(start, end, torch.linspace(0, 1, count)[:, None])
        return model.generator.decode(encoded.repeat(count), styles)

    coarse, fine = (frames(count).diff(dim=0).abs().mean(dim=(1, 2, 3)) for count in (9, 33))
    assert fine.max() < 0.5 * coarse.max()  # steps a quarter as long change less
    assert (frames(9)[0] - frames(9)[-1]).abs().mean() > 1e-3


@EVERY
@torch.no_grad()
def test_a_source_is_encoded_once_for_many_styles(config: StarGanV2Config, rng: torch.Generator) -> None:
    generator, image = StarGanV2(config).generator, images(1, config.size, rng)
    styles = torch.randn(3, config.style, generator=rng)
    together = generator.decode(generator.encode(image).repeat(3), styles)
    torch.testing.assert_close(together, generator(image.expand(3, -1, -1, -1), styles), atol=2e-4, rtol=1e-4)


@torch.no_grad()
def test_masks_let_edges_through_where_they_are(rng: torch.Generator) -> None:
    generator, image, style = StarGanV2(MASKED).generator, images(1, 64, rng), torch.randn(1, 64, generator=rng)
    nothing, everything = (Masks(*torch.full((2, 1, 1, 64, 64), value)) for value in (0.0, 1.0))
    assert torch.equal(generator(image, style, nothing), generator(image, style))
    assert (generator(image, style, everything) - generator(image, style)).abs().mean() > 1e-2
    flat = HighPass(1.0)(torch.full((1, 2, 6, 6), 0.7))
    torch.testing.assert_close(flat[..., 1:-1, 1:-1], torch.zeros(1, 2, 4, 4), atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_bottleneck_is_that_of_the_paper(rng: torch.Generator) -> None:
    for size in (128, 256):
        for high_pass, side in ((1.0, 8), (0.0, 16)):
            config = StarGanV2Config(size=size, base=2, widest=8, high_pass=high_pass)
            features = StarGanV2(config).generator.encode(images(1, size, rng)).features
            assert features.shape == (1, 8, side, side)
    assert StarGanV2Config(size=128).width(0) == 128 and StarGanV2Config(size=256).width(0) == 64


@torch.no_grad()
def test_a_blending_generator_can_leave_the_picture_alone(rng: torch.Generator) -> None:
    generator, image = StarGanV2(SKIPPING).generator, images(2, 64, rng)
    generator.to_rgb.weight[3] = 0
    for bias, same in ((-30.0, True), (30.0, False)):
        assert generator.to_rgb.bias is not None
        generator.to_rgb.bias[3] = bias
        made = generator(image, torch.randn(2, 64, generator=rng))
        assert torch.allclose(made, image, atol=1e-6) is same


def test_surroundings_keep_what_is_kept_and_spread_it_into_holes(rng: torch.Generator) -> None:
    image = torch.rand(2, 3, 32, 32, generator=rng) * 2 - 1
    torch.testing.assert_close(surroundings(image, torch.ones(2, 1, 32, 32)), image)
    kept = torch.ones(2, 1, 32, 32)
    kept[:, :, 8:24, 8:24] = 0
    filled = surroundings(image, kept)
    torch.testing.assert_close(filled[:, :, :8], image[:, :, :8])
    assert filled.abs().max() <= 1
    other = torch.where(kept > 0, image, torch.tensor(5.0))
    torch.testing.assert_close(surroundings(other, kept), filled)  # the hole's content plays no part
    plain = torch.full_like(image, 0.3)
    torch.testing.assert_close(surroundings(plain, kept), plain)
    slope = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
    assert (surroundings(slope, kept[:1]) - slope).abs().mean() < 0.03


def test_a_filling_generator_can_remove_what_the_source_hid(rng: torch.Generator) -> None:
    """A dark square before a plain background, where the mask is and the fill is chosen."""
    image = torch.full((1, 3, 64, 64), 0.4)
    image[:, :, 20:40, 20:40] = -1.0
    logits = torch.full((1, 1, 64, 64), -20.0)
    logits[:, :, 18:42, 18:42] = 20.0
    painted = Painted(torch.zeros_like(image), logits, torch.full_like(logits, 20.0))
    torch.testing.assert_close(joined(image, painted), torch.full_like(image, 0.4))
    network = Generator(replace(SKIPPING, fill=True))
    assert network.to_rgb.out_channels == 5
    encoded, style = network.encode(torch.rand(1, 3, 64, 64, generator=rng)), torch.randn(1, 64, generator=rng)
    assert network.paint(encoded, style).fill is not None
    with pytest.raises(BadRequest, match="blend"):
        replace(SKIPPING, blend=False, fill=True)


def test_a_smooth_generator_leaves_no_lattice(rng: torch.Generator) -> None:
    """Enlarged by repetition, a column differs from one neighbour only; enlarged smoothly, a ramp stays a ramp."""
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    for smooth, second in ((False, 1.0), (True, 0.0)):
        block = StyledResidual(4, 4, StarGanV2Config(size=64, smooth=smooth), enlarge=True)
        inner = block.resize(ramp)[0, 0, 8, 2:-2]
        assert inner.diff().diff().abs().max() == second


def test_the_config_survives_a_weights_file() -> None:
    for config in (*CONFIGS.values(), SKIPPING):
        assert StarGanV2Config.from_dict(json.loads(json.dumps(asdict(config)))) == config
    with pytest.raises(BadRequest, match="power of two"):
        StarGanV2Config(size=200)


def test_files_of_parallel_training_load_and_others_are_refused() -> None:
    with pytest.raises(BadWeights, match="mapping_network"):
        starganv2_state({"generator": {}})
    layers = {
        "hpf.filter": torch.zeros(3, 3),
        "decode.4.conv1x1.weight": torch.zeros(1),
        "from_rgb.bias": torch.ones(1),
    }
    parts = {
        "generator": {f"module.{key}": value for key, value in layers.items()},
        "mapping_network": {"module.unshared.1.6.bias": torch.ones(1)},
        "style_encoder": {"module.shared.0.bias": torch.ones(1), "module.unshared.0.bias": torch.ones(1)},
    }
    assert set(starganv2_state(parts)) == {
        "generator.from_rgb.bias",
        "mapping.branches.1.3.bias",
        "style_encoder.trunk.from_rgb.bias",
        "style_encoder.branches.0.bias",
    }

"""StarGAN v2 against stored outputs of the paper's own code: all its networks, with and without masks.

The networks are large: styles and scores are compared under the lively weights alone, whose numbers are larger, and
each source is encoded once for all the pictures that are stored of it.
"""

from typing import NamedTuple

import numpy as np
import pytest
import torch

from deepfake_core.networks.layers import Masks
from deepfake_core.networks.starganv2 import (
    Discriminator,
    Encoded,
    HighPass,
    StarGanV2,
)
from tests.golden_weights import DATA
from tests.networks.test_fomm_goldens import check_against
from tests.starganv2_goldens import (
    AFHQ,
    CELEBA,
    Stored,
    discriminator,
    fan,
    fixed_masks,
    fixed_style,
    latents,
    pictures,
    starganv2,
)

KINDS = ("noise", "smooth")
PICTURES = {  # (file, what is stored under "G1.smooth.", say): the largest and the mean difference, from recipe.md
    "G1": {
        ("starganv2", "s_fixed.nomask"): (1e-3, 1e-4),
        ("starganv2", "s_fixed.masks_fixed"): (5e-4, 5e-5),
        ("starganv2_lively", "s_mapping.nomask"): (1e-3, 1e-4),
        ("starganv2_lively", "s_fixed.masks_from_fan"): (5e-4, 5e-5),
    },
    "G0": {
        ("starganv2", "s_fixed.nomask"): (5e-4, 5e-5),
        ("starganv2_lively", "s_mapping.nomask"): (5e-4, 5e-5),
    },
}


class Networks(NamedTuple):
    stored: Stored
    model: StarGanV2
    discriminator: Discriminator


@pytest.fixture(scope="module", params=[CELEBA, AFHQ], ids=lambda stored: stored.config)
def networks(request: pytest.FixtureRequest) -> Networks:
    stored = request.param
    return Networks(stored, starganv2(stored, lively=True), discriminator(stored, lively=True))


@pytest.mark.slow
@torch.no_grad()
def test_styles_and_scores(networks: Networks) -> None:
    golden, count = np.load(DATA / "starganv2_lively.golden.npz"), networks.stored.domains
    domain = torch.tensor([0, 1] if count == 2 else [2, 1])
    style = networks.model.mapping(latents(), domain)
    np.testing.assert_allclose(style, golden[f"mapping{count}.s"], atol=1e-5)
    for kind in KINDS:
        read = networks.model.style_encoder(pictures(kind), domain)
        np.testing.assert_allclose(read, golden[f"style_encoder{count}.{kind}.s"], atol=3e-5)
        scores = networks.discriminator(pictures(kind), domain)
        np.testing.assert_allclose(scores, golden[f"discriminator{count}.{kind}"], atol=3e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_every_picture(networks: Networks, kind: str) -> None:
    name, model = networks.stored.generator, networks.model
    encoded = model.generator.encode(pictures(kind))
    for (file, entry), tolerance in PICTURES[name].items():
        golden = np.load(DATA / f"{file}.golden.npz")
        source, style = encoded, fixed_style()
        if "s_mapping" in entry:
            source, style = first(encoded), first_style(golden)
        made = model.generator.decode(source, style, masks(entry, kind))
        check_against(golden, f"{name}.{kind}.{entry}", made, *tolerance)


def first(encoded: Encoded) -> Encoded:
    """The first of the encoded pictures."""
    skips = {side: skip[:1] for side, skip in encoded.skips.items()}
    return Encoded(encoded.image[:1], encoded.features[:1], skips)


def first_style(golden: np.lib.npyio.NpzFile) -> torch.Tensor:
    """The stored style that the generator was shown, whatever the number of its domains."""
    return torch.from_numpy(golden["mapping2.s"])[:1]


def masks(entry: str, kind: str) -> Masks | None:
    if "masks_fixed" in entry:
        return fixed_masks()
    return fan(lively=True).masks(pictures(kind)) if "masks_from_fan" in entry else None


def test_the_filter_is_the_authors() -> None:
    file = np.load(DATA / "starganv2_lively.golden.npz")
    np.testing.assert_array_equal(HighPass(1.0).kernel, file["hpf.filter"])

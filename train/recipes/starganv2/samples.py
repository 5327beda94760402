"""Sample grid of StarGAN v2: sources in the styles of references and of latents."""

import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.utils import make_grid

from deepfake_core.networks.starganv2 import StarGanV2
from train.recipes.starganv2.data import Data
from train.recipes.starganv2.losses import FindMasks

SOURCES, STYLES = 4, 6


def style_samples(
    model: StarGanV2,
    data: Data,
    generator: torch.Generator,
    find_masks: FindMasks | None,
) -> Float[Tensor, "3 h w"]:
    """Sources on the left, references on top, results between them; below, the first source in styles of latents."""
    samples = data.sample(STYLES, generator)
    count = len(data.domains)
    device = generator.device
    sources = samples.source[:SOURCES]
    domain = torch.arange(STYLES, device=device) % count  # every domain, independent of the random ones
    references = torch.stack([of_domain(data, index, generator) for index in domain.tolist()])
    styles = model.style_encoder(references, domain)
    rows = [torch.cat((torch.ones_like(references[:1]), references))]

    def row(source: Float[Tensor, "1 3 s s"], styles: Float[Tensor, "b z"]) -> Float[Tensor, "c 3 s s"]:
        many = source.expand(len(styles), -1, -1, -1)
        masks = None if find_masks is None else find_masks(many)
        return torch.cat((source, model.generator(many, styles, masks)))

    rows += [row(source[None], styles) for source in sources]
    latents = torch.randn(STYLES, model.config.latent, generator=generator, device=device)
    for index in range(count):
        rows.append(row(sources[:1], model.mapping(latents, torch.full_like(domain, index))))
    return make_grid((torch.cat(rows) + 1).clamp(0, 2) / 2, nrow=STYLES + 1, padding=2)


def of_domain(data: Data, domain: int, generator: torch.Generator) -> Float[Tensor, "3 s s"]:
    """Draw until an image of the domain appears."""
    while True:
        samples = data.sample(4, generator)
        for image, its in zip(samples.reference, samples.domain.tolist(), strict=True):
            if its == domain:
                return image

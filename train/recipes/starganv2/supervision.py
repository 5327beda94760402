"""Supervision of StarGAN v2 by drawn truth, and matching of the mapping network's styles to the encoder's.

Adversarial training alone takes days to learn what a style is. In a drawn world the source can be drawn with the
reference's appearance, so generator and style encoder are trained by regression. Once the styles of real images are
known, the mapping network only has to match their distribution, which requires no generated images.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from deepfake_core.errors import BadRequest
from deepfake_core.metrics.distribution import energy_distance
from deepfake_core.networks.starganv2 import MappingNetwork
from deepfake_core.synthetic.render.layers import LEAST_COAT
from train.common.perceptual import PixelsAndRandomFeatures, Pyramid, perceptual

DIFFERENT = 0.03  # of pixels in [-1, 1]: about four of 255 levels
GAP = 9  # pixels, odd
LATENTS = 96  # styles per domain that a step compares with the memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervision:
    """Weights of the terms that compare with the drawn truth; all zero for images without truth."""

    truth: float = 0.0
    """Mean |generated - truth|, for the source in the style of the reference."""
    features: float = 0.0
    """The same for fixed random features at four scales (`train.common.perceptual`), so that edges count."""
    styles: float = 0.0
    """Energy distance of mapped latents to styles of references; it trains the mapping network only."""
    styles_from: int = 0
    """Step from which that is done. With `--weights`, wait until the memory, which starts at random, is filled."""
    domain_features: float = 0.0
    """Mean difference of the features of a domain classifier, which is trained together with the generator."""
    domain: float = 0.0
    """Cross entropy of the classifier with the target domain."""
    colours: float = 0.0
    """Difference of the mean colours of hair or fur, which hardly change a mean over all pixels."""
    mask: float = 0.0
    """Binary cross entropy of the mask of `network.blend` with the region in which truth and source differ. Without
    it the mask is undecided where the truth is uncertain, and the source shines through."""
    attributes: float = 0.0
    """Mean squared error of the reference's attributes, predicted linearly from its style."""
    classifier_from: int = 300
    """Step from which the classifier's terms are used, as it must be trained first."""
    truth_first: int = 0
    """Steps without the published losses; a step with them costs about as much as six without."""
    every: int = 1
    """Afterwards, the published losses are used at every n-th step."""

    def __post_init__(self) -> None:
        """Raise `BadRequest` for terms of the classifier without truth to compare with."""
        if self.uses_classifier and not max(self.truth, self.features) > 0:
            raise BadRequest(
                "supervision.domain_features and supervision.domain require supervision.truth or supervision.features"
            )

    @property
    def uses_classifier(self) -> bool:
        """Whether a domain classifier is trained."""
        return max(self.domain_features, self.domain) > 0

    def truth_weights(self, step: int) -> dict[str, float]:
        """Weights of the terms that compare images; empty without supervision."""
        terms = {
            "truth": self.truth,
            "features": self.features,
            "colours": self.colours,
            "mask": self.mask,
            "attributes": self.attributes,
        }
        if step >= self.classifier_from:
            terms |= {"domain_features": self.domain_features, "domain": self.domain}
        return {name: weight for name, weight in terms.items() if weight > 0}

    def published(self, step: int) -> bool:
        """Whether the published losses are used at a step."""
        return step >= self.truth_first and (step - self.truth_first) % self.every == 0

    def turn(self, step: int) -> int:
        """How many steps with the published losses came before a step, if it is one of them."""
        return (step - self.truth_first) // self.every


class ImageDistance(nn.Module):
    """Distance of images in [-1, 1] to the truth, in pixels and in fixed random features."""

    def __init__(self) -> None:
        super().__init__()
        self.pyramid, self.features = Pyramid(), PixelsAndRandomFeatures()

    def forward(self, generated: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"]) -> dict[str, Tensor]:
        return {
            "truth": (generated - truth).abs().mean(),
            "features": perceptual(self.pyramid, self.features, (generated + 1) / 2, (truth + 1) / 2),
        }


def colour_difference(
    generated: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"], coat: Bool[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Mean difference of the images' mean colours within `coat`; images with less than `LEAST_COAT` do not count."""
    area = coat.sum(dim=(1, 2))
    first, second = ((each * coat[:, None]).sum(dim=(2, 3)) / area.clamp_min(1)[:, None] for each in (generated, truth))
    counts = area > LEAST_COAT * coat[0].numel()
    return ((first - second).abs().mean(dim=1) * counts).sum() / counts.sum().clamp_min(1)


def mask_difference(
    logits: Float[Tensor, "b 1 h w"], source: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, ""]:
    """Binary cross entropy of a mask with the region in which the truth differs from the source."""
    return F.binary_cross_entropy_with_logits(logits.float(), changed_region(source, truth))


def changed_region(source: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    """1 where the truth differs from the source, and in gaps of up to `GAP` pixels between, 0 elsewhere.

    Morphological closing: a pixel of equal colour amid changed hair is to be generated as well, or the source's hair
    shines through.
    """
    differs = ((truth - source).abs().amax(dim=1, keepdim=True) > DIFFERENT).float()
    grown = F.max_pool2d(differs, GAP, stride=1, padding=GAP // 2)
    return 1 - F.max_pool2d(1 - grown, GAP, stride=1, padding=GAP // 2)


class StyleMemory(nn.Module):
    """The latest styles of the encoder for each domain: a ring buffer, saved in the checkpoint."""

    styles: Tensor
    place: Tensor

    def __init__(self, domains: int, style: int, capacity: int = 160) -> None:
        super().__init__()
        self.register_buffer("styles", torch.randn(domains, capacity, style))
        self.register_buffer("place", torch.zeros(domains, dtype=torch.long))

    @torch.no_grad()
    def keep(self, style: Float[Tensor, "b s"], domain: Int[Tensor, "b"]) -> None:
        """Overwrite the oldest styles of each domain."""
        for index in range(len(self.styles)):
            new = style[domain == index].float()
            places = (self.place[index] + torch.arange(len(new), device=new.device)) % self.styles.shape[1]
            self.styles[index, places] = new
            self.place[index] = (self.place[index] + len(new)) % self.styles.shape[1]

    def distance(self, mapping: MappingNetwork, latents: Float[Tensor, "d n l"]) -> Float[Tensor, ""]:
        """Mean over the domains of the energy distance between mapped latents and the memory."""
        domains, count, _ = latents.shape
        domain = torch.arange(domains, device=latents.device).repeat_interleave(count)
        with torch.autocast(latents.device.type, enabled=False):  # differences of distances require full precision
            mapped = mapping(latents.flatten(0, 1), domain).unflatten(0, (domains, count))
            return torch.stack([energy_distance(*pair) for pair in zip(mapped, self.styles, strict=True)]).mean()

"""Guidance of StarGAN v2 where pictures are drawn: the truth of a redrawn picture, and styles for latents to match.

An adversarial loss alone needs days to find out what a style is. In a drawn world the source with the reference's looks
can be drawn, so generator and style encoder learn it by regression; and once styles of real pictures are known, the
mapping network need only make styles that are distributed like them, for which no picture has to be made at all.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from deepfake_core.errors import BadRequest
from deepfake_core.networks.starganv2 import MappingNetwork
from deepfake_core.synthetic.render.layers import LEAST_COAT
from train.common.perceptual import Pyramid, RandomFeatures, perceptual

LATENTS = 96  # styles of each domain that one step compares with the memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance:
    """Weights of the terms that compare with the drawn truth; all zero for pictures without one."""

    truth: float = 0.0
    """Mean |made - truth|: the source redrawn in the style read from the reference."""
    features: float = 0.0
    """The same of fixed random features at four sizes (`train.common.perceptual`): edges count too."""
    styles: float = 0.0
    """Energy distance of mapped latents to styles read from references; it moves the mapping network alone."""
    read: float = 0.0
    """Mean difference of the features that a reader of domains, trained beside it, finds (`domain_classifier`)."""
    domain: float = 0.0
    """Cross entropy of the wanted domain, as the reader sees it."""
    colours: float = 0.0
    """Difference of the mean colours where the truth shows hair or fur, which a mean over all pixels hardly tells."""
    read_from: int = 300
    """Step from which the reader, which has to learn first, is listened to."""
    truth_first: int = 0
    """Steps in which the published losses wait: one costs about as much as six with the truth alone."""
    every: int = 1
    """Afterwards the published losses take part in every so-many-th step."""

    def __post_init__(self) -> None:
        """Refuse a reader that has no truth to compare with."""
        if self.reads and not max(self.truth, self.features) > 0:
            raise BadRequest("guidance.read and guidance.domain go with guidance.truth or guidance.features")

    @property
    def reads(self) -> bool:
        """Whether a reader is trained."""
        return max(self.read, self.domain) > 0

    def truth_weights(self, step: int) -> dict[str, float]:
        """Of the terms about pictures; empty without guidance."""
        terms = {"truth": self.truth, "features": self.features, "colours": self.colours}
        if step >= self.read_from:
            terms |= {"read": self.read, "domain": self.domain}
        return {name: weight for name, weight in terms.items() if weight > 0}

    def published(self, step: int) -> bool:
        """Whether the published losses take part in a step."""
        return step >= self.truth_first and (step - self.truth_first) % self.every == 0


class PictureDistance(nn.Module):
    """How far pictures in [-1, 1] are from the truth, in pixels and in fixed random features."""

    def __init__(self) -> None:
        super().__init__()
        self.pyramid, self.features = Pyramid(), RandomFeatures()

    def forward(self, made: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"]) -> dict[str, Tensor]:
        return {
            "truth": (made - truth).abs().mean(),
            "features": perceptual(self.pyramid, self.features, (made + 1) / 2, (truth + 1) / 2),
        }


def colour_difference(
    made: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"], coat: Bool[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Mean difference of the two pictures' mean colours within `coat`; pictures with hardly any do not count."""
    area = coat.sum(dim=(1, 2))
    first, second = ((each * coat[:, None]).sum(dim=(2, 3)) / area.clamp_min(1)[:, None] for each in (made, truth))
    counts = area > LEAST_COAT * coat[0].numel()
    return ((first - second).abs().mean(dim=1) * counts).sum() / counts.sum().clamp_min(1)


class StyleMemory(nn.Module):
    """The styles of each domain that the encoder read last; a ring, kept in the checkpoint as buffers."""

    styles: Tensor
    place: Tensor

    def __init__(self, domains: int, style: int, capacity: int = 160) -> None:
        super().__init__()
        self.register_buffer("styles", torch.randn(domains, capacity, style))
        self.register_buffer("place", torch.zeros(domains, dtype=torch.long))

    @torch.no_grad()
    def keep(self, style: Float[Tensor, "b s"], domain: Int[Tensor, "b"]) -> None:
        """Write styles over the oldest ones of their domains."""
        for index in range(len(self.styles)):
            new = style[domain == index].float()
            places = (self.place[index] + torch.arange(len(new), device=new.device)) % self.styles.shape[1]
            self.styles[index, places] = new
            self.place[index] = (self.place[index] + len(new)) % self.styles.shape[1]

    def distance(self, mapping: MappingNetwork, latents: Float[Tensor, "d n l"]) -> Float[Tensor, ""]:
        """Mean over the domains of the energy distance between mapped latents and the memory."""
        domains, count, _ = latents.shape
        domain = torch.arange(domains, device=latents.device).repeat_interleave(count)
        with torch.autocast(latents.device.type, enabled=False):  # differences of distances need the digits
            mapped = mapping(latents.flatten(0, 1), domain).unflatten(0, (domains, count))
            return torch.stack([energy_distance(*pair) for pair in zip(mapped, self.styles, strict=True)]).mean()


def energy_distance(first: Float[Tensor, "n d"], second: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
    """Szekely & Rizzo (2013): 2 E|X - Y| - E|X - X'| - E|Y - Y'|, without bias; 0 on average for one distribution."""
    return 2 * torch.cdist(first, second).mean() - mean_distance(first) - mean_distance(second)


def mean_distance(points: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """The mean distance of two different points."""
    count = len(points)
    return torch.cdist(points, points).sum() / (count * (count - 1))

"""The intermediate results of StarGAN v2 for one picture and some styles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.networks.layers import resize_like
from deepfake_core.networks.starganv2 import StyledResidual, generated
from deepfake_core.pipelines.synthesizer import Source, StyleSynthesizer

POINTS = 150
"""Latents of each domain in the cloud."""
SEED = 0
"""Of these latents."""
MIXES = 3
"""Numbers of blocks at which styles are mixed: the last ones, where a single block still shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StylesInspection:
    """Tensors on the CPU. A is the first style and B the second; pictures are in [-1, 1]."""

    image: Float[Tensor, "3 h w"]
    """x."""
    styles: Float[Tensor, "n s"]
    """The style codes; at least A and B."""
    cloud: Float[Tensor, "d p s"]
    """Codes of `POINTS` random latents in each domain."""
    affine: tuple[Float[Tensor, "n 2 _"], ...]
    """gamma and beta, which each layer of AdaIN predicts from the styles, in the order of the computation."""
    plain: Float[Tensor, "n 3 h w"]
    """x in each style."""
    mixed: Mapping[int, Float[Tensor, "2 3 h w"]]
    """For some numbers of blocks: the first ones in A and the others in B, then the other way round."""
    blend: tuple[Float[Tensor, "h w"], Float[Tensor, "3 h w"]] | None
    """The mask m of A, 0 to 1, and the generated colours, not strictly in [-1, 1]; None without a blended output."""
    kept: Float[Tensor, "2 h w"] | None
    """The coarse and the fine mask of the face, whose edges are passed on; None without the high-pass filter."""


def inspect(synthesizer: StyleSynthesizer, source: Source, styles: Sequence[Float[Tensor, "s"]]) -> StylesInspection:
    """Everything for an encoded source and at least two styles."""
    first, second = styles[0], styles[1]
    blocks = len(synthesizer.network.generator.decoder)
    height, width = source.encoded.image.shape[2:]
    pairs = ((first, second), (second, first))
    counts = range(max(1, blocks - MIXES), blocks)
    mixed = decoded(synthesizer, source, torch.stack([mix(*pair, blocks, count) for count in counts for pair in pairs]))
    cloud = [synthesizer.map_latents(POINTS, SEED, domain) for domain in synthesizer.domains]
    return StylesInspection(
        image=source.encoded.image[0].cpu().float(),
        styles=torch.stack(list(styles)).cpu(),
        cloud=torch.stack(cloud),
        affine=tuple(affine(synthesizer, torch.stack(list(styles)))),
        plain=decoded(synthesizer, source, torch.stack(list(styles))),
        mixed=dict(zip(counts, mixed.unflatten(0, (-1, 2)), strict=True)),
        blend=_blend(synthesizer, source, first),
        kept=None
        if source.masks is None
        else torch.cat([resize_like(one, (height, width))[0] for one in source.masks]).cpu(),
    )


def mix(coarse: Float[Tensor, "s"], fine: Float[Tensor, "s"], blocks: int, count: int) -> Float[Tensor, "k s"]:
    """A style for each of `blocks` blocks: the first `count` have the coarse one, the others the fine one."""
    return torch.stack([coarse if place < count else fine for place in range(blocks)])


def decoded(
    synthesizer: StyleSynthesizer, source: Source, styles: Float[Tensor, "n s"] | Float[Tensor, "n k s"]
) -> Float[Tensor, "n 3 h w"]:
    """The source in each style, or with a style for each block of the decoder; within [-1, 1], as pictures are."""

    def run(part: Sequence[Tensor]) -> Tensor:
        many = torch.stack(list(part)).to(synthesizer.device)
        return synthesizer.network.generator.decode(source.encoded.repeat(len(part)), many, source.masks)

    return torch.cat(synthesizer.runtime.parts(list(styles), run)).clamp(-1, 1).cpu()


def affine(synthesizer: StyleSynthesizer, styles: Float[Tensor, "n s"]) -> Iterator[Float[Tensor, "n 2 c"]]:
    """gamma and beta of each layer of AdaIN, two layers a block."""
    on_device = styles.to(synthesizer.device)
    with torch.inference_mode():
        for block in synthesizer.network.generator.decoder:
            assert isinstance(block, StyledResidual)
            for norm in (block.norm1, block.norm2):
                yield norm.affine(on_device).unflatten(1, (2, -1)).float().cpu()


def _blend(
    synthesizer: StyleSynthesizer, source: Source, style: Float[Tensor, "s"]
) -> tuple[Float[Tensor, "h w"], Float[Tensor, "3 h w"]] | None:
    network = synthesizer.network.generator
    if not network.blend:
        return None
    painted = synthesizer.runtime(
        lambda: network.paint(source.encoded, style[None].to(synthesizer.device), source.masks)
    )
    assert painted.logits is not None
    shown = generated(source.encoded.image, painted)
    return painted.logits.sigmoid()[0, 0].cpu(), shown[0].cpu()

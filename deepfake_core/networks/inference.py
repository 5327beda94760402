"""The First Order Motion Model optimised for inference: the same function with fewer operations.

Three identities are used, all exact up to rounding:

- batch norm in evaluation mode is an affine map of each channel, which can be folded into the preceding convolution;
- a 3x3 convolution after nearest-neighbour upsampling reads each pixel two or three times, so four 2x2 convolutions at
  the low resolution, one for each position in the 2x2 block, give the same result with 4/9 of the multiplications;
- a convolution with few outputs leaves most of a CPU's vector units, which process 16 channels at a time, unused:
  computing 2x2 pixels as 12 channels at half the resolution fills them.

In addition, tensors use the channels-last memory format, the fastest for convolutions on a CPU, and activations are
computed in place. Winograd convolution with batched matrix products was not faster than oneDNN's direct convolution.
"""

import copy

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from deepfake_core.networks.fomm import ConvNormReLU, FirstOrderModel, Generator, Hourglass, Residual, Up

SMALLEST = 8
"""Input side from which `FastUp` is faster; below, reading 16/9 times as many weights costs more than it saves."""


def prepare(model: FirstOrderModel) -> FirstOrderModel:
    """A copy of `model` for inference, on the same device; it cannot be trained or saved.

    Any batch size; `.half()` or `.bfloat16()` may follow, which leave keypoints and grids in float32.
    """
    fast = copy.deepcopy(model).eval().requires_grad_(False)
    config = fast.config
    speed_up_hourglass(fast.keypoint_detector.hourglass, round(config.size * config.detector.scale))
    speed_up_hourglass(fast.dense_motion.hourglass, round(config.size * config.motion.scale))
    speed_up_generator(fast.generator)
    return fast.to(memory_format=torch.channels_last)


def speed_up_hourglass(hourglass: Hourglass, side: int) -> None:
    """Replace every block by its fast counterpart; `side` is the side of the hourglass's input."""
    hourglass.encoder = nn.ModuleList(FastDown(block) for block in hourglass.encoder)  # type: ignore[arg-type]
    levels = len(hourglass.decoder)
    for index, block in enumerate(hourglass.decoder):
        worth_it = side >> (levels - index) >= SMALLEST
        hourglass.decoder[index] = (FastUp if worth_it else FoldedUp)(block)  # type: ignore[arg-type]


def speed_up_generator(generator: Generator) -> None:
    """Replace every block by its fast counterpart."""
    generator.first = FastConv(generator.first)  # type: ignore[assignment]
    generator.down = nn.ModuleList(FastDown(block) for block in generator.down)  # type: ignore[arg-type]
    generator.residual = nn.ModuleList(FastResidual(block) for block in generator.residual)  # type: ignore[arg-type]
    generator.up = nn.ModuleList(FastUp(block) for block in generator.up)  # type: ignore[arg-type]
    if generator.join is not None:
        generator.join = FastConv(generator.join)  # type: ignore[assignment]
    if len(generator.up) > 0 and generator.patch == 1:  # the picture has even sides and few channels
        generator.final = PackedConv(generator.final)  # type: ignore[assignment]


def convolution(
    weight: Float[Tensor, "d c kh kw"], bias: Float[Tensor, "d"], *, padding: int, stride: int = 1
) -> nn.Conv2d:
    """A fixed convolution with the given weights."""
    after, before, *kernel = weight.shape
    made = nn.utils.skip_init(
        nn.Conv2d,
        before,
        after,
        tuple(kernel),
        stride=stride,
        padding=padding,
        device=weight.device,
        dtype=weight.dtype,
    )
    made.weight.data.copy_(weight)
    made.bias.data.copy_(bias)
    return made.requires_grad_(False)


class FastConv(nn.Module):
    """Convolution with folded batch norm, then ReLU."""

    def __init__(self, block: ConvNormReLU) -> None:
        super().__init__()
        self.conv = fuse_conv_bn_eval(block.conv, block.norm)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        return F.relu_(self.conv(x))


class FastDown(FastConv):
    """`FastConv`, then average pooling to half the resolution."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return F.avg_pool2d(super().forward(x), 2)


class FoldedUp(FastConv):
    """Nearest-neighbour upsampling to twice the resolution, then `FastConv`."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return super().forward(F.interpolate(x, scale_factor=2.0))


def doubled_kernel(weight: Float[Tensor, "d c 3 3"]) -> Float[Tensor, "4*d c 2 2"]:
    """The 2x2 kernels whose result on a picture equals that of the 3x3 kernel on the upsampled picture.

    Output row 2i sees the doubled rows 2i-1, 2i, 2i+1, which are the small rows i-1, i, i: taps w0 and w1 + w2.
    Output row 2i+1 sees the small rows i, i, i+1: taps w0 + w1 and w2. Columns alike. The d kernels of the even rows'
    even columns come first, then even-odd, odd-even, odd-odd.
    """
    taps = weight.new_tensor([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])  # (parity, 2, 3)
    return torch.einsum("aik,bjl,dckl->abdcij", taps, taps, weight).flatten(0, 2)


class FastUp(nn.Module):
    """The function of `FoldedUp`, computed at the low resolution.

    One convolution makes the four pixels of every 2x2 block. With a border of one zero pixel it gives (h + 1, w + 1)
    places, of which the even outputs take the first h (w), the odd ones the last. The border's zeros are the ones that
    the doubled picture has around it, too.
    """

    def __init__(self, block: Up) -> None:
        super().__init__()
        folded = fuse_conv_bn_eval(block.conv, block.norm)
        assert folded.bias is not None
        self.conv = convolution(doubled_kernel(folded.weight), folded.bias.repeat(4), padding=1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        batch, _, height, width = x.shape
        blocks = F.relu_(self.conv(x)).permute(0, 2, 3, 1).unflatten(3, (2, 2, -1))  # (b, h+1, w+1, parity, parity, d)
        out = blocks.new_empty(batch, height, 2, width, 2, blocks.shape[-1])
        for row in range(2):
            for column in range(2):
                out[:, :, row, :, column] = blocks[:, row : row + height, column : column + width, row, column]
        return out.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


class FastResidual(nn.Module):
    """x + conv(relu(conv(relu(norm(x))))): the second norm is folded; no convolution precedes the first."""

    def __init__(self, block: Residual) -> None:
        super().__init__()
        self.norm1, self.conv1, self.conv2 = block.norm1, fuse_conv_bn_eval(block.conv1, block.norm2), block.conv2

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        x = x.contiguous(
            memory_format=torch.channels_last
        )  # the warp before the first block does not keep the memory format
        inner = F.relu_(self.conv1(F.relu_(self.norm1(x))))
        return self.conv2(inner).add_(x)


class PackedConv(nn.Module):
    """A convolution with few outputs and odd kernel k, computed for 2x2 pixels at a time: kernel k + 1, stride 2."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        assert conv.bias is not None
        after, before, size, _ = conv.weight.shape
        weight = conv.weight.new_zeros(after, 2, 2, before, size + 1, size + 1)
        for row in range(2):
            for column in range(2):
                weight[:, row, column, :, row : row + size, column : column + size] = conv.weight.detach()
        bias = conv.bias.detach().repeat_interleave(4)
        self.conv = convolution(weight.flatten(0, 2), bias, padding=size // 2, stride=2)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        return F.pixel_shuffle(self.conv(x), 2)

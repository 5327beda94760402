"""Key maps from the authors' checkpoints to this project's keys, as data; the result is loaded strictly."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from deepfake_core.errors import BadWeights

Renames = tuple[tuple[str, str | None], ...]
"""(pattern, replacement) pairs, applied in order to every key; None drops a key that the network does not need."""

_FOMM_BLOCKS: Renames = (
    (r"\bencoder\.down_blocks\.", "encoder."),
    (r"\bdecoder\.up_blocks\.", "decoder."),
    (r"\bbottleneck\.r(\d+)\.", r"residual.\1."),
    (r"\bdown_blocks\.", "down."),
    (r"\bup_blocks\.", "up."),
    (r"\bdown\.weight$", None),
)

FOMM_KEYPOINTS: Renames = (
    (r"^predictor\.", "keypoint_detector.hourglass."),
    (r"^kp\.", "keypoint_detector.heatmaps."),
    (r"^jacobian\.", "keypoint_detector.jacobians."),
    *_FOMM_BLOCKS,
)

FOMM_GENERATOR: Renames = (
    (r"^dense_motion_network\.", "dense_motion."),
    (r"^(?!dense_motion\.)", "generator."),
    *_FOMM_BLOCKS,
)


def cyclegan_generator(blocks: int) -> Renames:
    """A generator with this many residual blocks: the authors number all layers consecutively."""
    after = 10 + blocks
    return (
        (r"\.(running_mean|running_var|num_batches_tracked)$", None),  # of instance norms in older files; unused
        (r"^model\.1\.", "first."),
        (r"^model\.4\.", "down.0."),
        (r"^model\.7\.", "down.1."),
        *((rf"^model\.{10 + block}\.conv_block\.1\.", f"residual.{block}.conv1.") for block in range(blocks)),
        *((rf"^model\.{10 + block}\.conv_block\.[56]\.", f"residual.{block}.conv2.") for block in range(blocks)),
        (rf"^model\.{after}\.", "up.0."),
        (rf"^model\.{after + 3}\.", "up.1."),
        (rf"^model\.{after + 7}\.", "last."),
    )


def stargan_generator(blocks: int) -> Renames:
    """A generator with this many residual blocks: the authors number all layers consecutively."""
    after = 9 + blocks
    places = {"first": 0, "down.0": 3, "down.1": 6, "up.0": after, "up.1": after + 3}
    inner = {0: "conv1", 1: "norm1", 3: "conv2", 4: "norm2"}
    return (
        (r"\.num_batches_tracked$", None),  # written by newer versions of torch only
        *((rf"^main\.{place}\.", f"generator.{name}.conv.") for name, place in places.items()),
        *((rf"^main\.{place + 1}\.", f"generator.{name}.norm.") for name, place in places.items()),
        *(
            (rf"^main\.{9 + block}\.main\.{place}\.", f"generator.residual.{block}.{part}.")
            for block in range(blocks)
            for place, part in inner.items()
        ),
        (rf"^main\.{after + 6}\.", "generator.final."),
    )


STARGAN_DISCRIMINATOR: Renames = (
    *((rf"^main\.{2 * layer}\.", f"discriminator.convs.{layer}.") for layer in range(8)),
    (r"^conv1\.", "discriminator.scores."),
    (r"^conv2\.", "discriminator.classes."),
)

STARGAN_MIRROR: Renames = (  # the same generator with the names of Lornatang/StarGAN-PyTorch
    (r"\.num_batches_tracked$", None),
    (r"^first_layer\.", "generator.first."),
    (r"^(down|up)_sampling\.(?=[01]\.)", r"generator.\1.0."),
    (r"^(down|up)_sampling\.(?=[34]\.)", r"generator.\1.1."),
    (r"\b(first|down\.\d|up\.\d)\.[03]\.", r"\1.conv."),
    (r"\b(first|down\.\d|up\.\d)\.[14]\.", r"\1.norm."),
    (r"^trunk\.(\d+)\.main\.0\.", r"generator.residual.\1.conv1."),
    (r"^trunk\.(\d+)\.main\.1\.", r"generator.residual.\1.norm1."),
    (r"^trunk\.(\d+)\.main\.3\.", r"generator.residual.\1.conv2."),
    (r"^trunk\.(\d+)\.main\.4\.", r"generator.residual.\1.norm2."),
    (r"^last_layer\.0\.", "generator.final."),
)


STARGANV2_GENERATOR: Renames = (
    (r"^hpf\.filter$", None),
    (r"^encode\.", "generator.encoder."),
    (r"^decode\.", "generator.decoder."),
    (r"^from_rgb\.", "generator.from_rgb."),
    (r"^to_rgb\.0\.", "generator.to_rgb_norm."),
    (r"^to_rgb\.2\.", "generator.to_rgb."),
    (r"\.fc\.", ".affine."),
    (r"\.conv1x1\.", ".shortcut."),
)

STARGANV2_MAPPING: Renames = (
    *((rf"^shared\.{2 * layer}\.", f"mapping.shared.{layer}.") for layer in range(4)),
    *((rf"^unshared\.(\d+)\.{2 * layer}\.", rf"mapping.branches.\1.{layer}.") for layer in range(4)),
)


def starganv2_trunk(layers: str, trunk: str, blocks: int) -> Renames:
    """The trunk shared by style encoder and discriminator: `layers` of the file, numbered consecutively."""
    return (
        (rf"^{layers}\.0\.", f"{trunk}.from_rgb."),
        *((rf"^{layers}\.{block + 1}\.", f"{trunk}.blocks.{block}.") for block in range(blocks)),
        (rf"^{layers}\.{blocks + 2}\.", f"{trunk}.whole."),
        (r"\.conv1x1\.", ".shortcut."),
    )


def starganv2_style_encoder(blocks: int) -> Renames:
    """A style encoder with this many downsampling blocks."""
    return ((r"^unshared\.", "style_encoder.branches."), *starganv2_trunk("shared", "style_encoder.trunk", blocks))


FAN: Renames = (
    (r"^(?!conv[1-4]\.|bn1\.|(m|l|conv_last|bn_end|top_m_)0\.)", None),  # further hourglasses; unused
    (r"^conv1\.conv\.", "first.conv."),
    (r"^bn1\.", "first_norm."),
    *((rf"^conv{block + 2}\.", f"early.{block}.") for block in range(3)),
    (r"^m0\.coordconv\.", "hourglass.place."),
    (r"^m0\.b2_plus_1\.", "hourglass.bottom."),
    *((rf"^m0\.{name}_", f"hourglass.{part}.") for name, part in (("b1", "skip"), ("b2", "down"), ("b3", "up"))),
    (r"^top_m_0\.", "late."),
    (r"^conv_last0\.", "mix."),
    (r"^bn_end0\.", "mix_norm."),
    (r"^l0\.", "paint."),
    *((rf"\.bn{layer + 1}\.", f".norms.{layer}.") for layer in range(3)),
    *((rf"\.conv{layer + 1}\.", f".convs.{layer}.") for layer in range(3)),
    (r"\.downsample\.", ".shortcut."),
)


def rename(state: Mapping[str, Tensor], renames: Renames) -> dict[str, Tensor]:
    """`state` under this project's keys; raises `BadWeights` when two keys map to the same one."""
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        new = _renamed(key, renames)
        if new is None:
            continue
        if new in renamed:
            raise BadWeights(f"two keys of the file map to {new}; it is not in the authors' layout")
        renamed[new] = value
    return renamed


def _renamed(key: str, renames: Renames) -> str | None:
    for pattern, replacement in renames:
        if replacement is None:
            if re.search(pattern, key):
                return None
        else:
            key = re.sub(pattern, replacement, key)
    return key


def fomm_state(checkpoint: Any) -> dict[str, Tensor]:
    """The first-order model of the authors' file `{generator, kp_detector, ...}` under this project's keys.

    Raises `BadWeights` when it is anything else.
    """
    parts = ("generator", "kp_detector")
    missing = [part for part in parts if not (isinstance(checkpoint, Mapping) and part in checkpoint)]
    if missing:
        raise BadWeights(f"the file has no {' and no '.join(missing)}; a First Order Motion checkpoint has both")
    for part in parts:
        state = checkpoint[part]
        if not (isinstance(state, Mapping) and all(isinstance(value, Tensor) for value in state.values())):
            raise BadWeights(f"the file's {part} is not a dict of tensors; it is not in the authors' layout")
    return {
        **rename(checkpoint["kp_detector"], FOMM_KEYPOINTS),
        **rename(checkpoint["generator"], FOMM_GENERATOR),
    }


def cyclegan_state(checkpoint: Any) -> dict[str, Tensor]:
    """One generator of CycleGAN, the only content of the authors' file, under this project's keys.

    Raises `BadWeights` when it is anything else.
    """
    if not (isinstance(checkpoint, Mapping) and all(isinstance(value, Tensor) for value in checkpoint.values())):
        raise BadWeights("the file is not a dict of tensors; a CycleGAN checkpoint contains one generator only")
    blocks = sum(re.fullmatch(r"model\.\d+\.conv_block\.1\.weight", key) is not None for key in checkpoint)
    if not blocks:
        raise BadWeights("the file has no residual blocks; is it a generator of CycleGAN (latest_net_G.pth)?")
    return rename(checkpoint, cyclegan_generator(blocks))


def stargan_state(checkpoint: Any) -> dict[str, Tensor]:
    """StarGAN's generator or discriminator, each the only content of one file, under this project's keys.

    The mirror's file, which wraps the generator as `{state_dict}`, will do too. Raises `BadWeights` for anything else.
    """
    if isinstance(checkpoint, Mapping) and isinstance(checkpoint.get("state_dict"), Mapping):
        checkpoint = checkpoint["state_dict"]
    if not (isinstance(checkpoint, Mapping) and all(isinstance(value, Tensor) for value in checkpoint.values())):
        raise BadWeights(
            "the file is not a dict of tensors; a StarGAN checkpoint (200000-G.ckpt) contains nothing else"
        )
    if "conv2.weight" in checkpoint:
        return rename(checkpoint, STARGAN_DISCRIMINATOR)
    if "first_layer.0.weight" in checkpoint:
        return rename(checkpoint, STARGAN_MIRROR)
    blocks = sum(re.fullmatch(r"main\.\d+\.main\.0\.weight", key) is not None for key in checkpoint)
    if not blocks:
        raise BadWeights("the file has no residual blocks; is it a generator of StarGAN (200000-G.ckpt)?")
    return rename(checkpoint, stargan_generator(blocks))


def starganv2_state(checkpoint: Any) -> dict[str, Tensor]:
    """The authors' file `{generator, mapping_network, style_encoder, ...}` under this project's keys.

    With the high-pass filter the decoder's shortcuts stand in the file, but are not used: they are left out. A `fan`
    in the file is what `fan_state` reads. Raises `BadWeights` when it is anything else.
    """
    parts = [_part(checkpoint, name) for name in ("generator", "mapping_network", "style_encoder")]
    generator, mapping, style_encoder = parts
    if "hpf.filter" in generator:
        unused = re.compile(r"decode\.\d+\.conv1x1\.weight")
        generator = {key: value for key, value in generator.items() if not unused.fullmatch(key)}
    blocks = sum(re.fullmatch(r"shared\.\d+\.conv1\.weight", key) is not None for key in style_encoder)
    return {
        **rename(generator, STARGANV2_GENERATOR),
        **rename(mapping, STARGANV2_MAPPING),
        **rename(style_encoder, starganv2_style_encoder(blocks)),
    }


def fan_state(checkpoint: Any) -> dict[str, Tensor]:
    """The face alignment network of `wing.ckpt` (`{state_dict}`), or of StarGAN v2's own file (`{fan}`).

    Raises `BadWeights` when it is anything else.
    """
    inside = "fan" if isinstance(checkpoint, Mapping) and "fan" in checkpoint else "state_dict"
    return rename(_part(checkpoint, inside), FAN)


def _part(checkpoint: Any, name: str) -> dict[str, Tensor]:
    """One network's tensors, without the prefix `module.` of torch's DataParallel."""
    part = checkpoint.get(name) if isinstance(checkpoint, Mapping) else None
    if not (isinstance(part, Mapping) and all(isinstance(value, Tensor) for value in part.values())):
        raise BadWeights(f"the file has no dict of tensors under {name}; it is not in the authors' layout")
    return {key.removeprefix("module."): value for key, value in part.items()}


def unexpected_keys(state: Iterable[str], wanted: Iterable[str]) -> tuple[list[str], list[str]]:
    """(missing, unexpected) keys of a state compared with the network's own."""
    have, want = set(state), set(wanted)
    return sorted(want - have), sorted(have - want)

"""The authors' key names, as data: each published file is renamed to this project's keys, then loaded strictly."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from deepfake_core.errors import BadWeights

Renames = tuple[tuple[str, str | None], ...]
"""(pattern, replacement) pairs, applied in order to every key; None drops the key: it is rebuilt by the network."""

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

FOMM_DISCRIMINATOR: Renames = (
    (r"^discs\.[^.]+\.", "patches.0."),
    (r"\.down_blocks\.(\d+)\.(conv|norm)\.", r".\2s.\1."),
    (r"^patches\.0\.conv\.", "patches.0.head."),
    (r"\.weight_orig$", ".parametrizations.weight.original"),
    (r"\.weight_([uv])$", r".parametrizations.weight.0._\1"),
)


def rename(state: Mapping[str, Tensor], renames: Renames) -> dict[str, Tensor]:
    """`state` under this project's keys; raises `BadWeights` when two keys would become one."""
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        new = _renamed(key, renames)
        if new is None:
            continue
        if new in renamed:
            raise BadWeights(f"two entries of the file would both become {new}; it is not in the authors' layout")
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
        raise BadWeights(f"the file holds no {' and no '.join(missing)}; a First Order Motion checkpoint holds both")
    for part in parts:
        state = checkpoint[part]
        if not (isinstance(state, Mapping) and all(isinstance(value, Tensor) for value in state.values())):
            raise BadWeights(f"the file's {part} is not a table of tensors; it is not in the authors' layout")
    return {
        **rename(checkpoint["kp_detector"], FOMM_KEYPOINTS),
        **rename(checkpoint["generator"], FOMM_GENERATOR),
    }


def unexpected_keys(state: Iterable[str], wanted: Iterable[str]) -> tuple[list[str], list[str]]:
    """(missing, surplus) keys of a state beside the network's own."""
    have, want = set(state), set(wanted)
    return sorted(want - have), sorted(have - want)

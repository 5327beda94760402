"""The config in a weights file, which may be hostile, checked against the tensors beside it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from deepfake_core.errors import BadWeights
from deepfake_core.hub.files import printable
from deepfake_core.hub.key_maps import unexpected_keys
from deepfake_core.registry import method

MOST = 2048
"""Of everything that a config counts. No network here has more; a file that says so would keep the machine busy."""


def read_config(text: str, network: str, state: Mapping[str, Tensor], name: str) -> dict[str, Any]:
    """The config in a weights file, once the network that it describes has been compared with the file's state.

    Raises `BadWeights` when it makes no sense or does not fit.
    """
    try:
        config = json.loads(text)
        if not isinstance(config, dict) or any(abs(number) > MOST for number in numbers(config)):
            raise ValueError(f"no config: {text[:100]}")
        problem = misfit(network, config, state)
    except Exception as error:  # of a damaged file it can be any
        raise BadWeights(f"{name} does not say which network it is for; import or train it again") from error
    if problem:
        raise BadWeights(f"{name} does not fit its network: it {problem}")
    return config


def numbers(value: Any) -> Iterator[float]:
    """All numbers in a value as JSON holds it, and the lengths of its lists."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict | list):
        yield len(value)
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers(one)


def misfit(network: str, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> str | None:
    """What is missing, surplus or of another shape beside the network of that config; None if everything fits."""
    with torch.device("meta"):  # its keys and shapes are wanted, not its numbers
        wanted = method(network).build(config).state_dict()
    missing, surplus = unexpected_keys(state, wanted)
    shapes = [key for key in wanted if key in state and state[key].shape != wanted[key].shape]
    odd = [key for key in wanted if key in state and not plain(state[key], wanted[key])]
    problems = {
        "lacks": missing,
        "holds the unknown": surplus,
        "has another shape of": shapes,
        "has no numbers in": odd,
    }
    for problem, keys in problems.items():
        if keys:
            return f"{problem} {printable(keys[0])}{f' and {len(keys) - 1} more' if len(keys) > 1 else ''}"
    return None


def plain(tensor: Tensor, wanted: Tensor) -> bool:
    """Whether a tensor holds all its numbers, and of the wanted kind."""
    dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
    return dense and tensor.is_floating_point() == wanted.is_floating_point() and not tensor.is_complex()

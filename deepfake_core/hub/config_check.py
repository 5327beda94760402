"""Validate the config stored in an untrusted weights file against the file's tensors."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from deepfake_core.errors import BadWeights
from deepfake_core.hub.files import printable
from deepfake_core.hub.key_maps import unexpected_keys
from deepfake_core.registry import method

MAXIMUM = 2048
"""Upper bound of every number in a config: no network here exceeds it, and larger ones could exhaust the machine."""


def read_config(text: str, network: str, state: Mapping[str, Tensor], name: str) -> dict[str, Any]:
    """The config `text` of a weights file, after comparing the network it describes with the file's state.

    Raises `BadWeights` when it is invalid or does not match.
    """
    try:
        config = json.loads(text)
        if not isinstance(config, dict) or any(abs(number) > MAXIMUM for number in numbers(config)):
            raise ValueError(f"not a config: {text[:100]}")
        problem = mismatch(network, config, state)
    except Exception as error:  # a damaged file can cause any exception
        raise BadWeights(f"{name} has no valid network config; import or train it again") from error
    if problem:
        raise BadWeights(f"{name} does not match its network: it {problem}")
    return config


def numbers(value: Any) -> Iterator[float]:
    """All numbers in a JSON value, and the lengths of its lists and objects."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict | list):
        yield len(value)
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers(one)


def mismatch(network: str, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> str | None:
    """Description of missing, unexpected or mis-shaped tensors for the network of that config; None if it matches."""
    with torch.device("meta"):  # only keys and shapes are needed
        wanted = method(network).build(config).state_dict()
    missing, unexpected = unexpected_keys(state, wanted)
    shapes = [key for key in wanted if key in state and state[key].shape != wanted[key].shape]
    types = [key for key in wanted if key in state and not is_dense(state[key], wanted[key])]
    problems = {
        "lacks": missing,
        "has the unexpected key": unexpected,
        "has a wrong shape of": shapes,
        "has a wrong type of": types,
    }
    for problem, keys in problems.items():
        if keys:
            return f"{problem} {printable(keys[0])}{f' and {len(keys) - 1} more' if len(keys) > 1 else ''}"
    return None


def is_dense(tensor: Tensor, wanted: Tensor) -> bool:
    """Whether a tensor is dense, in CPU memory and, like `wanted`, real floating point or integer."""
    dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
    return dense and tensor.is_floating_point() == wanted.is_floating_point() and not tensor.is_complex()

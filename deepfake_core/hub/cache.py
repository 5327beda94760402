"""Loaded networks, shared by all who ask: one of each in a process, and no more bytes than there is room for."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from deepfake_core.settings import settings

SHARE = {"cpu": 0.25, "cuda": 0.6, "mps": 0.25}
"""Without it: the part of the device's memory that networks may fill."""
Model = TypeVar("Model")


class Key(NamedTuple):
    """What makes two loaded networks the same."""

    name: str
    device: str
    precision: str


@dataclass(slots=True)
class _Place:
    """Where a network is, or will be; whoever comes while it is loaded waits for the lock."""

    lock: threading.Lock
    model: Any = None


class NetworkCache:
    """Networks by name, device and precision, the least recently used of which go when the budget is exceeded.

    Thread-safe: a network is loaded once however many ask for it at once, and different ones load side by side. One
    that goes while somebody works with it stays in memory until that is over.
    """

    def __init__(self, budget: Callable[[str], int] | None = None) -> None:
        self._budget = budget or budget_of
        self._lock = threading.Lock()
        self._places: OrderedDict[Key, _Place] = OrderedDict()

    def get(self, key: Key, load: Callable[[], Model]) -> Model:
        """The network of that key, by `load` if it is not here; what `load` raises reaches everyone who waited."""
        with self._lock:
            place = self._places.setdefault(key, _Place(lock=threading.Lock()))
            self._places.move_to_end(key)
        with place.lock:
            if place.model is None:
                place.model = load()
            model: Model = place.model
        with self._lock:
            self._make_room(key)
        return model

    def forget(self, name: str) -> None:
        """Let go of a network on every device, because its weights are no longer what they were."""
        with self._lock:
            for key in [key for key in self._places if key.name == name]:
                del self._places[key]

    def held(self) -> dict[Key, int]:
        """Bytes of each network that is loaded, the least recently used first."""
        with self._lock:
            return {key: bytes_of(place.model) for key, place in self._places.items() if place.model is not None}

    def _make_room(self, newest: Key) -> None:
        sizes = {
            key: bytes_of(place.model)
            for key, place in self._places.items()
            if key.device == newest.device and place.model is not None
        }
        total, budget = sum(sizes.values()), self._budget(newest.device)
        for key, size in sizes.items():
            if total <= budget:
                return
            if key != newest:
                del self._places[key]
                total -= size


def bytes_of(model: object) -> int:
    """Bytes of the numbers of a network, or of all networks that an object holds in its attributes."""
    parts = (
        [model] if isinstance(model, nn.Module) else [one for one in vars(model).values() if isinstance(one, nn.Module)]
    )
    tensors = {tensor.data_ptr(): tensor for part in parts for tensor in tensors_of(part)}  # shared ones count once
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def tensors_of(module: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers."""
    yield from module.parameters()
    yield from module.buffers()


def budget_of(device: str) -> int:
    """Bytes that networks may fill on a device ("cuda:0", "cpu"): `$DEEPFAKE_CACHE_GB`, else a share of its memory."""
    if wanted := settings().cache_gb:
        return int(wanted * 1e9)
    kind = device.partition(":")[0]
    if kind == "cuda":
        return int(SHARE[kind] * torch.cuda.mem_get_info(device)[1])
    return int(SHARE.get(kind, SHARE["cpu"]) * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))

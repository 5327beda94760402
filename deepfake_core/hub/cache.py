"""Cache of loaded networks, shared within a process and limited by a memory budget."""

import ctypes
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
"""Default share of the device's memory that networks may use."""
Model = TypeVar("Model")


class Key(NamedTuple):
    """Identifies a loaded network."""

    name: str
    device: str
    precision: str


@dataclass(slots=True)
class _Slot:
    """A network that is loaded or being loaded; other threads wait for the lock meanwhile."""

    lock: threading.Lock
    model: Any = None


class NetworkCache:
    """Networks by name, device and precision; the least recently used are evicted when the budget is exceeded.

    Thread-safe: a network is loaded once for all concurrent requests, and different networks load in parallel. An
    evicted network stays in memory while a caller still uses it.
    """

    def __init__(self, budget: Callable[[str], int] | None = None) -> None:
        self._budget = budget or budget_of
        self._lock = threading.Lock()
        self._slots: OrderedDict[Key, _Slot] = OrderedDict()

    def get(self, key: Key, load: Callable[[], Model]) -> Model:
        """The network of that key, loaded by `load` if missing; an exception of `load` is passed on."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot(lock=threading.Lock()))
            self._slots.move_to_end(key)
        with slot.lock:
            if slot.model is None:
                slot.model = load()
            model: Model = slot.model
        with self._lock:
            self._evict(key)
        return model

    def forget(self, name: str) -> None:
        """Evict a network from every device because its weights have changed."""
        with self._lock:
            for key in [key for key in self._slots if key.name == name]:
                del self._slots[key]

    def held(self) -> dict[Key, int]:
        """Bytes of each loaded network, the least recently used first."""
        with self._lock:
            return {key: bytes_of(slot.model) for key, slot in self._slots.items() if slot.model is not None}

    def _evict(self, newest: Key) -> None:
        sizes = {
            key: bytes_of(slot.model)
            for key, slot in self._slots.items()
            if key.device == newest.device and slot.model is not None
        }
        total, budget = sum(sizes.values()), self._budget(newest.device)
        for key, size in sizes.items():
            if total <= budget:
                return
            if key != newest:
                del self._slots[key]
                total -= size


def bytes_of(model: object) -> int:
    """Bytes of the tensors of a network, or of all networks in an object's attributes."""
    parts = (
        [model] if isinstance(model, nn.Module) else [one for one in vars(model).values() if isinstance(one, nn.Module)]
    )
    tensors = {tensor.data_ptr(): tensor for part in parts for tensor in tensors_of(part)}  # shared ones count once
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def tensors_of(module: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers of `module`."""
    yield from module.parameters()
    yield from module.buffers()


def budget_of(device: str) -> int:
    """Budget in bytes on a device ("cuda:0", "cpu"): `$DEEPFAKE_CACHE_GB`, else a share of its memory."""
    if wanted := settings().cache_gb:
        return int(wanted * 1e9)
    kind = device.partition(":")[0]
    if kind == "cuda":
        return int(SHARE[kind] * torch.cuda.mem_get_info(device)[1])
    return int(SHARE.get(kind, SHARE["cpu"]) * physical_memory())


def physical_memory() -> int:
    """Bytes of memory of this machine."""
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    status = (ctypes.c_uint64 * 8)(64)  # Windows's MEMORYSTATUSEX, which begins with its own size
    windows: Any = getattr(ctypes, "windll")  # noqa: B009 (not there on other systems)
    windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return status[1]

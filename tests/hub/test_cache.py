"""The cache of loaded networks: once for ten visitors, within its budget, the least recently used out first."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from deepfake_core.errors import BadRequest
from deepfake_core.hub.cache import Key, NetworkCache, budget_of, bytes_of

KILOBYTES = 4 * 1000  # of the network below


class Model:
    """As pipelines hold a network."""

    def __init__(self) -> None:
        self.network = nn.Linear(999, 1)  # with its bias 1000 numbers of four bytes
        self.same = self.network


def key(name: str, device: str = "cpu", precision: str = "float32") -> Key:
    return Key(name, device, precision)


def test_bytes_count_every_number_once() -> None:
    assert bytes_of(Model()) == bytes_of(nn.Linear(999, 1)) == KILOBYTES
    assert bytes_of(nn.Linear(999, 1).half()) == KILOBYTES // 2


def test_ten_visitors_load_it_once_and_different_networks_side_by_side() -> None:
    cache, loads, meeting = NetworkCache(lambda device: 10**6), list[str](), threading.Barrier(2, timeout=20)

    def load(name: str) -> Model:
        loads.append(name)
        meeting.wait()  # passes only while the other one is loading too
        time.sleep(0.05)
        return Model()

    with ThreadPoolExecutor(20) as visitors:
        tasks = [
            visitors.submit(lambda name=name: cache.get(key(name), lambda: load(name)))  # type: ignore[misc]
            for name in ("a", "b") * 10
        ]
        models = {id(task.result()) for task in tasks}
    assert sorted(loads) == ["a", "b"] and len(models) == 2


def test_the_least_recently_used_goes_when_there_is_no_more_room() -> None:
    cache = NetworkCache(lambda device: 2 * KILOBYTES)
    for name in ("a", "b", "a", "c"):
        cache.get(key(name), Model)
    assert [one.name for one in cache.held()] == ["a", "c"]
    cache.get(key("a", device="cuda:0"), Model)
    assert len(cache.held()) == 3, "each device has a budget of its own"
    cache.forget("a")
    assert [one.name for one in cache.held()] == ["c"]


def test_one_that_is_larger_than_the_budget_still_works_alone() -> None:
    cache = NetworkCache(lambda device: KILOBYTES // 2)
    assert cache.get(key("a"), Model) is cache.get(key("a"), Model)
    cache.get(key("b"), Model)
    assert [one.name for one in cache.held()] == ["b"]


def test_precisions_are_different_networks() -> None:
    cache = NetworkCache(lambda device: 10**6)
    assert cache.get(key("a"), Model) is not cache.get(key("a", precision="float16"), Model)


def test_a_failed_load_reaches_who_asked_and_may_be_tried_again() -> None:
    cache = NetworkCache(lambda device: 10**6)

    def fail() -> Model:
        raise BadRequest("so it goes")

    for _ in range(2):
        with pytest.raises(BadRequest, match="so it goes"):
            cache.get(key("a"), fail)
    assert cache.held() == {} and cache.get(key("a"), Model)


def test_the_budget_is_a_share_of_the_memory_or_what_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPFAKE_CACHE_GB", raising=False)
    assert 10**8 < budget_of("cpu") < 10**12
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1, 10 * 10**9))
    assert budget_of("cuda:0") == 6 * 10**9
    monkeypatch.setenv("DEEPFAKE_CACHE_GB", "0.5")
    assert budget_of("cpu") == budget_of("cuda:0") == 500_000_000
    monkeypatch.setenv("DEEPFAKE_CACHE_GB", "much")
    with pytest.raises(BadRequest, match="DEEPFAKE_CACHE_GB must be a number"):
        budget_of("cpu")

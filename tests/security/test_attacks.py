"""The quick attacks of `python -m benchmarks robustness --attacks` on one running server: none does harm."""

from collections.abc import Iterator

import pytest

from benchmarks.robustness.attacks.campaign import Range
from benchmarks.robustness.attacks.catalogue import ATTACKS
from benchmarks.robustness.attacks.record import Attack

QUICK = [attack for attack in ATTACKS if attack.quick]


@pytest.fixture(scope="module")
def attacked() -> Iterator[Range]:
    """The server; one that an attack has stopped is started again, so that each attack stands for itself."""
    with Range() as one:
        yield one


@pytest.mark.timeout(600)
@pytest.mark.parametrize("attack", QUICK, ids=lambda attack: attack.name.replace(" ", "-"))
def test_the_attack_does_no_harm(attacked: Range, attack: Attack) -> None:
    trial = attacked.attacked(attack)
    # How long others wait is the benchmark's to measure: tests run beside each other.
    assert trial.harms(wait_bar=float("inf")) == (), trial.result.detail

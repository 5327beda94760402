"""Laws of one phase, of the loss terms, and of the schedules."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.train.conftest import toy
from train.loop import schedules
from train.loop.config import LoopConfig
from train.loop.recipe import Phase, weighted_sum
from train.loop.state import begin
from train.loop.step import gradients_for, run_phase


def test_terms_are_weighted_once() -> None:
    terms = {"a": torch.tensor(2.0), "b": torch.tensor(3.0, dtype=torch.bfloat16)}
    total = weighted_sum(terms, {"b": 10.0, "a": 0.5})
    assert total.item() == 31.0
    assert total.dtype == torch.float32


@pytest.mark.parametrize("weights", [{"a": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 1.0, "c": 1.0}])
def test_names_that_differ_are_an_error(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="without a"):
        weighted_sum({"a": torch.zeros(()), "b": torch.zeros(())}, weights)


def test_a_phase_moves_its_own_networks_only() -> None:
    recipe = toy()
    networks = recipe.networks
    before = {name: parameter.detach().clone() for name, parameter in networks.named_parameters()}
    batch = recipe.batch(torch.Generator().manual_seed(0))
    result = run_phase(recipe.phases[0], batch, 0, networks, "float32")
    moved = {name for name, parameter in networks.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved
    assert all(name.startswith("generator.") for name in moved)
    assert all(parameter.grad is None for parameter in networks["discriminator"].parameters())
    assert result.terms.keys() == {f"generator/{name}" for name in ("adversarial", "colour", "total", "gradient")}
    assert not result.batch.fake.requires_grad


def test_what_the_recipe_froze_stays_frozen() -> None:
    networks = nn.ModuleDict({"one": nn.Linear(2, 2), "two": nn.Linear(2, 2)})
    networks["one"].get_parameter("bias").requires_grad_(False)
    asked = [name for name, parameter in networks.named_parameters() if parameter.requires_grad]
    with gradients_for(networks["one"], networks) as chosen:
        assert [name for name, parameter in networks.named_parameters() if parameter.requires_grad] == ["one.weight"]
        assert chosen == [networks["one"].weight]
    assert [name for name, parameter in networks.named_parameters() if parameter.requires_grad] == asked


@pytest.mark.parametrize(("clip_norm", "expected"), [(None, 5.0), (1.0, 1.0), (10.0, 5.0)])
def test_a_long_gradient_is_shortened(clip_norm: float | None, expected: float) -> None:
    network = nn.Linear(2, 1, bias=False)
    start = network.weight.detach().clone()
    phase = Phase(
        name="line",
        trained=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=1.0),
        losses=lambda batch, step: ({"slope": network(batch).sum()}, batch),
        weights=lambda step: {"slope": 1.0},
        clip_norm=clip_norm,
    )
    result = run_phase(
        phase,
        torch.tensor([[3.0, 4.0]]),
        0,
        nn.ModuleDict({"net": network}),
        "float32",
    )
    assert result.terms["line/gradient"].item() == 5.0
    torch.testing.assert_close((network.weight - start).norm().item(), expected, atol=1e-4, rtol=1e-4)


def test_an_infinite_gradient_of_a_finite_loss_moves_nothing() -> None:
    recipe = toy()
    networks, weight = recipe.networks, recipe.networks.get_parameter("generator.0.weight")
    phase = replace(
        recipe.phases[0],
        losses=lambda batch, step: ({"root": (weight - weight.detach()).square().sum().sqrt()}, batch),  # 0 * inf at 0
        weights=lambda step: {"root": 1.0},
    )
    before = weight.detach().clone()
    result = run_phase(phase, None, 0, networks, "float32")
    assert not result.finite
    assert result.terms["generator/root"].item() == 0
    assert torch.equal(weight, before)


def test_the_schedule_multiplies_the_base_rates_and_is_not_compounded() -> None:
    recipe = toy()
    config = LoopConfig(steps=10, warm_up=4, decay="cosine", decay_floor=0.1)
    state = begin(recipe, config)
    for step in (0, 3, 7, 7):
        state.set_rates(config.rate(step))
    group = recipe.phases[0].optimizer.param_groups[0]
    assert group["lr"] == pytest.approx(1e-2 * config.rate(7))
    assert begin(recipe, config).base_rates == {"generator": [1e-2], "discriminator": [1e-2]}


def test_rates_rise_then_fall() -> None:
    cosine = LoopConfig(steps=100, warm_up=9, decay="cosine", decay_floor=0.2)
    assert [cosine.rate(0), cosine.rate(4), cosine.rate(9)] == pytest.approx([0.1, 0.5, 1.0])
    assert cosine.rate(100) == pytest.approx(0.2)
    multistep = LoopConfig(steps=100, decay="multistep", milestones=(50, 80), decay_factor=0.5)
    assert [multistep.rate(step) for step in (0, 49, 50, 79, 80)] == [1, 1, 0.5, 0.5, 0.25]
    linear = LoopConfig(steps=100, decay="linear", decay_from=50)
    assert [linear.rate(step) for step in (0, 50, 75, 100)] == [1, 1, 0.5, 0]


def test_ramps_and_averaging() -> None:
    assert [schedules.ramp_down(step, 10) for step in (0, 5, 10, 99)] == [1, 0.5, 0, 0]
    assert schedules.ema_decay(0, 0.999) == 0.1
    assert schedules.ema_decay(10**6, 0.999) == 0.999

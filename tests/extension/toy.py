"""A whole method in one file: a network of one convolution, a pipeline, a tab, a subcommand and a training recipe."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepfake_core.cli.options import add_command
from deepfake_core.hub.store import load
from deepfake_core.registry import Method
from deepfake_core.ui.services import Services


@dataclass(frozen=True)
class ToyConfig:
    """Of the network."""

    kernel: int = 1

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "ToyConfig":
        return cls(**fields)


class ToyNetwork(nn.Module):
    """One convolution."""

    def __init__(self, config: ToyConfig = ToyConfig()) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, config.kernel, padding=config.kernel // 2)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        filtered: Tensor = self.conv(image)
        return filtered


class ToyModel:
    """What Python users call."""

    def __init__(self, network: nn.Module, name: str) -> None:
        self.network, self.name = network, name

    @classmethod
    def from_pretrained(cls, model: str | None = None, device: str = "auto") -> "ToyModel":
        loaded = load(model, "toy")
        return cls(loaded.network, loaded.name)


@dataclass(frozen=True)
class ToyRequest:
    """An image in [0, 1] to filter."""

    image: Tensor


def run(model: ToyModel, request: ToyRequest) -> Iterator[Tensor]:
    """The pipeline."""
    yield model.network(request.image)


class ToyTab:
    """A button on the page."""

    def __init__(self, services: Services) -> None:
        self.engine = services.engine

    def render(self) -> None:
        with gr.Tab(TOY.title):
            self.start = gr.Button("Filter")
            self.shown = gr.Textbox(label="Mean of the result")

    def listen(self, page: gr.Blocks) -> None:
        self.start.click(self.filter, outputs=self.shown, api_visibility="private")

    def filter(self) -> Iterator[str]:
        request = ToyRequest(torch.ones(1, 3, 8, 8))
        for image in self.engine.work("toy", None, run, request):
            yield f"{image.mean():.2f}"


def add(commands: Any) -> None:
    """The subcommand."""
    command = add_command(commands, "toy", lambda asked: {"text": f"seed {asked.seed}"}, "Filter with one convolution.")
    command.add_argument("--seed", type=int, default=0)


def build(options: dict[str, Any], data: str, device: torch.device) -> Any:
    """The training recipe: the loop's own toy."""
    from tests.train.toy import ToyRecipe

    return ToyRecipe(device=device, **options)


TOY = Method(
    name="toy",
    title="Toy filter",
    paper="None, Nowhere, 2026",
    licence="MIT",
    network="tests.extension.toy:ToyNetwork",
    config="tests.extension.toy:ToyConfig",
    model="tests.extension.toy:ToyModel",
    tab="tests.extension.toy:ToyTab",
    command="tests.extension.toy:add",
    recipe="tests.extension.toy:build",
)
"""The one record."""

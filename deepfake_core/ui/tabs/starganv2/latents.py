"""Random styles: domain, seed and truncation."""

import secrets
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.ui.wiring import QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.style_specs import Latent

STYLES = 6
"""Number of styles: those of the seed and of the following ones."""
RANDOM_SEEDS = 10_000
"""Random seeds are smaller than this, so that people can pass them on."""


class LatentInput:
    """The widgets of random styles."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def render(self) -> None:
        self.domain = gr.Dropdown([], label="Domain", elem_id=f"{self.prefix}domain", filterable=False)
        with gr.Row(elem_classes="seed"):
            self.seed = gr.Number(7, label="Seed", precision=0, minimum=0, elem_id=f"{self.prefix}seed", min_width=120)
            self.random = gr.Button("Random seed", min_width=120, elem_id=f"{self.prefix}random")
        self.truncation = gr.Slider(
            0, 1, 1, step=0.05, label="Truncation", info="0: all styles are the mean of the domain. 1: full variety."
        )

    def listen(self) -> Any:
        """Returns the trigger that fires when a random seed was set."""
        return self.random.click(lambda: secrets.randbelow(RANDOM_SEEDS), outputs=self.seed, **QUIET).then

    @property
    def inputs(self) -> dict[str, gr.components.Component]:
        """The widgets, named like the fields of `StylesForm`."""
        return {"domain": self.domain, "seed": self.seed, "truncation": self.truncation}


def latents(domain: str | None, seed: float | int | None, truncation: float | int) -> "list[Latent]":
    """The latents of the seed and of the following ones."""
    from deepfake_core.pipelines.style_specs import Latent

    first = int(seed or 0)
    return [Latent(seed=first + step, domain=domain or "", truncation=float(truncation)) for step in range(STYLES)]

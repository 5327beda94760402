"""Random styles: a domain, a seed and its neighbours, and the truncation."""

import secrets
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.ui.wiring import QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.style_specs import Latent

NEIGHBOURS = 6
"""Seeds in the strip."""
RANDOM_BELOW = 10_000
"""Random seeds are below this: short enough to be passed on."""


class LatentInput:
    """The widgets of random styles."""

    def __init__(self, place: str) -> None:
        self.place = place

    def render(self) -> None:
        self.domain = gr.Dropdown([], label="Domain", elem_id=f"{self.place}domain", filterable=False)
        with gr.Row(elem_classes="seed"):
            self.seed = gr.Number(7, label="Seed", precision=0, minimum=0, elem_id=f"{self.place}seed", min_width=120)
            self.random = gr.Button("Random seed", min_width=120, elem_id=f"{self.place}random")
        self.truncation = gr.Slider(
            0, 1, 1, step=0.05, label="Truncation", info="0: typical of the domain, all alike. 1: varied."
        )

    def listen(self) -> Any:
        """Returns the trigger that a random seed was chosen."""
        return self.random.click(lambda: secrets.randbelow(RANDOM_BELOW), outputs=self.seed, **QUIET).then

    @property
    def inputs(self) -> dict[str, gr.components.Component]:
        """By the names of `StylesForm`'s fields."""
        return {"domain": self.domain, "seed": self.seed, "truncation": self.truncation}


def latents(domain: str | None, seed: float | int | None, truncation: float | int) -> "list[Latent]":
    """The seed and the ones after it."""
    from deepfake_core.pipelines.style_specs import Latent

    first = int(seed or 0)
    return [Latent(seed=first + step, domain=domain or "", truncation=float(truncation)) for step in range(NEIGHBOURS)]

"""Looks drawn at random: a domain, a seed and its neighbours, and how typical they shall be."""

import secrets
from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from deepfake_core.pipelines.styles import Latent

NEIGHBOURS = 6
"""Seeds in the strip."""
DICE = 10_000
"""The dice throws a number below this: short enough to be told to somebody."""


class Seeds:
    """The widgets of random looks."""

    def __init__(self, place: str) -> None:
        self.place = place

    def render(self) -> None:
        self.domain = gr.Dropdown([], label="Domain", elem_id=f"{self.place}domain", filterable=False)
        with gr.Row(elem_classes="seed"):
            self.seed = gr.Number(7, label="Seed", precision=0, minimum=0, elem_id=f"{self.place}seed", min_width=120)
            self.dice = gr.Button("Throw the dice", min_width=120, elem_id=f"{self.place}dice")
        self.truncation = gr.Slider(
            0, 1, 1, step=0.05, label="Truncation", info="0: typical of the domain, all alike. 1: as varied as it is."
        )

    def listen(self) -> Any:
        """Returns the trigger that the dice have fallen."""
        return self.dice.click(
            lambda: secrets.randbelow(DICE),
            outputs=self.seed,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        ).then

    @property
    def inputs(self) -> list[gr.components.Component]:
        """In the order of `latents`."""
        return [self.domain, self.seed, self.truncation]


def latents(domain: str | None, seed: float | None, truncation: float) -> "list[Latent]":
    """The seed and the ones after it."""
    from deepfake_core.pipelines.styles import Latent

    first = int(seed or 0)
    return [Latent(seed=first + step, domain=domain or "", truncation=float(truncation)) for step in range(NEIGHBOURS)]

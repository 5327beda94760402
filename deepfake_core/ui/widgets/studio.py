"""The layout of a tab that runs a network."""

import html
from abc import ABC, abstractmethod

import gradio as gr

from deepfake_core.ui.widgets.look_inside import LookInside
from deepfake_core.ui.widgets.model_picker import ModelPicker
from deepfake_core.ui.widgets.run_controls import RunControls

TO_STAGE = '<button type="button" class="to-stage">Full screen</button>'
"""Handled by layout.js; hidden while there is no result."""


class Studio(ABC):
    """Weights and inputs on the left, buttons and results on the right, an explanation and a look inside below."""

    title: str
    purpose: str
    """What one can do here, in one sentence."""
    about: str
    """The explanation, as Markdown."""
    models: ModelPicker
    controls: RunControls
    inside: LookInside

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            purpose(self.purpose)
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=5, min_width=300):
                    self.models.render()
                    self.render_inputs()
                with gr.Column(scale=6, min_width=300, elem_classes="results"):
                    self.render_results()
            with gr.Accordion("How it works", open=False):
                gr.Markdown(self.about)
            self.inside.render()

    @abstractmethod
    def render_inputs(self) -> None:
        """Render the tab's own inputs and options."""

    def render_results(self) -> None:
        render_results(self.controls)


def purpose(sentence: str) -> None:
    """Render the sentence that says what one can do in a tab."""
    gr.HTML(f"<p>{html.escape(sentence)}</p>", elem_classes="purpose")


def render_results(controls: RunControls) -> None:
    """Render the buttons, and the stage with its way to the full screen; in a column of class `results`."""
    controls.render()
    gr.HTML(TO_STAGE, elem_classes="stage-bar")
    controls.stage.render()

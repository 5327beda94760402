"""The layout of a tab that runs a network."""

from abc import ABC, abstractmethod

import gradio as gr

from deepfake_core.ui.widgets.model_picker import ModelPicker
from deepfake_core.ui.widgets.run_controls import RunControls


class Studio(ABC):
    """Weights and inputs on the left, buttons and results on the right, an explanation of the method below."""

    title: str
    about: str
    """The explanation, as Markdown."""
    models: ModelPicker
    controls: RunControls

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=6, min_width=300):
                    self.models.render()
                    self.render_inputs()
                with gr.Column(scale=5, min_width=300):
                    self.render_results()
            with gr.Accordion("How it works", open=False):
                gr.Markdown(self.about)

    @abstractmethod
    def render_inputs(self) -> None:
        """Render the tab's own inputs and options."""

    def render_results(self) -> None:
        self.controls.render()
        self.controls.stage.render()

"""The Image Animation tab: a portrait, a driving clip, and the portrait moving like the clip."""

import html
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.hub.manifest import manifest
from deepfake_core.registry import method
from deepfake_core.ui.server.messages import sentence
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.animation.form import AnimationForm
from deepfake_core.ui.tabs.animation.inside import Inside
from deepfake_core.ui.tabs.animation.options import MotionOptions
from deepfake_core.ui.tabs.animation.sources import DrivingClip, Portrait
from deepfake_core.ui.tabs.animation.stage import AnimationStage
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.model_picker import STARTER, MoreWeights
from deepfake_core.ui.widgets.run_controls import Job, RunButtons

WARMING = "<strong>Loading the network …</strong> The page can be used meanwhile."


class AnimationTab:
    """Puts the parts together, and runs the pipeline when Animate is pressed."""

    title = method("fomm").title

    def __init__(self, services: Services) -> None:
        self.engine, examples = services.engine, services.examples
        self.source = Portrait(examples.portraits)
        self.driver = DrivingClip(examples.clips)
        self.options = MotionOptions()
        self.more = MoreWeights("fomm", "animation-", "the best weights on this machine are used from now on")
        self.stage = AnimationStage()
        self.buttons = RunButtons("Animate", self.stage)
        self.inside = Inside(self.engine)

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            self.weights = gr.HTML(WARMING, elem_id="weights")
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=6, min_width=300):
                    with gr.Row():
                        with gr.Column(min_width=260):
                            self.source.render()
                        with gr.Column(min_width=260):
                            self.driver.render()
                    self.options.render()
                    self.more.render()
                with gr.Column(scale=5, min_width=300):
                    self.buttons.render()
                    self.stage.render()
            self.inside.render()

    def listen(self, page: gr.Blocks) -> None:
        for trigger in (page.load, self.tab.select, self.more.listen()):
            trigger(
                self.tell_weights,
                outputs=self.weights,
                show_progress="hidden",
                concurrency_limit=None,
                api_visibility="private",
            ).then(
                self.more.fill,
                inputs=self.more.download.name,
                outputs=self.more.outputs,
                preprocess=False,
                show_progress="hidden",
                concurrency_limit=None,
                api_visibility="private",
            )
        self.source.listen(page, self.options.crop)
        self.driver.listen(page, self.options.crop)
        self.options.listen()
        self.stage.listen(self.options.crop)
        self.inputs = self._inputs()
        self.inside.listen(self.inputs, self.options.crop)
        self.buttons.listen([Job(triggers=[self.buttons.start.click], run=self.animate, inputs=self.inputs.components)])

    def _inputs(self) -> Inputs:
        """By the names of `AnimationForm`'s fields."""
        sliders = {
            f"{file}_{name}": slider
            for file, part in (("source", self.source), ("driving", self.driver))
            for name, slider in part.framing.inputs.items()
        }
        return Inputs(source=self.source.file, driving=self.driver.file, **sliders, **self.options.inputs)

    def animate(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Run the pipeline and show what it yields.

        Stop closes this generator at its last `yield`, and with it the pipeline's, which leaves no file. Gradio has
        copied finished files to its own cache before it asks for the next step, so the folder can go then.
        """
        from deepfake_core.pipelines.animation import animate

        with TemporaryDirectory(prefix="deepfake-lab-") as folder:
            request = AnimationForm(**self.inputs.named(values)).request(Path(folder))
            with closing(self.engine.work("fomm", None, animate, request, deadline)) as events:  # type: ignore[type-var]
                yield from self.stage.follow(events)

    def tell_weights(self) -> str:
        """Which weights run, and what they are good for; waits until they are loaded."""
        try:
            animator = self.engine.model("fomm")
        except Exception as error:
            return f"<strong>No weights:</strong> {html.escape(sentence(error))}"
        one = manifest().get(animator.name)
        starter = f" {STARTER}" if one and one.file else ""
        return f"<strong>Weights: {html.escape(animator.name)}</strong> for {html.escape(animator.about)}.{starter}"

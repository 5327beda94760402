"""The Image Animation tab: a portrait is animated by the motion of a driving clip."""

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
from deepfake_core.ui.widgets.address import Linked
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.model_picker import STARTER, MoreWeights
from deepfake_core.ui.widgets.run_controls import Job, RunControls
from deepfake_core.ui.widgets.startup_line import startup_line
from deepfake_core.ui.wiring import ANY_NUMBER

WARMING = "<strong>Loading the network …</strong> You can already use the page."


class AnimationTab:
    """Composes the widgets, and runs the pipeline on Animate."""

    title = method("fomm").title

    def __init__(self, services: Services) -> None:
        self.engine, examples = services.engine, services.examples
        self.source = Portrait(examples.portraits)
        self.driver = DrivingClip(examples.clips)
        self.options = MotionOptions()
        self.more = MoreWeights("fomm", "animation-", "the tab uses the best installed weights from now on")
        self.stage = AnimationStage()
        self.controls = RunControls("Animate", self.stage)
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
                    self.controls.render()
                    self.stage.render()
            self.inside.render()

    def listen(self, page: gr.Blocks) -> None:
        for trigger in (page.load, self.tab.select, self.more.listen()):
            trigger(
                self.describe_weights,
                outputs=self.weights,
                **ANY_NUMBER,
            ).then(
                self.more.fill,
                inputs=self.more.download.name,
                outputs=self.more.outputs,
                preprocess=False,
                **ANY_NUMBER,
            )
        self.source.listen(page, self.options.crop)
        self.driver.listen(page, self.options.crop)
        self.options.listen()
        self.stage.listen(self.options.crop)
        self.inputs = self._inputs()
        self.linked = Linked(inputs=self.inputs)
        self.inside.listen(self.inputs, self.options.crop)
        self.controls.listen(
            [Job(triggers=[self.controls.start.click], run=self.animate, inputs=self.inputs.components)]
        )

    def _inputs(self) -> Inputs:
        """The inputs, named like the fields of `AnimationForm`."""
        sliders = {
            f"{file}_{name}": slider
            for file, part in (("source", self.source), ("driving", self.driver))
            for name, slider in part.crop_controls.inputs.items()
        }
        return Inputs(source=self.source.file, driving=self.driver.file, **sliders, **self.options.inputs)

    def animate(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Run the pipeline and show its events.

        Stop closes this generator at its `yield`, and thereby the pipeline, which leaves no file. Gradio copies
        finished files to its cache before it requests the next update, so the folder can be removed at the end.
        """
        from deepfake_core.pipelines.animation import animate

        with TemporaryDirectory(prefix="deepfake-lab-") as folder:
            request = AnimationForm(**self.inputs.named(values)).request(Path(folder))
            with closing(self.engine.work("fomm", None, animate, request, deadline)) as events:  # type: ignore[type-var]
                yield from self.stage.follow(events)

    def describe_weights(self) -> str:
        """The weights in use and their purpose; waits until they are loaded."""
        try:
            animator = self.engine.model("fomm")
        except Exception as error:
            return f"<strong>No weights:</strong> {html.escape(sentence(error))}"
        one = manifest().get(animator.name)
        starter = f" {STARTER}" if one and one.file else ""
        starting = startup_line({name for name, one in manifest().items() if one.network == "fomm"})
        about = f"<strong>Weights: {html.escape(animator.name)}</strong> for {html.escape(animator.about)}."
        return f"{about}{starter}{starting}"

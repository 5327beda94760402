"""The Image Animation tab: a portrait is animated by the motion of a driving clip."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.registry import method
from deepfake_core.ui.server.example_runs import ExampleRun, example
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.animation.by_hand import ByHand
from deepfake_core.ui.tabs.animation.form import AnimationForm
from deepfake_core.ui.tabs.animation.inside import Inside
from deepfake_core.ui.tabs.animation.options import MotionOptions
from deepfake_core.ui.tabs.animation.sources import DrivingClip, Portrait
from deepfake_core.ui.tabs.animation.stage import AnimationStage
from deepfake_core.ui.widgets.address import Linked
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.model_picker import ModelPicker
from deepfake_core.ui.widgets.run_controls import Job, RunControls, remembered
from deepfake_core.ui.widgets.studio import purpose, render_results
from deepfake_core.ui.wiring import QUIET

PREFIX = "animation-"
PURPOSE = "Make a portrait move and speak like the face in a clip: choose a portrait and a clip, and press Animate."
OWN_FACE = """
<p><strong>Use your own face:</strong> drive a drawn head with your webcam. This works best of all, and nothing is
downloaded.</p>
"""


class AnimationTab:
    """Composes the widgets, and runs the pipeline on Animate."""

    title = method("fomm").title

    def __init__(self, services: Services) -> None:
        self.services, self.engine, examples = services, services.engine, services.examples
        self.models = ModelPicker("fomm", PREFIX)
        self.source = Portrait(examples.portraits, self.models)
        self.driver = DrivingClip(examples.clips, self.models)
        self.options = MotionOptions()
        self.stage = AnimationStage()
        self.controls = RunControls("Animate", self.stage)
        self.by_hand = ByHand(services.engine)
        self.inside = Inside(services)
        self.models.advice = [self.source.crop_controls.advice, self.stage.advice]

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            purpose(PURPOSE)
            with gr.Row(elem_classes="invitation"):
                gr.HTML(OWN_FACE)
                gr.Button("Start my webcam", elem_id="own-face", scale=0, min_width=170)  # handled by layout.js
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=5, min_width=300):
                    with gr.Row():
                        with gr.Column(min_width=260):
                            self.source.render()
                        with gr.Column(min_width=260):
                            self.driver.render()
                    self.options.render()
                    self.models.render()
                with gr.Column(scale=6, min_width=300, elem_classes="results"):
                    render_results(self.controls)
            self.by_hand.render()
            self.inside.render()

    def listen(self, page: gr.Blocks) -> None:
        self.models.listen(page.load, self.tab.select)
        self.source.listen(page, self.options.crop)
        self.driver.listen(page, self.options.crop)
        self.options.listen()
        self.stage.listen(self.options.crop)
        self.inputs = self._inputs()
        self.linked = Linked(inputs=self.inputs)
        self.by_hand.listen(self.inputs, self.source.file, self.options.crop)
        self.inside.listen(self.inputs, self.options.crop)
        page.load(self.show_example, outputs=self.stage.outputs, **QUIET)
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
        return Inputs(
            model=self.models.name, source=self.source.file, driving=self.driver.file, **sliders, **self.options.inputs
        )

    def animate(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Run the pipeline and show its events.

        Stop closes this generator at its `yield`, and thereby the pipeline, which leaves no file. Gradio copies
        finished files to its cache before it requests the next update, so their folder can be removed at the end.
        """
        from deepfake_core.pipelines.animation import animate

        form = AnimationForm(**self.inputs.named(values))
        request = form.request()
        model = self.engine.weights_for("fomm", form.model, request.source, request.source_crop, deadline)
        with self.services.events(
            "fomm", model, animate, request, deadline, sources=form.inputs, files=form.files
        ) as events:
            yield from self.stage.follow(events, form.made_from(model))

    def example_runs(self) -> Iterator[ExampleRun]:
        """The pair that is selected at first, and the look inside its network; then every other pair."""
        first = (self.source.picture.first, self.driver.first)
        portraits, clips = self.services.examples.portraits, self.services.examples.clips
        pairs = [(portrait, clip) for portrait in portraits for clip in clips]
        for pair in sorted(pairs, key=lambda one: one != first):
            values = self.inputs.defaults(source=example(pair[0]), driving=example(pair[1]))
            yield partial(self.animate, NEVER, *values)
            if pair == first:
                yield partial(self.inside.drawn, NEVER, None, *values)

    def show_example(self) -> Update:
        """The result of the pair that is selected at first, if it is remembered."""
        pair = (self.source.picture.first, self.driver.first)
        if None in pair:
            return {self.stage.progress: gr.skip()}
        values = self.inputs.defaults(source=example(pair[0]), driving=example(pair[1]))
        found = remembered(self.animate, *values)
        return self.stage.example(found) if found else {self.stage.progress: gr.skip()}

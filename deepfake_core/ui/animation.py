"""The Image Animation tab: a portrait, a driving clip, and the portrait moving like the clip."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from deepfake_core.ui.driver import DrivingClip
from deepfake_core.ui.engine import Engine
from deepfake_core.ui.examples import Examples
from deepfake_core.ui.form import Form
from deepfake_core.ui.inside import Inside
from deepfake_core.ui.motion import MotionOptions
from deepfake_core.ui.outcome import Outcome
from deepfake_core.ui.source import SourcePicture
from deepfake_core.ui.trouble import Update


class AnimationTab:
    """Puts the parts together, and runs the pipeline when Animate is pressed."""

    title = "Image Animation"

    def __init__(self, engine: Engine, examples: Examples) -> None:
        self.engine = engine
        self.source = SourcePicture(examples.portraits)
        self.driver = DrivingClip(examples.clips)
        self.options = MotionOptions()
        self.outcome = Outcome()
        self.inside = Inside(engine)

    def render(self) -> None:
        with gr.Row(elem_classes="studio"):
            with gr.Column(scale=6, min_width=300):
                with gr.Row():
                    with gr.Column(min_width=260):
                        self.source.render()
                    with gr.Column(min_width=260):
                        self.driver.render()
                self.options.render()
            with gr.Column(scale=5, min_width=300):
                with gr.Row(elem_classes="buttons"):
                    self.start = gr.Button("Animate", variant="primary", scale=3, min_width=140, elem_id="animate")
                    self.stop = gr.Button("Stop", interactive=False, scale=1, min_width=90, elem_id="stop")
                self.outcome.render()
        self.inside.render()

    def listen(self, page: gr.Blocks) -> None:
        self.source.listen(page, self.options.crop)
        self.driver.listen(page, self.options.crop)
        self.options.listen()
        self.outcome.listen(self.options.crop)
        self.inside.listen(self.inputs, self.options.crop)
        self._listen_to_buttons()

    def _listen_to_buttons(self) -> None:
        buttons = [self.start, self.stop]
        begun = self.start.click(
            self.begin,
            outputs=[*buttons, *self.outcome.outputs],
            queue=False,  # at once, even while another visitor's animation holds the network
            show_progress="hidden",
            api_visibility="private",
        )
        run = begun.then(
            self.animate,
            inputs=self.inputs,
            outputs=self.outcome.outputs,
            preprocess=False,  # hostile files are opened by our own readers alone
            show_progress="minimal",
            show_progress_on=self.outcome.progress,
            concurrency_id="model",
            concurrency_limit=1,
            api_visibility="private",
        )
        run.then(  # also after a cancelled run, and only when its last frame has been shown
            self.end,
            inputs=self.outcome.over,
            outputs=[*buttons, self.outcome.progress],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        self.stop.click(
            self.outcome.stopping,
            outputs=self.outcome.progress,
            cancels=[run],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    @property
    def inputs(self) -> list[gr.components.Component]:
        """In the order of `Form`'s fields."""
        sliders = self.source.framing.sliders, self.driver.framing.sliders
        return [self.source.file, *sliders[0], self.driver.file, *sliders[1], *self.options.inputs]

    def animate(self, *values: Any) -> Iterator[Update]:
        """Run the pipeline and show what it yields.

        Stop closes this generator at its last `yield`, and with it the pipeline's, which leaves no file. Gradio has
        copied finished files to its own cache before it asks for the next step, so the folder can go then.
        """
        try:
            from deepfake_core.pipelines.animation import animate

            animator = self.engine.animator()
            with TemporaryDirectory(prefix="deepfake-lab-") as folder:
                request = Form(*values).request(Path(folder))
                with closing(animate(animator, request)) as events:  # type: ignore[type-var]
                    yield from self.outcome.follow(events)
        except Exception as error:
            yield self.outcome.failed(error)

    def begin(self) -> Update:
        return self._buttons(running=True) | self.outcome.begin()

    def end(self, over: bool) -> Update:
        return self._buttons(running=False) | ({} if over else self.outcome.stopped())

    def _buttons(self, *, running: bool) -> Update:
        return {self.start: gr.Button(interactive=not running), self.stop: gr.Button(interactive=running)}

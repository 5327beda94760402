"""The interpolation between two styles: a slider over frames that are rendered in advance, and a video."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.stage import bar, state
from deepfake_core.ui.wiring import ON_NETWORK, QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.styles import InterpolationRequest

FRAMES = 13
"""Frames of the slider: steps of a twelfth."""
HOUR = 3600
READY = "Styles are numbered from 1 in the order of the results."


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one session's slider; their folder is removed with this object."""

    folder: TemporaryDirectory[str]
    paths: list[str]

    def at(self, share: float) -> str:
        """The frame at `share` percent, from 0 (first style) to 100 (second)."""
        return self.paths[round(share / 100 * (len(self.paths) - 1))]


class Interpolation:
    """The accordion below the results."""

    def __init__(self, engine: Engine, prefix: str, request: "Callable[..., tuple[str, InterpolationRequest]]") -> None:
        self.engine, self.prefix, self.request = engine, prefix, request
        """`request(deadline, values, **more)` returns the name of the weights and the request."""
        self.error_message = ErrorMessage()

    def render(self) -> None:
        with gr.Accordion("Interpolation between two styles", open=False, elem_id=f"{self.prefix}interpolation"):
            with gr.Row(elem_classes="interpolation"):
                self.start = gr.Number(1, label="From style", precision=0, minimum=1, maximum=6, min_width=90)
                self.end = gr.Number(2, label="To style", precision=0, minimum=1, maximum=6, min_width=90)
                self.prepare = gr.Button("Prepare the slider", min_width=130, elem_id=f"{self.prefix}prepare")
                self.video = gr.Button("Render a video", min_width=130, elem_id=f"{self.prefix}video-start")
            self.error_message.render()
            self.progress = gr.HTML(state(READY), elem_classes="progress")
            self.frames = gr.State(None, time_to_live=HOUR, delete_callback=_forget)
            self.share = gr.Slider(
                0, 100, 0, step=1, label="From first to second style, %", visible=False,
                elem_id=f"{self.prefix}share",
            )  # fmt: skip
            self.picture = gr.Image(
                label="Interpolated", alt_text="The source in an interpolated style", interactive=False,
                buttons=["download"], height=320, visible=False, elem_id=f"{self.prefix}between", elem_classes="media",
            )  # fmt: skip

    @property
    def ends(self) -> dict[str, gr.components.Component]:
        """The numbers of the two styles by name."""
        return {"start": self.start, "end": self.end}

    @property
    def outputs(self) -> list[Block]:
        """The components that `cleared` updates."""
        return [self.frames, self.share, self.picture, self.progress]

    def cleared(self) -> Update:
        """Forget the rendered frames, which belong to other weights; their folder goes with the state."""
        return {
            self.frames: None,
            self.share: gr.Slider(visible=False),
            self.picture: gr.Image(None, visible=False),
            self.progress: state(READY),
        }

    def listen(self, inputs: Mapping[str, gr.components.Component], crop: gr.Radio) -> None:
        """`inputs`: the tab's own inputs by name."""
        self.inputs = Inputs(**self.ends, **inputs)
        self.prepare.click(
            self.make_frames,
            inputs=[self.frames, *self.inputs.components],
            outputs=[*self.outputs, *self.error_message.outputs],
            preprocess=False,
            **ON_NETWORK,
        )
        self.share.input(
            lambda frames, share: frames.at(share) if frames else None,
            inputs=[self.frames, self.share],
            outputs=self.picture,
            trigger_mode="always_last",
            **QUIET,
        )
        self.error_message.listen(crop)

    def make_frames(self, before: Frames | None, *values: Any) -> Iterator[Update]:
        """Render the frames of the slider."""
        from deepfake_core.pipelines.events import Progress
        from deepfake_core.pipelines.styles import interpolate

        folder = TemporaryDirectory(prefix="deepfake-lab-interpolation-")
        deadline, frames = Deadline.after(settings().job_seconds), Path(folder.name) / "frames"
        try:
            model, request = self.request(deadline, self.inputs.named(values), output=frames, steps=FRAMES)
            yield self.error_message.clear() | {self.progress: state("Preparing …")}
            with closing(self.engine.work("starganv2", model, interpolate, request, deadline)) as events:  # type: ignore[type-var]
                for event in events:
                    deadline.check()
                    if isinstance(event, Progress):
                        yield {self.progress: bar(event.unit, event.done, event.total)}
        except Exception as error:
            folder.cleanup()
            yield self.error_message.show(error) | {self.progress: state("Ready.")}
            return
        _forget(before)
        made = Frames(folder, sorted(map(str, frames.iterdir())))
        yield {
            self.frames: made,
            self.share: gr.Slider(value=0, visible=True),
            self.picture: gr.Image(made.at(0), visible=True),
            self.progress: state("Ready: move the slider."),
        }


def _forget(frames: Frames | None) -> None:
    if frames:
        frames.folder.cleanup()

"""The walk between two styles: a slider over frames that are made beforehand, and a video."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.engine import Engine
from deepfake_core.ui.stage import bar, state
from deepfake_core.ui.trouble import Trouble, Update

if TYPE_CHECKING:
    from deepfake_core.pipelines.styles import WalkRequest

FRAMES = 13
"""Of the slider: one a twelfth of the way."""
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Walked:
    """The frames behind one visitor's slider; their folder goes with this object."""

    folder: TemporaryDirectory[str]
    frames: list[str]

    def at(self, share: float) -> str:
        """The frame at 0 (first style) to 100 (second)."""
        return self.frames[round(share / 100 * (len(self.frames) - 1))]


class StyleWalk:
    """The accordion below the results."""

    def __init__(self, engine: Engine, place: str, ask: "Callable[..., tuple[str | None, WalkRequest]]") -> None:
        self.engine, self.place, self.ask = engine, place, ask
        """`ask(deadline, start, end, *inputs)`: the weights' name and the walk that the tab's widgets mean."""
        self.trouble = Trouble()

    def render(self) -> None:
        with gr.Accordion("Walk between two styles", open=False, elem_id=f"{self.place}walk"):
            with gr.Row(elem_classes="walk"):
                self.start = gr.Number(1, label="From style", precision=0, minimum=1, maximum=6, min_width=90)
                self.end = gr.Number(2, label="To style", precision=0, minimum=1, maximum=6, min_width=90)
                self.prepare = gr.Button("Prepare the slider", min_width=130, elem_id=f"{self.place}prepare")
                self.video = gr.Button("Make a video", min_width=130, elem_id=f"{self.place}video-start")
            self.trouble.render()
            self.progress = gr.HTML(
                state("Styles are counted from 1, as they stand in the results."), elem_classes="progress"
            )
            self.walked = gr.State(None, time_to_live=HOUR, delete_callback=_forget)
            self.share = gr.Slider(
                0, 100, 0, step=1, label="Way from the first style to the second, %", visible=False,
                elem_id=f"{self.place}share",
            )  # fmt: skip
            self.picture = gr.Image(
                label="On the way", alt_text="The source in a style between the two", interactive=False,
                buttons=["download"], height=320, visible=False, elem_id=f"{self.place}between", elem_classes="media",
            )  # fmt: skip

    def listen(self, inputs: list[gr.components.Component], crop: gr.Radio) -> None:
        self.prepare.click(
            self.make_frames,
            inputs=[self.walked, self.start, self.end, *inputs],
            outputs=[self.walked, self.share, self.picture, self.progress, self.trouble.text, self.trouble.whole],
            preprocess=False,
            show_progress="hidden",
            concurrency_id="model",
            concurrency_limit=1,
            api_visibility="private",
        )
        self.share.input(
            lambda walked, share: walked.at(share) if walked else None,
            inputs=[self.walked, self.share],
            outputs=self.picture,
            queue=False,
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
        self.trouble.listen(crop)

    def make_frames(self, before: Walked | None, *values: Any) -> Iterator[Update]:
        """Make the frames of the slider."""
        from deepfake_core.pipelines.styles import Drawn, walk

        folder, deadline = TemporaryDirectory(prefix="deepfake-lab-walk-"), Deadline.after(settings().job_seconds)
        try:
            frames = Path(folder.name) / "frames"
            model, request = self.ask(deadline, *values, output=frames, steps=FRAMES)
            yield self.trouble.clear() | {self.progress: state("Getting ready …")}
            with closing(self.engine.work("starganv2", model, walk, request, deadline)) as events:  # type: ignore[type-var]
                for event in events:
                    deadline.check()
                    if isinstance(event, Drawn):
                        yield {self.progress: bar("frame", event.index + 1, event.total)}
        except Exception as error:
            folder.cleanup()
            yield self.trouble.tell(error) | {self.progress: state("Ready.")}
            return
        _forget(before)
        walked = Walked(folder, sorted(map(str, frames.iterdir())))
        yield {
            self.walked: walked,
            self.share: gr.Slider(value=0, visible=True),
            self.picture: gr.Image(walked.at(0), visible=True),
            self.progress: state("Move the slider: every frame is there."),
        }


def _forget(walked: Walked | None) -> None:
    if walked:
        walked.folder.cleanup()

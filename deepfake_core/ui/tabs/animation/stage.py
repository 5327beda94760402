"""The stage of Image Animation: a live preview, then the finished videos."""

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.stage import Stage, bar, count, state

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import Finished, Progress

SECONDS_BETWEEN_UPDATES = 0.15
"""Between updates of the progress bar without a preview."""
HINT = "Press <strong>Animate</strong>. The animation appears here frame by frame, next to the driving clip."


class AnimationStage(Stage):
    """Live preview, result and side-by-side video."""

    def __init__(self) -> None:
        super().__init__(HINT)

    def render_results(self) -> None:
        self.live = gr.Image(
            label="Live: driving clip and result",
            alt_text="The latest frame of the driving clip, and next to it the generated frame",
            format="jpeg",
            interactive=False,
            buttons=[],
            visible=False,
            elem_id="live",
            elem_classes="media natural",
        )
        self.video = gr.Video(
            label="Result", format=None, include_audio=True, interactive=False, autoplay=True, visible=False,
            buttons=["download"], elem_id="result", elem_classes="media tall",
        )  # fmt: skip
        self.side_by_side = gr.Video(
            label="Side by side: portrait, driving clip, result", format=None, include_audio=True, interactive=False,
            visible=False, buttons=["download"], elem_id="side-by-side", elem_classes="media",
        )  # fmt: skip

    @property
    def results(self) -> list[Block]:
        return [self.live, self.video, self.side_by_side]

    def cleared(self) -> Update:
        return {
            self.live: gr.Image(None, visible=False),
            self.video: gr.Video(None, visible=False),
            self.side_by_side: gr.Video(None, visible=False),
        }

    def begin(self) -> Update:
        return super().begin() | {self.live: gr.Image(None, visible=True)}

    def follow(self, events: "Iterable[Progress | Finished]", made_from: str = "") -> Iterator[Update]:
        """Turn the pipeline's events into updates: progress, previews and finished files."""
        from deepfake_core.pipelines.events import Finished

        shown = float("-inf")
        for event in events:
            if isinstance(event, Finished):
                yield self._finished(event, made_from)
            elif event.preview or time.monotonic() - shown >= SECONDS_BETWEEN_UPDATES:
                shown = time.monotonic()
                yield self._progressing(event)

    def _progressing(self, event: "Progress") -> Update:
        if event.task:
            total = f" of {event.total}" if event.total else ""
            return {self.progress: state(f"{event.task}: {event.done}{total}")}
        more, left = [f"{event.rate or 0:.1f} frames/s"], event.seconds_left
        if left is not None:
            more.append(f"{left:.0f} s left" if left < 90 else f"{left / 60:.0f} min left")
        shown: Update = {self.progress: bar(event.unit, event.done, event.total, *more)}
        return shown | {self.live: str(event.preview)} if event.preview else shown

    def _finished(self, event: "Finished", made_from: str) -> Update:
        frames, second = event.files[0].facts["frames"], event.of("side_by_side")
        speed = frames / max(event.seconds, 1e-3)
        text = f"Done: {count(frames, 'frame')} in {event.seconds:.1f} s ({speed:.1f} frames/s)."
        return self.done(text, event, made_from, [event.path]) | {
            self.live: gr.Image(None, visible=False),
            self.video: gr.Video(str(event.path), visible=True),
            self.side_by_side: gr.Video(str(second[0].path) if second else None, visible=bool(second)),
        }

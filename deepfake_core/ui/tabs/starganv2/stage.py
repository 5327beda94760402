"""The results of the StarGAN v2 tab."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.gallery import Gallery
from deepfake_core.ui.widgets.stage import Stage, bar, count, state

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import File, Finished, Progress

PREFIX = "styles-"
HINT = "Press <strong>Draw</strong>. The picture appears here in the selected styles."


class StylesStage(Stage):
    """The grid, its cells, and the video of an interpolation."""

    def __init__(self) -> None:
        super().__init__(HINT, PREFIX)
        self.gallery = Gallery("Results", f"{PREFIX}cards")

    def render_results(self) -> None:
        self.video = gr.Video(
            label="Interpolation", format=None, include_audio=True, interactive=False, autoplay=True, loop=True,
            visible=False, buttons=["download"], elem_id=f"{PREFIX}video", elem_classes="media tall",
        )  # fmt: skip
        self.gallery.render()
        self.grid = gr.Image(
            label="Grid: sources on the left, references on top", alt_text="Each source in each style",
            interactive=False, visible=False, buttons=["download", "fullscreen"],
            elem_id=f"{PREFIX}grid", elem_classes="media natural",
        )  # fmt: skip

    @property
    def results(self) -> list[Block]:
        return [self.video, *self.gallery.outputs, self.grid]

    def cleared(self) -> Update:
        away = {self.video: gr.Video(None, visible=False), self.grid: gr.Image(None, visible=False)}
        return self.gallery.cleared() | away

    def follow(self, events: "Iterator[Progress | Finished]", made_from: str = "") -> Iterator[Update]:
        """Show the cells one by one, then the grid."""
        from deepfake_core.pipelines.events import Progress

        yield {self.progress: state("Drawing …")}
        cells: list[File] = []
        drawn = 0
        for event in events:
            if isinstance(event, Progress):
                cells += event.files
                drawn = event.done
                yield self.gallery.shown(cells) | {self.progress: bar(event.unit, event.done, event.total)}
            else:
                text = f"Done: {count(drawn, 'picture')} in {event.seconds:.1f} s."
                grid: Update = {self.grid: gr.Image(str(event.path), visible=True)}
                done = self.done(text, event, made_from, [event.path])
                yield self.gallery.shown(cells, complete=True) | grid | done  # in case the page missed an update

    def follow_video(self, events: "Iterator[Progress | Finished]", made_from: str = "") -> Iterator[Update]:
        """Show the number of finished frames, then the video."""
        from deepfake_core.pipelines.events import Progress

        for event in events:
            if isinstance(event, Progress):
                yield {self.progress: bar(event.unit, event.done, event.total)}
            else:
                video: Update = {self.video: gr.Video(str(event.path), visible=True)}
                yield self.done(f"Done in {event.seconds:.1f} s.", event, made_from, [event.path]) | video

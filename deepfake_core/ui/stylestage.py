"""The stage of the StarGAN v2 tab: the grid, each picture of it alone, and the video of a walk."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import Deadline
from deepfake_core.ui.cards import MOST, Cards
from deepfake_core.ui.singles import Captioned, save_single
from deepfake_core.ui.stage import Stage, bar, count, state
from deepfake_core.ui.trouble import Update

if TYPE_CHECKING:
    from deepfake_core.pipelines.styles import Drawn, Finished, GridRequest, Style
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer

PLACE = "styles-"
HINT = "Press <strong>Draw</strong>: the picture appears here in the looks that you chose."


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of the grid is done."""

    single: Captioned | None
    """None in a grid of more pictures than there are places for."""
    index: int
    total: int


class StylesStage(Stage):
    """Single pictures, the grid that they make up, a video."""

    def __init__(self) -> None:
        super().__init__(HINT, PLACE)
        self.cards = Cards("Results", f"{PLACE}cards")

    def render_results(self) -> None:
        self.video = gr.Video(
            label="Walk", format=None, include_audio=True, interactive=False, autoplay=True, loop=True, visible=False,
            buttons=["download"], height=400, elem_id=f"{PLACE}video", elem_classes="media",
        )  # fmt: skip
        self.cards.render()
        self.grid = gr.Image(
            label="Grid: sources on the left, references on top", alt_text="Every source in the looks of every style",
            interactive=False, visible=False, buttons=["download", "fullscreen"],
            elem_id=f"{PLACE}grid", elem_classes="media natural",
        )  # fmt: skip

    @property
    def results(self) -> list[Block]:
        return [self.video, *self.cards.outputs, self.grid]

    def cleared(self) -> Update:
        away = {self.video: gr.Video(None, visible=False), self.grid: gr.Image(None, visible=False)}
        return self.cards.cleared() | away

    def follow(self, events: "Iterator[Cell | Finished]") -> Iterator[Update]:
        """Show the pictures of a grid one by one, then the grid."""
        yield {self.progress: state("Drawing …")}
        made, total = list[Captioned](), 0
        for event in events:
            if isinstance(event, Cell):
                made += [event.single] if event.single else []
                total = event.total
                yield self.cards.shown(made) | {self.progress: bar("picture", event.index + 1, event.total)}
            else:
                text = f"Done: {count(total, 'picture')} in {event.seconds:.1f} s."
                grid: Update = {self.grid: gr.Image(str(event.path), visible=True)}
                yield self.cards.shown(made) | grid | self.done(text, event.notes)  # lest the page miss a step

    def follow_video(self, events: "Iterator[Drawn | Finished]") -> Iterator[Update]:
        """Count the frames of a video, then show it."""
        from deepfake_core.pipelines.styles import Finished

        for event in events:
            if isinstance(event, Finished):
                video: Update = {self.video: gr.Video(str(event.path), visible=True)}
                yield self.done(f"Done in {event.seconds:.1f} s.", event.notes) | video
            else:
                yield {self.progress: bar("frame", event.index + 1, event.total)}


def drawn(
    synthesizer: "StyleSynthesizer", request: "GridRequest", folder: Path, deadline: Deadline
) -> "Iterator[Cell | Finished]":
    """What the pipeline yields, with each picture of the grid as a file of its own."""
    from deepfake_core.pipelines.styles import Drawn, draw_grid, pictures_of

    with closing(draw_grid(synthesizer, request, deadline)) as events:  # type: ignore[type-var]
        for event in events:
            if not isinstance(event, Drawn):
                yield event
                continue
            row, column = divmod(event.index, len(request.styles))
            source = f", source {row + 1}" if len(request.sources) > 1 else ""
            caption = f"{column + 1}: {name_of(request.styles[column])}{source}"
            single = None
            if event.total <= MOST:
                made_of = [request.sources[row], *pictures_of(request.styles[column])]
                single = save_single(
                    event.image, folder / "singles", caption, event.index + 1, synthesizer.name, made_of
                )
            yield Cell(single, event.index, event.total)


def name_of(style: "Style") -> str:
    """A style in a few words."""
    from deepfake_core.pipelines.styles import Latent, Reference

    match style:
        case Reference():
            return f"{Path(str(style.image)).stem} as {style.domain}"
        case Latent():
            return f"seed {style.seed}"
        case _:
            return "a mixture"

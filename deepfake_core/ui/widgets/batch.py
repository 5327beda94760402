"""Batches: a list of files with a button for all of them, and a stage that shows one result or several."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.errors import BadRequest
from deepfake_core.ui.server.uploaded import Uploads, paths_of
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.gallery import MOST, Cards
from deepfake_core.ui.widgets.stage import Stage, bar, count, state

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import File, Finished, Progress


class BatchInput:
    """The folded part of a tab that takes more than one picture."""

    def __init__(self, button: str, place: str) -> None:
        self.button, self.place = button, place

    def render(self) -> None:
        with gr.Accordion("Several at once", open=False):
            self.files = gr.File(
                label=f"Pictures, up to {MOST}", file_count="multiple", file_types=["image"], height=140,
                elem_id=f"{self.place}files",
            )  # fmt: skip
            self.start = gr.Button(self.button, elem_id=f"{self.place}all")


def all_chosen(uploads: Uploads) -> tuple[Path, ...]:
    """Where the files of the list lie; `BadRequest` when there are none, or too many."""
    paths = paths_of(uploads)
    if not paths:
        raise BadRequest("there are no pictures in the list yet; upload some")
    if len(paths) > MOST:
        raise BadRequest(
            f"{len(paths)} pictures are too many at once; the page takes {MOST}, the command line any number"
        )
    return paths


class BatchStage(Stage):
    """One result with all its files, or a card for each of several results."""

    def __init__(self, hint: str, place: str, doing: str) -> None:
        super().__init__(hint, place)
        self.doing = doing
        """What the state line says until the first result is there."""
        self.cards = Cards("Results", f"{place}cards")

    def single(self, files: "Sequence[File]") -> Update:
        """Show the files of the only picture."""
        raise NotImplementedError

    def follow(self, events: "Iterator[Progress | Finished]") -> Iterator[Update]:
        """Show what the pipeline yields."""
        from deepfake_core.pipelines.events import Progress

        yield {self.progress: state(self.doing)}
        made: list[File] = []
        results: Update = {}
        for event in events:
            if not isinstance(event, Progress):
                text = f"Done: {count(len(made), 'picture')} in {event.seconds:.1f} s."
                yield results | self.done(text, event.notes)  # all at once, lest the page miss a step
                continue
            made += [file for file in event.files if file.role == "result"]
            results = self.single(event.files) if event.total == 1 else self.cards.shown(made)
            yield results | {self.progress: bar(event.unit, event.done, event.total)}

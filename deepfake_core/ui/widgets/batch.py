"""Batches: a list of files with a button that processes all of them, and a stage for their results."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.errors import BadRequest
from deepfake_core.ui.server.uploaded import Uploads, paths_of
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.gallery import MAX_PICTURES, Gallery
from deepfake_core.ui.widgets.stage import Stage, bar, count, made_from, result_name, state

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import File, Finished, Progress


class BatchInput:
    """The accordion for more than one picture."""

    def __init__(self, button: str, prefix: str) -> None:
        self.button, self.prefix = button, prefix

    def render(self) -> None:
        with gr.Accordion("Batch", open=False):
            self.files = gr.File(
                label=f"Pictures, up to {MAX_PICTURES}", file_count="multiple", file_types=["image"], height=140,
                elem_id=f"{self.prefix}files",
            )  # fmt: skip
            self.start = gr.Button(self.button, elem_id=f"{self.prefix}all")


def all_chosen(uploads: Uploads) -> tuple[Path, ...]:
    """The paths of the uploaded files. Raises `BadRequest` if there are none, or more than `MAX_PICTURES`."""
    paths = paths_of(uploads)
    if not paths:
        raise BadRequest("there are no pictures in the list; upload some first")
    if len(paths) > MAX_PICTURES:
        raise BadRequest(
            f"a batch may have at most {MAX_PICTURES} pictures, got {len(paths)}; choose fewer, or use the command line"
        )
    return paths


@dataclass(frozen=True, slots=True)
class Made:
    """Where the results of a run on one picture or on a batch come from."""

    text: str
    """A sentence."""
    files: dict[str, str]
    """Field of the request -> name of its file, or "" for the folder of a batch's results."""
    ending: str
    """Of the names in that folder."""

    @classmethod
    def of(cls, weights: str, sources: Sequence[Path], change: str) -> "Made":
        """`change`, such as "as zebra", ends the names of all results."""
        if len(sources) == 1:
            name = f"{result_name(sources[0].stem, change)}.png"
            return cls(made_from(weights, f"picture {sources[0].stem}"), {"output": name}, "")
        ending = f"-{result_name(change)}"
        return cls(made_from(weights, count(len(sources), "picture")), {"output": ""}, ending)


class BatchStage(Stage):
    """One result with all its files, or a gallery of the results of a batch."""

    def __init__(self, hint: str, prefix: str, doing: str) -> None:
        super().__init__(hint, prefix)
        self.doing = doing
        """The status line until the first result."""
        self.gallery = Gallery("Results", f"{prefix}cards")

    @abstractmethod
    def single(self, files: "Sequence[File]") -> Update:
        """Show the files of a run on one picture."""

    def follow(self, events: "Iterator[Progress | Finished]", made_from: str = "") -> Iterator[Update]:
        """Turn the pipeline's events into updates."""
        from deepfake_core.pipelines.events import Progress

        yield {self.progress: state(self.doing)}
        made: list[File] = []
        results: Update = {}
        for event in events:
            if not isinstance(event, Progress):
                text = f"Done: {count(len(made), 'picture')} in {event.seconds:.1f} s."
                if len(made) > 1:
                    results = self.gallery.shown(made, complete=True)
                done = self.done(text, event, made_from, [file.path for file in made])
                yield results | done  # with the results, in case the page missed an update
                continue
            made += [file for file in event.files if file.role == "result"]
            results = self.single(event.files) if event.total == 1 else self.gallery.shown(made)
            yield results | {self.progress: bar(event.unit, event.done, event.total)}

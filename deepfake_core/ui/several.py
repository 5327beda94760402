"""Several pictures at once: a list of files, and a button that works on all of them."""

from pathlib import Path

import gradio as gr

from deepfake_core.errors import BadRequest
from deepfake_core.ui.cards import MOST
from deepfake_core.ui.form import Uploads, paths_of


class SeveralPictures:
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

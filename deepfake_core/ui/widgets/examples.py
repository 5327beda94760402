"""The media that visitors can click on: whatever lies in the examples' folders."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from deepfake_core.media.images import SUFFIXES

CLIPS = {".mp4", ".webm", ".mov"}


@dataclass(frozen=True, slots=True)
class Examples:
    """Example files in the order of their names; the first ones are chosen when the page opens."""

    portraits: list[Path]
    clips: list[Path]
    fields: list[Path]
    """Horses and zebras; each name begins with its species."""
    animals: list[Path]
    """Cats, dogs and wild cats; each name begins with its domain."""

    @classmethod
    def in_folder(cls, folder: Path) -> "Examples":
        pictures = {name: _files(folder / name, SUFFIXES) for name in ("portraits", "fields", "animals")}
        return cls(clips=_files(folder / "clips", CLIPS), **pictures)

    @property
    def pictures(self) -> list[Path]:
        return [*self.portraits, *self.fields, *self.animals]


def _files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in suffixes)


class ExampleRow:
    """Thumbnails; a click puts the file into its component."""

    def __init__(self, label: str, paths: list[Path], place: str = "") -> None:
        self.label, self.paths = label, paths
        self.place = place + label.lower().replace(" ", "-")
        self.clicked: list[Any] = []
        """Events, once a thumbnail's file is in its component."""

    def render(self, file: gr.components.Component) -> None:
        with gr.Column(visible=bool(self.paths)) as self.column:
            if self.paths:
                row = gr.Examples(
                    [[str(path)] for path in self.paths],
                    inputs=file,
                    label=self.label,
                    elem_id=self.place,
                    api_visibility="private",
                )
                self.clicked = [row.load_input_event.then]

    def render_adding(self, places: Sequence[gr.Image]) -> None:
        """The same for several places: a click fills the first that is empty, or else the last."""
        with gr.Column(visible=bool(self.paths)) as self.column:
            thumbnails = gr.Dataset(
                components=[gr.Image(type="filepath", visible=False)],
                samples=[[str(path)] for path in self.paths],
                type="index",
                label=self.label,
                elem_id=self.place,
            )

        def add(index: int, *taken: object) -> dict[gr.components.Component, str]:
            empty = next((place for place, upload in zip(places, taken, strict=True) if not upload), places[-1])
            return {empty: str(self.paths[index])}

        thumbnails.click(
            add,
            inputs=[thumbnails, *places],
            outputs=list(places),
            preprocess=False,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def listen(self, page: gr.Blocks) -> None:
        """Give the thumbnails names, which Gradio leaves out: for screen readers, and as a tip under the mouse."""
        names = json.dumps([path.stem.replace("-", " ").replace("_", " ") for path in self.paths])
        page.load(None, js=NAME_BUTTONS % (names, self.place))


# A tab's thumbnails are put into the page when it is first looked at, so the names wait for them.
NAME_BUTTONS = """() => {
    const names = %s;
    const name = () => document.querySelectorAll("#%s button.gallery-item").forEach((button, index) => {
        if (button.title !== names[index]) button.ariaLabel = button.title = names[index];
    });
    name();
    new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
}"""

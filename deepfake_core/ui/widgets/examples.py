"""The example media: the files in the `examples` folder."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from deepfake_core.media.images import SUFFIXES
from deepfake_core.ui.wiring import QUIET

CLIPS = {".mp4", ".webm", ".mov"}


@dataclass(frozen=True, slots=True)
class Examples:
    """Example files, sorted by name."""

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


def thumbnail(path: Path) -> Path:
    """Its small picture, which `00_draw_the_examples.py` writes; the file itself if there is none."""
    small = path.parent / "thumbnails" / f"{path.stem}.webp"
    return small if small.is_file() else path


def first_of(paths: Sequence[Path], name: str) -> Path | None:
    """The example of that name, else the first one; None if there are none."""
    return next((path for path in paths if path.stem == name), next(iter(paths), None))


class ExampleRow:
    """A row of thumbnails; a click loads the file into its component."""

    def __init__(self, label: str, paths: list[Path], prefix: str = "") -> None:
        self.label, self.paths = label, paths
        self.elem_id = prefix + label.lower().replace(" ", "-")
        self.clicked: list[Any] = []
        """Triggers that fire once a clicked file is loaded."""

    def render(self, file: gr.components.Component) -> None:
        with gr.Column(visible=bool(self.paths)) as self.column:
            if self.paths:
                thumbnails = self._thumbnails()
                loaded = thumbnails.click(
                    lambda index: str(self.paths[index]), inputs=thumbnails, outputs=file, preprocess=False, **QUIET
                )
                self.clicked = [loaded.then]

    def render_adding(self, slots: Sequence[gr.Image]) -> None:
        """The same for a list of components: a click fills the first empty one, or else the last."""
        with gr.Column(visible=bool(self.paths)) as self.column:
            thumbnails = self._thumbnails()

        def add(index: int, *taken: object) -> dict[gr.components.Component, str]:
            empty = next((slot for slot, upload in zip(slots, taken, strict=True) if not upload), slots[-1])
            return {empty: str(self.paths[index])}

        thumbnails.click(
            add,
            inputs=[thumbnails, *slots],
            outputs=list(slots),
            preprocess=False,
            **QUIET,
        )

    def _thumbnails(self) -> gr.Dataset:
        shown = [thumbnail(path) for path in self.paths]
        kind = gr.Image if all(path.suffix.lower() in SUFFIXES for path in shown) else gr.Video
        return gr.Dataset(
            components=[kind(visible=False)],
            samples=[[str(path)] for path in (shown if kind is gr.Image else self.paths)],
            type="index",
            label=self.label,
            elem_id=self.elem_id,
        )

    def listen(self, page: gr.Blocks) -> None:
        """Name the thumbnails for screen readers and tooltips, which Gradio does not do."""
        names = json.dumps([path.stem.replace("-", " ").replace("_", " ") for path in self.paths])
        page.load(None, js=NAME_BUTTONS % (names, self.elem_id))


# Gradio inserts a tab's thumbnails when the tab is first opened, so the script waits for them.
NAME_BUTTONS = """() => {
    const names = %s;
    const name = () => document.querySelectorAll("#%s button.gallery-item").forEach((button, index) => {
        if (button.title !== names[index]) button.ariaLabel = button.title = names[index];
    });
    name();
    new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
}"""

"""The media that visitors can click on: whatever lies in the examples' folders."""

import json
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
CLIPS = {".mp4", ".webm", ".mov"}


@dataclass(frozen=True, slots=True)
class Examples:
    """Example files in the order of their names; the first ones are chosen when the page opens."""

    portraits: list[Path]
    clips: list[Path]

    @classmethod
    def in_folder(cls, folder: Path) -> "Examples":
        return cls(_files(folder / "portraits", PICTURES), _files(folder / "clips", CLIPS))


def _files(folder: Path, suffixes: set[str]) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in suffixes)


class ExampleRow:
    """Thumbnails; a click puts the file into its component."""

    def __init__(self, label: str, paths: list[Path]) -> None:
        self.label, self.paths = label, paths
        self.place = label.lower().replace(" ", "-")

    def render(self, file: gr.components.Component) -> None:
        if self.paths:
            gr.Examples(
                [[str(path)] for path in self.paths],
                inputs=file,
                label=self.label,
                elem_id=self.place,
                api_visibility="private",
            )

    def listen(self, page: gr.Blocks) -> None:
        """Give the thumbnails names, which Gradio leaves out: for screen readers, and as a tip under the mouse."""
        names = json.dumps([path.stem.replace("-", " ").replace("_", " ") for path in self.paths])
        page.load(None, js=NAME_BUTTONS % (names, self.place))


NAME_BUTTONS = """() => {
    const names = %s;
    document.querySelectorAll("#%s button.gallery-item").forEach((button, index) => {
        button.ariaLabel = button.title = names[index];
    });
}"""

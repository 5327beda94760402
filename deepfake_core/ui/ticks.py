"""The boxes of a portrait's attributes, ticked as the network reads them."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import LabError
from deepfake_core.settings import settings
from deepfake_core.ui.engine import Engine
from deepfake_core.ui.form import Upload, path_of, upload_id
from deepfake_core.ui.trouble import SMALLER, Update, sentence

if TYPE_CHECKING:
    from deepfake_core.pipelines.editor import AttributeEditor

OPPOSITES = {"Male": "Female", "Young": "Older"}
"""What the absence of an attribute is called; of others it has no name."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network read, of which picture."""

    of: tuple[str | None, str, str | None]
    """Picture, crop and weights."""
    shown: Mapping[str, bool] | None
    """None where these weights cannot read."""
    exclusive: tuple[str, ...]
    """Attributes of which at most one can be ticked."""


class Ticks:
    """The boxes, and a line that says how sure the network is."""

    def __init__(self, engine: Engine, place: str) -> None:
        self.engine, self.place = engine, place

    def render(self) -> None:
        self.boxes = gr.CheckboxGroup([], label="The result shall have", elem_id=f"{self.place}ticks")
        self.certainty = gr.HTML("Reading the portrait …", elem_id=f"{self.place}certainty", elem_classes="quiet")
        self.reading = gr.State(None)

    def listen(self, triggers: list[Any], file: gr.Image, crop: gr.Radio, model: gr.Dropdown) -> list[Any]:
        """Tick the boxes anew when another picture, crop or network is chosen; `triggers` look whether one is.

        Returns a trigger for each of `triggers`: that its reading is over.
        """
        read = [
            trigger(
                self.read,
                inputs=[file, crop, model, self.reading],
                outputs=[self.boxes, self.certainty, self.reading],
                preprocess=False,
                show_progress="hidden",
                concurrency_id="model",
                concurrency_limit=1,
                api_visibility="private",
            )
            for trigger in [*triggers, file.change, crop.change, model.input]
        ]
        self.boxes.select(
            self.untick_others,
            inputs=[self.boxes, self.reading],
            outputs=self.boxes,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        return [event.then for event in read[: len(triggers)]]

    def read(self, upload: Upload, crop: Any, model: str | None, before: Reading | None) -> Update:
        """Ask the class head; what the visitor ticked since stays while the picture does."""
        try:
            path, of = path_of(upload), (upload_id(upload), crop, model)
            if model is None or (before and before.of == of):
                return {self.certainty: gr.skip()}
            editor = self.engine.model("stargan", model)
            deadline = Deadline.after(settings().look_seconds, SMALLER)
            seen = self.engine.ask("stargan", model, read, path, crop, deadline) if path and editor.reads else None
        except LabError as error:
            return {self.certainty: f"Nothing was read: {html.escape(sentence(error))}"}
        shown = editor.shown(seen) if seen is not None else None
        ticked = [name for name, has in (shown or {}).items() if has]
        choices = [(name_of(name), name) for name in editor.attributes]
        return {
            self.boxes: gr.CheckboxGroup(choices=choices, value=ticked),
            self.certainty: said(editor, seen),
            self.reading: Reading(of, shown, editor.exclusive),
        }

    def untick_others(self, ticked: list[str], reading: Reading | None, event: gr.SelectData) -> list[str]:
        """A hair colour that is ticked unticks the others."""
        exclusive = reading.exclusive if reading else ()
        return (
            after(ticked, event.value, exclusive) if event.selected else [one for one in ticked if one != event.value]
        )


def read(editor: "AttributeEditor", path: Path, crop: Any = "auto", deadline: Deadline = NEVER) -> dict[str, float]:
    """What the class head sees in a picture."""
    return editor.read(path, crop=crop, deadline=deadline)


def after(ticked: Sequence[str], newest: str, exclusive: Sequence[str]) -> list[str]:
    """The boxes that are ticked once `newest` is, which may be among them already."""
    left = [name for name in ticked if name != newest and not (name in exclusive and newest in exclusive)]
    return [*left, newest]


def name_of(attribute: str) -> str:
    """An attribute as a person says it: Black_Hair is "Black hair"."""
    return attribute.replace("_", " ").capitalize()


def turned(attribute: str, has: bool, exclusive: Sequence[str]) -> str:
    """What a picture shows once an attribute is turned into its opposite; one of a group takes the others' place."""
    if attribute in exclusive:
        return f"{name_of(attribute)}, as it is" if has else name_of(attribute)
    if not has:
        return "Younger" if attribute == "Young" else name_of(attribute)
    return OPPOSITES.get(attribute, f"Not {name_of(attribute).lower()}")


def said(editor: "AttributeEditor", seen: Mapping[str, float] | None) -> str:
    """How sure the network is of what it read."""
    if not editor.reads:
        return "These weights cannot read a picture: tick everything that the result shall have."
    if seen is None:
        return "Choose a portrait, and the boxes show what the network reads in it."
    read = ", ".join(f"{name_of(name).lower()} {share:.0%}" for name, share in seen.items())
    return f"Read from the portrait: {read}."

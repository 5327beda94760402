"""Checkboxes for a portrait's attributes, ticked as the network reads them."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.errors import LabError
from deepfake_core.settings import settings
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.messages import SMALLER, sentence
from deepfake_core.ui.server.uploaded import Upload, path_of, upload_id
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.wiring import ON_NETWORK, QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.editor import AttributeEditor


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network read, of which picture."""

    of: tuple[str | None, str, str | None]
    """Picture, crop and weights."""
    shown: Mapping[str, bool] | None
    """None where these weights cannot read."""
    exclusive: tuple[str, ...]
    """Attributes of which at most one can be ticked."""


class AttributeBoxes:
    """The boxes, and a line that says how sure the network is."""

    def __init__(self, engine: Engine, place: str) -> None:
        self.engine, self.place = engine, place

    def render(self) -> None:
        self.boxes = gr.CheckboxGroup([], label="Attributes of the result", elem_id=f"{self.place}boxes")
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
                **ON_NETWORK,
            )
            for trigger in [*triggers, file.change, crop.change, model.input]
        ]
        self.boxes.select(
            self.untick_others,
            inputs=[self.boxes, self.reading],
            outputs=self.boxes,
            **QUIET,
        )
        return [event.then for event in read[: len(triggers)]]

    def read(self, upload: Upload, crop: str, model: str | None, before: Reading | None) -> Update:
        """Ask the class head; what the visitor ticked since stays while the picture does."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.attributes import in_words, read_attributes

        seen = None
        try:
            path, of = path_of(upload), (upload_id(upload), crop, model)
            if model is None or (before and before.of == of):
                return {self.certainty: gr.skip()}
            editor = self.engine.model("stargan", model)
            deadline = Deadline.after(settings().look_seconds, SMALLER)
            if path and editor.reads:
                seen = self.engine.ask("stargan", model, read_attributes, path, crop_named(crop), deadline)
        except LabError as error:
            return {self.certainty: f"Nothing was read: {html.escape(sentence(error))}"}
        shown = editor.shown(seen) if seen is not None else None
        ticked = [name for name, has in (shown or {}).items() if has]
        choices = [(in_words(name), name) for name in editor.attributes]
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


def after(ticked: Sequence[str], newest: str, exclusive: Sequence[str]) -> list[str]:
    """The boxes that are ticked once `newest` is, which may be among them already."""
    left = [name for name in ticked if name != newest and not (name in exclusive and newest in exclusive)]
    return [*left, newest]


def said(editor: "AttributeEditor", seen: Mapping[str, float] | None) -> str:
    """How sure the network is of what it read."""
    from deepfake_core.pipelines.attributes import in_words

    if not editor.reads:
        return "These weights cannot read attributes: tick all that the result should have."
    if seen is None:
        return "Choose a portrait; the boxes show the attributes that the network reads in it."
    read = ", ".join(f"{in_words(name).lower()} {share:.0%}" for name, share in seen.items())
    return f"Read from the portrait: {read}."

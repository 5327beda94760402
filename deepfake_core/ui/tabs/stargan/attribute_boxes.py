"""Checkboxes for a portrait's attributes, set by the attribute classifier."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.errors import LabError
from deepfake_core.settings import settings
from deepfake_core.ui.server.messages import SMALLER, sentence
from deepfake_core.ui.server.uploaded import Upload, path_of, upload_id
from deepfake_core.ui.services import Services
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.face_choice import ChosenFace, face_number
from deepfake_core.ui.wiring import QUIET, READS_NETWORK

if TYPE_CHECKING:
    from deepfake_core.pipelines.editor import AttributeEditor


@dataclass(frozen=True, slots=True)
class Reading:
    """The attributes that the classifier read from a picture."""

    of: tuple[str | None, str, str, int]
    """Picture, crop, weights and number of the face."""
    shown: Mapping[str, bool] | None
    """None if the weights have no classifier."""
    exclusive: tuple[str, ...]
    """Attributes of which at most one can be checked."""

    @property
    def checked(self) -> list[str]:
        """The attributes that the picture has."""
        return [name for name, has in (self.shown or {}).items() if has]


def read_from(upload: Upload, crop: str, weights: str, face: ChosenFace | None) -> tuple[str | None, str, str, int]:
    """Picture, crop, weights and number of the face: what a reading depends on."""
    return upload_id(upload), crop, weights, face_number(face, upload)


@dataclass(slots=True)
class Newest:
    """What a session read last: a slower reading that began before is not shown."""

    of: tuple[str | None, str, str | None, int] | None = None


class AttributeBoxes:
    """The checkboxes, and a line with the classifier's probabilities."""

    def __init__(self, services: Services, prefix: str) -> None:
        self.services, self.prefix = services, prefix

    def render(self) -> None:
        self.boxes = gr.CheckboxGroup([], label="Attributes of the result", elem_id=f"{self.prefix}boxes")
        self.certainty = gr.HTML("Reading the portrait …", elem_id=f"{self.prefix}certainty", elem_classes="quiet")
        self.reading, self.newest = gr.State(None), gr.State(Newest())

    def listen(
        self, triggers: list[Any], picture: tuple[gr.Image, gr.Radio, gr.Dropdown, gr.State], changed: list[Any]
    ) -> list[Any]:
        """Read the attributes when picture, crop or weights change, and on `triggers` if they or the face have changed.

        `picture` is file, crop, weights and chosen face; `changed` fire when other weights are chosen. Returns one
        trigger for each of `triggers`, which fires when its reading has ended.
        """
        file, crop, *_ = picture
        read = [
            trigger(
                self.read,
                inputs=[*picture, self.reading, self.newest],
                outputs=[self.boxes, self.certainty, self.reading],
                preprocess=False,
                **READS_NETWORK,
            )
            for trigger in [*triggers, file.change, crop.change, *changed]
        ]
        self.boxes.select(
            self.uncheck_others,
            inputs=[self.boxes, self.reading],
            outputs=self.boxes,
            **QUIET,
        )
        return [event.then for event in read[: len(triggers)]]

    def read(
        self,
        upload: Upload,
        crop: str,
        model: str | None,
        face: ChosenFace | None,
        before: Reading | None,
        newest: Newest,
    ) -> Update:
        """Run the classifier, unless picture, face, crop and weights are unchanged: then the visitor's boxes stay."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.attributes import in_words

        try:
            if model is None:
                return {self.certainty: gr.skip()}
            path, number = path_of(upload), face_number(face, upload)
            newest.of = asked = (upload_id(upload), crop, model, number)
            deadline, named = Deadline.after(settings().look_seconds, SMALLER), crop_named(crop, face=number)
            weights = self.services.engine.weights_for("stargan", model, path, named, deadline)
            if before and before.of == read_from(upload, crop, weights, face):
                return {self.certainty: gr.skip()}
            editor = self.services.engine.model("stargan", weights)
            reading, seen = self.reading_of(upload, crop, weights, face, deadline)
        except LabError as error:
            return {self.certainty: f"The attributes could not be read: {html.escape(sentence(error))}"}
        if newest.of != asked:
            return {self.certainty: gr.skip()}
        choices = [(in_words(name), name) for name in editor.attributes]
        return {
            self.boxes: gr.CheckboxGroup(choices=choices, value=reading.checked),
            self.certainty: certainty_text(editor, seen, chosen=path is not None),
            self.reading: reading,
        }

    def reading_of(
        self, upload: Upload, crop: str, weights: str, face: ChosenFace | None, deadline: Deadline
    ) -> tuple[Reading, Mapping[str, float] | None]:
        """What the classifier reads from a picture, and its probabilities; nothing without a picture or classifier.

        Raises what reading the picture raises.
        """
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.attributes import read_attributes

        editor, path = self.services.engine.model("stargan", weights), path_of(upload)
        seen: Mapping[str, float] | None = None
        if path and editor.reads:
            named = crop_named(crop, face=face_number(face, upload))
            seen = self.services.ask("stargan", weights, read_attributes, path, named, deadline)
        shown = editor.shown(seen) if seen is not None else None
        return Reading(read_from(upload, crop, weights, face), shown, editor.exclusive), seen

    def uncheck_others(self, checked: list[str], reading: Reading | None, event: gr.SelectData) -> list[str]:
        """Checking a hair colour unchecks the others."""
        exclusive = reading.exclusive if reading else ()
        return (
            with_checked(checked, event.value, exclusive)
            if event.selected
            else [one for one in checked if one != event.value]
        )


def with_checked(checked: Sequence[str], newest: str, exclusive: Sequence[str]) -> list[str]:
    """The checked boxes after `newest` was checked; `checked` may already contain it."""
    left = [name for name in checked if name != newest and not (name in exclusive and newest in exclusive)]
    return [*left, newest]


def certainty_text(editor: "AttributeEditor", seen: Mapping[str, float] | None, *, chosen: bool) -> str:
    """The classifier's probabilities as one sentence."""
    from deepfake_core.pipelines.attributes import in_words

    if not editor.reads:
        return "These weights have no attribute classifier; check all attributes that the result should have."
    if seen is None and chosen:
        return (
            "These weights were not trained on such pictures, so no attributes are read; check all attributes that the "
            "result should have."
        )
    if seen is None:
        return "Choose a portrait; its attributes will be read and checked."
    read = ", ".join(f"{in_words(name).lower()} {share:.0%}" for name, share in seen.items())
    return f"Read from the portrait: {read}."

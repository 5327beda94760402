"""The StarGAN tab: checkboxes edit attributes of a portrait, such as hair colour, sex and age."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.registry import method
from deepfake_core.settings import settings
from deepfake_core.ui.server.example_runs import ExampleRun, example
from deepfake_core.ui.server.uploaded import Upload, chosen
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.stargan.attribute_boxes import AttributeBoxes, Reading, read_from
from deepfake_core.ui.tabs.stargan.inside import FIGURES
from deepfake_core.ui.widgets.address import Linked
from deepfake_core.ui.widgets.batch import BatchInput, BatchStage, Made, all_chosen
from deepfake_core.ui.widgets.crop import FACE_CROPS, Preview
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.examples import ExampleRow
from deepfake_core.ui.widgets.face_choice import ChosenFace, face_number
from deepfake_core.ui.widgets.gallery import Gallery
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.look_inside import LookInside
from deepfake_core.ui.widgets.model_picker import STARTER_TRAINING, ModelPicker
from deepfake_core.ui.widgets.picture import PictureInput
from deepfake_core.ui.widgets.run_controls import Job, RunControls
from deepfake_core.ui.widgets.studio import Studio

if TYPE_CHECKING:
    from deepfake_core.faces import Crop
    from deepfake_core.pipelines.editor import AttributeEditor
    from deepfake_core.pipelines.events import File, Finished

PREFIX = "attributes-"
HINT = "Press <strong>Edit</strong>. The result appears here, with each single change below it."
PURPOSE = "Change the hair colour, sex or age of a portrait: tick what the result should show, and press Edit."
ABOUT = f"""
**One** generator makes all changes: its inputs are the portrait and a list of attributes, its output is the portrait
with these attributes. The discriminator has two heads: one distinguishes real from generated pictures, the other
classifies their attributes, so the generator has to produce them. The checkboxes above are set by this classifier.
{STARTER_TRAINING}
([StarGAN, Choi et al., CVPR 2018](https://arxiv.org/abs/1711.09020))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributesForm:
    """The values of the tab's options."""

    model: str | None
    crop: str
    """`auto` or `none`."""
    paste_back: bool
    face: ChosenFace | None = None
    checked: Sequence[str]
    reading: Reading | None
    """The attributes that were read from the picture when it was selected."""

    def read_from(self, upload: Upload, weights: str) -> bool:
        """Whether the boxes were read from this picture by these weights, with the form's crop and face."""
        return self.reading is not None and self.reading.of == read_from(upload, self.crop, weights, self.face)

    def changes(self, attributes: Sequence[str]) -> dict[str, bool]:
        """Attribute -> whether its box is checked."""
        unknown = [name for name in self.checked if name not in attributes]
        return {name: name in self.checked for name in [*attributes, *unknown]}

    def require_some(self) -> None:
        """Raise `BadRequest` if nothing was read from the picture and nothing is checked."""
        if self.reading is not None and self.reading.shown is None and not self.checked:
            raise BadRequest(
                "these weights read no attributes from this picture; check those that the result should have, or "
                "choose other weights"
            )

    def differences(self, attributes: Sequence[str]) -> dict[str, bool]:
        """Only the boxes that the visitor changed: each picture of a batch keeps its other attributes."""
        shown = self.reading.shown if self.reading else None
        return {
            name: value for name, value in self.changes(attributes).items() if shown is None or shown.get(name) != value
        }


class AttributesStage(BatchStage):
    """The portrait next to the result, and each single change; for a batch, a gallery."""

    def __init__(self) -> None:
        super().__init__(HINT, PREFIX, "Editing …")
        self.strip = Gallery("Each single change", f"{PREFIX}strip")

    def render_results(self) -> None:
        with gr.Row(visible=False, elem_classes="pair") as self.pair:
            self.before = gr.Image(
                label="Portrait", alt_text="The crop that the network got", interactive=False, buttons=[],
                min_width=150, elem_id=f"{PREFIX}before", elem_classes="media natural",
            )  # fmt: skip
            self.after = gr.Image(
                label="Result", alt_text="The portrait with the selected attributes", interactive=False,
                min_width=150, buttons=["download", "fullscreen"],
                elem_id=f"{PREFIX}after", elem_classes="media natural",
            )  # fmt: skip
        self.strip.render()
        self.gallery.render()

    @property
    def results(self) -> list[Block]:
        return [self.pair, self.before, self.after, *self.strip.outputs, *self.gallery.outputs]

    def cleared(self) -> Update:
        away = {self.pair: gr.Row(visible=False), self.before: None, self.after: None}
        return away | self.strip.cleared() | self.gallery.cleared()

    def single(self, files: "Sequence[File]") -> Update:
        by_role = {file.role: file for file in files}
        return self.strip.shown([file for file in files if file.role == "change"], complete=True) | {
            self.pair: gr.Row(visible=True),
            self.before: str(by_role["source"].path),
            self.after: str(by_role["result"].path),
        }


class AttributesTab(Studio):
    """Composes the widgets, and runs the pipeline on Edit."""

    title, purpose, about = method("stargan").title, PURPOSE, ABOUT

    def __init__(self, services: Services) -> None:
        self.services, self.engine = services, services.engine
        self.models = ModelPicker("stargan", PREFIX)
        self.row = ExampleRow("Example portraits", services.examples.portraits, PREFIX)
        self.source = PictureInput("Portrait", f"{PREFIX}source", [self.row])
        self.preview = Preview("portrait", self.models, f"{PREFIX}preview-advice")
        self.boxes = AttributeBoxes(services, PREFIX)
        self.batch = BatchInput("Edit all", PREFIX)
        self.stage = AttributesStage()
        self.controls = RunControls("Edit", self.stage)
        self.inside = LookInside(PREFIX, FIGURES, self.look_inside)
        self.models.advice = [self.preview.advice, self.stage.advice]

    def render_inputs(self) -> None:
        with gr.Row():
            with gr.Column(min_width=260):
                self.source.render()
            with gr.Column(min_width=260):
                self.boxes.render()
                self.preview.render()
        with gr.Accordion("Options", open=False):
            self.crop = gr.Radio(FACE_CROPS, value="auto", label="Crop")
            self.paste_back = gr.Checkbox(
                False, label="Paste back", info="Insert the edited face into the whole picture."
            )
        self.batch.render()

    def listen(self, page: gr.Blocks) -> None:
        ready = self.models.listen(self.tab.select)
        self.source.listen(page)
        face_changed = self.preview.listen([ready], self.source.file, self.crop)
        read = self.boxes.listen(
            [ready, *self.row.clicked, face_changed],
            (self.source.file, self.crop, self.models.name, self.preview.faces.chosen),
            self.models.changed,
        )
        self.stage.listen(self.crop)
        options = {
            "model": self.models.name, "crop": self.crop, "face": self.preview.faces.chosen,
            "paste_back": self.paste_back, "checked": self.boxes.boxes, "reading": self.boxes.reading,
        }  # fmt: skip
        self.one, self.many = Inputs(source=self.source.file, **options), Inputs(files=self.batch.files, **options)
        self.inside.listen(self.one, self.crop)
        boxes = ("checked",)
        self.linked = Linked(inputs=self.one, late=boxes, of_picture=boxes, settled=read[:1])
        start = [self.controls.start.click, *read[1:-1]]  # a clicked example is edited with its own attributes
        self.controls.listen(
            [
                Job(triggers=start, run=self.edit_one, inputs=self.one.components),
                Job(triggers=[self.batch.start.click], run=self.edit_many, inputs=self.many.components),
            ]
        )

    def example_runs(self) -> Iterator[ExampleRun]:
        """Every example with its own attributes, and thereby with each single change."""
        for path in self.row.paths:
            yield partial(self.edit_one, NEVER, *self.one.defaults(source=example(path)))

    def edit_one(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Edit the portrait as selected, and make each single change."""
        editor, form, source, crop = self._read(self.one.named(values), deadline)
        yield from self._edit(editor, form, (source,), form.changes(editor.attributes), crop, deadline)

    def look_inside(self, deadline: Deadline, values: Mapping[str, Any]) -> "Iterator[Finished]":
        """The figures of the portrait and the selected edit."""
        from deepfake_core.pipelines.attributes import AttributesRequest
        from deepfake_core.pipelines.attributes_insight import AttributesInsightRequest, look_inside

        editor, form, source, crop = self._read(values, deadline)
        edit = AttributesRequest(
            sources=(source,), changes=form.changes(editor.attributes), crop=crop, max_pixels=settings().run_pixels
        )
        request = AttributesInsightRequest(edit=edit, output=Path())
        with self.services.events(
            "stargan", editor.name, look_inside, request, deadline, sources=(source,), files={"output": ""}
        ) as events:
            yield from events

    def _read(
        self, values: Mapping[str, Any], deadline: Deadline
    ) -> "tuple[AttributeEditor, AttributesForm, Path, Crop]":
        """The network, the form with the attributes of the portrait, the portrait, and its crop."""
        from deepfake_core.faces import crop_named

        upload, form = values["source"], AttributesForm(**{name: values[name] for name in values if name != "source"})
        source, crop = chosen(upload, "portrait"), crop_named(form.crop, face=face_number(form.face, upload))
        editor = self._editor(form, source, crop, deadline)
        if editor.reads and not form.read_from(upload, editor.name):  # pressed before the boxes were read
            reading, _ = self.boxes.reading_of(upload, form.crop, editor.name, form.face, deadline)
            form = replace(form, checked=reading.checked, reading=reading)
        form.require_some()
        return editor, form, source, crop

    def edit_many(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Make the selected changes in each picture of the batch."""
        from deepfake_core.faces import crop_named

        named = self.many.named(values)
        sources, form = all_chosen(named.pop("files")), AttributesForm(**named)
        crop = crop_named(form.crop)
        editor = self._editor(form, sources[0], crop, deadline)
        changes = form.differences(editor.attributes) if editor.reads else form.changes(editor.attributes)
        yield from self._edit(editor, form, sources, changes, crop, deadline)

    def _editor(self, form: AttributesForm, source: Path, crop: "Crop", deadline: Deadline) -> "AttributeEditor":
        """The network with the weights chosen for a picture."""
        name = self.engine.weights_for("stargan", form.model, source, crop, deadline)
        editor: AttributeEditor = self.engine.model("stargan", name)
        return editor

    def _edit(
        self,
        editor: "AttributeEditor",
        form: AttributesForm,
        sources: tuple[Path, ...],
        changes: Mapping[str, bool],
        crop: "Crop",
        deadline: Deadline,
    ) -> Iterator[Update]:
        from deepfake_core.pipelines.attributes import AttributesRequest, edit

        made = Made.of(editor.name, sources, "edited")
        request = AttributesRequest(
            sources=sources,
            ending=made.ending,
            changes=changes,
            crop=crop,
            paste_back=form.paste_back,
            with_source=len(sources) == 1,
            single_changes=editor.reads and len(sources) == 1,
            max_pixels=settings().run_pixels,
        )
        with self.services.events(
            "stargan", editor.name, edit, request, deadline, sources=sources, files=made.files
        ) as events:
            yield from self.stage.follow(events, made.text)

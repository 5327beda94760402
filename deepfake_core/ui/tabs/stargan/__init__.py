"""The StarGAN tab: attributes of a portrait, such as hair colour, sex and age, changed with checkboxes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import Deadline
from deepfake_core.registry import method
from deepfake_core.settings import settings
from deepfake_core.ui.server.uploaded import chosen
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.stargan.attribute_boxes import AttributeBoxes, Reading
from deepfake_core.ui.widgets.batch import BatchInput, BatchStage, all_chosen
from deepfake_core.ui.widgets.crop import FACE_CROPS, Preview
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.examples import ExampleRow
from deepfake_core.ui.widgets.gallery import Cards
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.model_picker import ModelChoice
from deepfake_core.ui.widgets.picture import PictureInput
from deepfake_core.ui.widgets.run_controls import Job, RunButtons

if TYPE_CHECKING:
    from deepfake_core.pipelines.editor import AttributeEditor
    from deepfake_core.pipelines.events import File

PLACE = "attributes-"
HINT = "Press <strong>Edit</strong>: the result appears here, with every single change below it."
ABOUT = """
**One** generator makes every change: its input is the portrait and a list of attributes, its output the portrait with
these attributes. The discriminator does two things: it tells real from generated pictures, and it classifies the
attributes of each, so the generator has to produce them. The boxes above are ticked by that same classifier.
([StarGAN, Choi et al., CVPR 2018](https://arxiv.org/abs/1711.09020))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributesForm:
    """The values of the tab's options."""

    model: str | None
    crop: str
    """`auto` or `none`."""
    paste_back: bool
    ticked: Sequence[str]
    reading: Reading | None
    """What was read from the picture when it was chosen."""

    def changes(self, attributes: Sequence[str]) -> dict[str, bool]:
        """Everything that was ticked, and what was not."""
        unknown = [name for name in self.ticked if name not in attributes]
        return {name: name in self.ticked for name in [*attributes, *unknown]}

    def differences(self, attributes: Sequence[str]) -> dict[str, bool]:
        """The boxes that the visitor changed, for pictures that each keep the rest of their own attributes."""
        shown = self.reading.shown if self.reading else None
        return {
            name: value for name, value in self.changes(attributes).items() if shown is None or shown.get(name) != value
        }


class AttributesStage(BatchStage):
    """The portrait beside the result, and every single change; a card for each of several pictures."""

    def __init__(self) -> None:
        super().__init__(HINT, PLACE, "Editing …")
        self.strip = Cards("Every single change", f"{PLACE}strip")

    def render_results(self) -> None:
        with gr.Row(visible=False, elem_classes="pair") as self.pair:
            self.before = gr.Image(
                label="Portrait", alt_text="What the network saw of the portrait", interactive=False, buttons=[],
                min_width=150, elem_id=f"{PLACE}before", elem_classes="media natural",
            )  # fmt: skip
            self.after = gr.Image(
                label="Result", alt_text="The portrait with the attributes that were ticked", interactive=False,
                min_width=150, buttons=["download"], elem_id=f"{PLACE}after", elem_classes="media natural",
            )  # fmt: skip
        self.strip.render()
        self.cards.render()

    @property
    def results(self) -> list[Block]:
        return [self.pair, self.before, self.after, *self.strip.outputs, *self.cards.outputs]

    def cleared(self) -> Update:
        away = {self.pair: gr.Row(visible=False), self.before: None, self.after: None}
        return away | self.strip.cleared() | self.cards.cleared()

    def single(self, files: "Sequence[File]") -> Update:
        by_role = {file.role: file for file in files}
        return self.strip.shown([file for file in files if file.role == "change"]) | {
            self.pair: gr.Row(visible=True),
            self.before: str(by_role["source"].path),
            self.after: str(by_role["result"].path),
        }


class AttributesTab:
    """Puts the parts together, and runs the pipeline when Edit is pressed."""

    title = method("stargan").title

    def __init__(self, services: Services) -> None:
        self.engine, self.cache, examples = services.engine, services.cache, services.examples
        self.models = ModelChoice("stargan", PLACE)
        self.row = ExampleRow("Example portraits", examples.portraits, PLACE)
        self.source = PictureInput("Portrait", f"{PLACE}source", [self.row])
        self.preview = Preview("portrait", self.models)
        self.boxes = AttributeBoxes(self.engine, PLACE)
        self.batch = BatchInput("Edit all", PLACE)
        self.stage = AttributesStage()
        self.buttons = RunButtons("Edit", self.stage)

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=6, min_width=300):
                    self.models.render()
                    with gr.Row():
                        with gr.Column(min_width=260):
                            self.source.render()
                        with gr.Column(min_width=260):
                            self.boxes.render()
                            self.preview.render()
                    with gr.Accordion("Options", open=False):
                        self.crop = gr.Radio(FACE_CROPS, value="auto", label="Crop")
                        self.paste_back = gr.Checkbox(
                            False, label="Paste back", info="Paste the edited face back into the whole picture."
                        )
                    self.batch.render()
                    self.models.render_others()
                with gr.Column(scale=5, min_width=300):
                    self.buttons.render()
                    self.stage.render()
            with gr.Accordion("How it works", open=False):
                gr.Markdown(ABOUT)

    def listen(self, page: gr.Blocks) -> None:
        ready = self.models.listen(self.tab)
        self.source.listen(page)
        self.preview.listen([ready], self.source.file, self.crop)
        read = self.boxes.listen([ready, *self.row.clicked], self.source.file, self.crop, self.models.name)
        self.stage.listen(self.crop)
        options = {
            "model": self.models.name, "crop": self.crop, "paste_back": self.paste_back,
            "ticked": self.boxes.boxes, "reading": self.boxes.reading,
        }  # fmt: skip
        self.one, self.many = Inputs(source=self.source.file, **options), Inputs(files=self.batch.files, **options)
        start = [self.buttons.start.click, *read[1:]]  # a clicked example is edited as its own boxes are ticked
        self.buttons.listen(
            [
                Job(triggers=start, run=self.edit_one, inputs=self.one.components),
                Job(triggers=[self.batch.start.click], run=self.edit_many, inputs=self.many.components),
            ]
        )

    def edit_one(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Edit the portrait as ticked, and make every single change."""
        named = self.one.named(values)
        source, form = chosen(named.pop("source"), "portrait"), AttributesForm(**named)
        editor = self.engine.model("stargan", form.model)
        yield from self._edit(editor, form, (source,), form.changes(editor.attributes), deadline)

    def edit_many(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Make the changes that were ticked in each file of the list."""
        named = self.many.named(values)
        sources, form = all_chosen(named.pop("files")), AttributesForm(**named)
        editor = self.engine.model("stargan", form.model)
        changes = form.differences(editor.attributes) if editor.reads else form.changes(editor.attributes)
        yield from self._edit(editor, form, sources, changes, deadline)

    def _edit(
        self,
        editor: "AttributeEditor",
        form: AttributesForm,
        sources: tuple[Path, ...],
        changes: Mapping[str, bool],
        deadline: Deadline,
    ) -> Iterator[Update]:
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.attributes import AttributesRequest, edit

        request = AttributesRequest(
            sources=sources,
            changes=changes,
            crop=crop_named(form.crop),
            paste_back=form.paste_back,
            with_source=len(sources) == 1,
            single_changes=editor.reads and len(sources) == 1,
            max_pixels=settings().run_pixels,
        )
        run = lambda folder: self.engine.work(  # noqa: E731
            "stargan", form.model, edit, replace(request, output=folder), deadline
        )
        with closing(self.cache.events(sources, f"{editor.name} {request}", run)) as events:  # type: ignore[type-var]
            yield from self.stage.follow(events)

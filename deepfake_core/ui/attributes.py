"""The StarGAN tab: a portrait with other hair, another sex or another age, by ticking boxes."""

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
from deepfake_core.ui.cards import Cards
from deepfake_core.ui.examples import ExampleRow
from deepfake_core.ui.form import Upload, Uploads, chosen
from deepfake_core.ui.models import ModelChoice
from deepfake_core.ui.picture import PictureInput
from deepfake_core.ui.runs import Job, RunButtons
from deepfake_core.ui.services import Services
from deepfake_core.ui.several import SeveralPictures, all_chosen
from deepfake_core.ui.singles import Captioned, save_singles
from deepfake_core.ui.stage import Stage, bar, count, state
from deepfake_core.ui.ticks import Reading, Ticks, turned
from deepfake_core.ui.trouble import Update
from deepfake_core.ui.view import FACE_CROPS, Preview

if TYPE_CHECKING:
    from deepfake_core.pipelines.attributes import AttributesRequest, Edited
    from deepfake_core.pipelines.editor import AttributeEditor
    from deepfake_core.pipelines.image_batch import Finished

PLACE = "attributes-"
HINT = "Press <strong>Edit</strong>: the portrait appears here as you ticked it, and with every single change."
ABOUT = """
**One** network makes every change: it is given the portrait and a list of attributes, and paints the portrait that has
them. Its opponent, the discriminator, does two things: it tells real from painted pictures, and it reads the attributes
of each, so the painter must hit them. The boxes above are ticked by that same reader.
([StarGAN, Choi et al., CVPR 2018](https://arxiv.org/abs/1711.09020))
"""


@dataclass(frozen=True, slots=True)
class AttributesForm:
    """The values of the tab's widgets, in the order in which the handlers receive them."""

    model: str | None
    crop: Any
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
        """The boxes that the visitor turned round, for pictures that each keep the rest of their own attributes."""
        shown = self.reading.shown if self.reading else None
        return {
            name: value for name, value in self.changes(attributes).items() if shown is None or shown.get(name) != value
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture is done, and its strip is saved as single pictures."""

    edited: "Edited"
    strip: list[Captioned]


class AttributesStage(Stage):
    """The portrait beside the result, a strip of single changes; of several pictures a gallery."""

    def __init__(self) -> None:
        super().__init__(HINT, PLACE)
        self.strip = Cards("Every single change", f"{PLACE}strip")
        self.cards = Cards("Results", f"{PLACE}cards")

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

    def follow(self, events: "Iterator[Shown | Finished]") -> Iterator[Update]:
        """Show what the pipeline yields."""
        yield {self.progress: state("Editing …")}
        made: list[Captioned] = []
        results: Update = {}
        for event in events:
            if not isinstance(event, Shown):
                text = f"Done: {count(len(made), 'picture')} in {event.seconds:.1f} s."
                yield results | self.done(text, event.notes)  # all at once, lest the page miss a step
                continue
            done = event.edited
            made.append((str(done.path), done.name))
            results = self._single(event) if done.total == 1 else self.cards.shown(made)
            yield results | {self.progress: bar("picture", done.place + 1, done.total)}

    def _single(self, shown: Shown) -> Update:
        return self.strip.shown(shown.strip) | {
            self.pair: gr.Row(visible=True),
            self.before: shown.edited.before,
            self.after: str(shown.edited.path),
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
        self.ticks = Ticks(self.engine, PLACE)
        self.several = SeveralPictures("Edit all", PLACE)
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
                            self.ticks.render()
                            self.preview.render()
                    with gr.Accordion("Options", open=False):
                        self.crop = gr.Radio(FACE_CROPS, value="auto", label="Crop")
                        self.paste_back = gr.Checkbox(
                            False, label="Paste back", info="Put the edited face into the whole picture again."
                        )
                    self.several.render()
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
        read = self.ticks.listen([ready, *self.row.clicked], self.source.file, self.crop, self.models.name)
        self.stage.listen(self.crop)
        form = [self.models.name, self.crop, self.paste_back, self.ticks.boxes, self.ticks.reading]
        read_first = read[1:]  # a clicked example is edited as its own boxes are ticked
        self.buttons.listen(
            [
                Job(triggers=[self.buttons.start.click, *read_first], run=self.one, inputs=[self.source.file, *form]),
                Job(triggers=[self.several.start.click], run=self.all, inputs=[self.several.files, *form]),
            ]
        )

    def one(self, deadline: Deadline, upload: Upload, *values: Any) -> Iterator[Update]:
        """Edit the portrait as ticked, and make the strip."""
        source, form = chosen(upload, "portrait"), AttributesForm(*values)
        editor = self.engine.model("stargan", form.model)
        yield from self._edit(editor, form, (source,), form.changes(editor.attributes), deadline)

    def all(self, deadline: Deadline, uploads: Uploads, *values: Any) -> Iterator[Update]:
        """Make the changes that were ticked in each file of the list."""
        sources, form = all_chosen(uploads), AttributesForm(*values)
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
        from deepfake_core.pipelines.attributes import AttributesRequest

        request = AttributesRequest(
            sources=sources,
            changes=changes,
            crop=form.crop,
            paste_back=form.paste_back,
            strip=editor.reads and len(sources) == 1,
            max_pixels=settings().run_pixels,
        )
        run = lambda folder: self.engine.work(  # noqa: E731
            "stargan", form.model, shown, replace(request, output=folder), folder, deadline
        )
        with closing(self.cache.events(sources, f"{editor.name} {request}", run)) as events:  # type: ignore[type-var]
            yield from self.stage.follow(events)


def shown(
    editor: "AttributeEditor", request: "AttributesRequest", folder: Path, deadline: Deadline
) -> "Iterator[Shown | Finished]":
    """What the pipeline yields, with the single pictures of the strip as files."""
    from deepfake_core.pipelines.attributes import Edited, edit

    with closing(edit(editor, request, deadline)) as events:  # type: ignore[type-var]
        for event in events:
            if not isinstance(event, Edited):
                yield event
                continue
            has = editor.shown(event.seen) if event.seen is not None else {}
            flips = [(turned(name, has[name], editor.exclusive), flip) for name, flip in (event.flips or {}).items()]
            yield Shown(event, save_singles(flips, folder / "strip", editor.name, request.sources[event.place]))

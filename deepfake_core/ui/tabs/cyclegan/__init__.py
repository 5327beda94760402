"""The CycleGAN tab: translate a picture to the other domain and back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.registry import method
from deepfake_core.settings import settings
from deepfake_core.ui.server.example_runs import ExampleRun, example
from deepfake_core.ui.server.uploaded import Upload, Withheld, chosen, path_of
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.cyclegan.inside import FIGURES
from deepfake_core.ui.widgets.address import Linked
from deepfake_core.ui.widgets.batch import BatchInput, BatchStage, Made, all_chosen
from deepfake_core.ui.widgets.before_after import BeforeAfter
from deepfake_core.ui.widgets.crop import SCENE_CROPS, Preview
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.examples import ExampleRow
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.look_inside import LookInside
from deepfake_core.ui.widgets.model_picker import ModelPicker
from deepfake_core.ui.widgets.picture import PictureInput
from deepfake_core.ui.widgets.run_controls import Job, RunControls
from deepfake_core.ui.widgets.studio import Studio
from deepfake_core.ui.wiring import QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import File, Finished
    from deepfake_core.pipelines.translation import TranslationRequest

PREFIX = "translation-"
HINT = "Press <strong>Translate</strong>. The result appears here, compared with the source and translated back."
PURPOSE = "Turn a horse into a zebra, or a zebra into a horse, and see whether the way back leads to the same picture."
STARTER_TRAINING = (
    "The starter weights learned by regression to drawn images whose truth is known, then against discriminators as "
    "well. The published weights saw no truth."
)
ABOUT = f"""
Two generators are trained on two unpaired sets of pictures: one translates horses to zebras, the other zebras to
horses. **Cycle consistency** keeps the result close to its input: translating it back must reproduce the input. The
mean difference |x − back| is the cycle loss of the paper; pixels range from −1 to 1, so 0 is perfect and 2 is the
worst case. {STARTER_TRAINING}
([CycleGAN, Zhu et al., ICCV 2017](https://arxiv.org/abs/1703.10593))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationForm:
    """The values of the tab's options."""

    model: str | None
    crop: str
    """`auto` or `whole`."""
    paste_back: bool
    back: bool

    def request(self, sources: tuple[Path, ...]) -> "TranslationRequest":
        """The request, without an output; only a single picture is also translated back."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.translation import TranslationRequest
        from deepfake_core.pipelines.translator import CROPS

        return TranslationRequest(
            sources=sources,
            crop=crop_named(self.crop, CROPS),
            paste_back=self.paste_back,
            back=self.back and len(sources) == 1,
            with_source=len(sources) == 1,
            max_pixels=settings().run_pixels,
        )


class TranslationStage(BatchStage):
    """A before/after comparison and the cycle; for a batch, a gallery."""

    def __init__(self) -> None:
        super().__init__(HINT, PREFIX, "Translating …")
        self.before_after = BeforeAfter(PREFIX, before="Before", after="After")

    def render_results(self) -> None:
        self.before_after.render()
        with gr.Row(visible=False, elem_classes="way-back") as self.way_back:
            self.back = gr.Image(
                label="Translated back", alt_text="The result, translated back", interactive=False, height=200,
                buttons=["download"], elem_id=f"{PREFIX}back", elem_classes="media", min_width=160,
            )  # fmt: skip
            self.cycle_note = gr.HTML(elem_id=f"{PREFIX}words", min_width=160)
        self.gallery.render()

    @property
    def results(self) -> list[Block]:
        return [*self.before_after.outputs, self.way_back, self.back, self.cycle_note, *self.gallery.outputs]

    def cleared(self) -> Update:
        away = {self.way_back: gr.Row(visible=False), self.back: None, self.cycle_note: ""}
        return self.before_after.cleared() | away | self.gallery.cleared()

    def single(self, files: "Sequence[File]") -> Update:
        by_role = {file.role: file for file in files}
        result, back = by_role["result"], by_role.get("back")
        shown = self.before_after.shown(by_role["source"].path, result.path)
        if "cycle_note" not in result.facts:
            return shown
        return shown | {
            self.way_back: gr.Row(visible=True),
            self.back: gr.Image(str(back.path) if back else None, visible=back is not None),
            self.cycle_note: _cycle_html(result.facts["cycle_error"], result.facts["cycle_note"]),
        }


def _cycle_html(error: float | None, note: str) -> str:
    """The cycle error, and how much of the picture was recovered."""
    if error is None:
        return f"<p>{note}</p>"
    share = "almost all" if error < 0.05 else "most" if error < 0.15 else "some" if error < 0.3 else "little"
    return (
        f"<p><strong>Cycle error: {error:.2f} of 2.</strong></p>"
        f"<p>This is the mean difference |x − back|: {share} of the picture was recovered.</p>"
    )


class TranslationTab(Studio):
    """Composes the widgets, and runs the pipeline on Translate."""

    title, purpose, about = method("cyclegan").title, PURPOSE, ABOUT

    def __init__(self, services: Services) -> None:
        self.services, examples = services, services.examples
        self.models = ModelPicker("cyclegan", PREFIX)
        self.rows = {
            species: ExampleRow(f"Example {species}s", _named(examples.fields, species), PREFIX)
            for species in ("horse", "zebra")
        }
        self.source = PictureInput("Picture", f"{PREFIX}source", list(self.rows.values()))
        self.preview = Preview("picture", self.models, f"{PREFIX}preview-advice")
        self.batch = BatchInput("Translate all", PREFIX)
        self.stage = TranslationStage()
        self.controls = RunControls("Translate", self.stage)
        self.inside = LookInside(PREFIX, FIGURES, self.look_inside)
        self.models.advice = [self.preview.advice, self.stage.advice]

    def render_inputs(self) -> None:
        self.source.render()
        self.preview.render()
        with gr.Accordion("Options", open=False):
            self.crop = gr.Radio(SCENE_CROPS, value="auto", label="Crop")
            with gr.Row():
                self.paste_back = gr.Checkbox(
                    False, label="Paste back", info="Insert the result into the whole picture."
                )
                self.back = gr.Checkbox(True, label="Cycle", info="Also translate the result back.")
        self.batch.render()

    def listen(self, page: gr.Blocks) -> None:
        ready = self.models.listen(self.tab.select)
        self.source.listen(page)
        self.preview.listen([ready], self.source.file, self.crop)
        self.stage.listen(self.crop)
        for trigger in (ready, *self.models.changed):
            trigger(
                self.follow_direction,
                inputs=[self.models.name, self.source.file],
                outputs=[self.source.file, *(row.column for row in self.rows.values())],
                preprocess=False,
                **QUIET,
            )
        options = {
            "model": self.models.name, "crop": self.crop, "paste_back": self.paste_back, "back": self.back,
        }  # fmt: skip
        self.one, self.many = Inputs(source=self.source.file, **options), Inputs(files=self.batch.files, **options)
        self.linked = Linked(inputs=self.one)
        self.inside.listen(self.one, self.crop)
        clicks = [click for row in self.rows.values() for click in row.clicked]
        start = [self.controls.start.click, *clicks]
        self.controls.listen(
            [
                Job(triggers=start, run=self.translate_one, inputs=self.one.components),
                Job(triggers=[self.batch.start.click], run=self.translate_many, inputs=self.many.components),
            ]
        )

    def example_runs(self) -> Iterator[ExampleRun]:
        """Every example by the first installed weights for its species."""
        from deepfake_core.hub.store import installed, preference

        here = set(installed("cyclegan"))
        for species, row in self.rows.items():
            weights = next((one for one in preference("cyclegan") if one in here and domains(one)[0] == species), None)
            for path in row.paths if weights else []:
                yield partial(self.translate_one, NEVER, *self.one.defaults(source=example(path), model=weights))

    def translate_one(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Translate the picture."""
        named = self.one.named(values)
        source = chosen(named.pop("source"), "picture")
        yield from self._translate((source,), TranslationForm(**named), deadline)

    def translate_many(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Translate the uploaded batch."""
        named = self.many.named(values)
        sources = all_chosen(named.pop("files"))
        yield from self._translate(sources, TranslationForm(**named), deadline)

    def _translate(self, sources: tuple[Path, ...], form: TranslationForm, deadline: Deadline) -> Iterator[Update]:
        from deepfake_core.pipelines.translation import translate

        request = form.request(sources)
        model = self.services.engine.weights_for("cyclegan", form.model, sources[0], request.crop, deadline)
        made = Made.of(model, sources, f"as {domains(model)[1] or 'translated'}")
        with self.services.events(
            "cyclegan", model, translate, replace(request, ending=made.ending), deadline,
            sources=sources, files=made.files,
        ) as events:  # fmt: skip
            yield from self.stage.follow(events, made.text)

    def look_inside(self, deadline: Deadline, values: Mapping[str, Any]) -> "Iterator[Finished]":
        """The figures of the picture."""
        from deepfake_core.pipelines.translation_insight import TranslationInsightRequest, look_inside

        source = chosen(values["source"], "picture")
        form = TranslationForm(**{name: value for name, value in values.items() if name != "source"})
        request = TranslationInsightRequest(translation=form.request((source,)), output=Path())
        crop = request.translation.crop
        model = self.services.engine.weights_for("cyclegan", form.model, source, crop, deadline)
        with self.services.events(
            "cyclegan", model, look_inside, request, deadline, sources=(source,), files={"output": ""}
        ) as events:
            yield from events

    def follow_direction(self, model: str | None, upload: Upload) -> Update:
        """Show the examples for the selected direction, and replace an example for the other direction."""
        source, _ = domains(model)
        known = source in self.rows
        shown: Update = {
            row.column: gr.Column(visible=bool(row.paths) and (not known or name == source))
            for name, row in self.rows.items()
        }
        path = None if isinstance(upload, Withheld) else path_of(upload)  # an example is never withheld
        others = [other for name, row in self.rows.items() if name != source for other in row.paths]
        if known and self.rows[source].paths and path and path.name in {other.name for other in others}:
            shown[self.source.file] = str(self.rows[source].paths[0])
        return shown


def domains(model: str | None) -> tuple[str, str]:
    """Source and target of weights or an automatic choice: ("horse", "zebra"); empty if its name does not say."""
    found = re.search(r"(\w+)(?:2| to )(\w+)$", model or "")
    return (found[1], found[2]) if found else ("", "")


def _named(paths: list[Path], beginning: str) -> list[Path]:
    return [path for path in paths if path.name.startswith(beginning)]

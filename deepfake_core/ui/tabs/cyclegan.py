"""The CycleGAN tab: a picture, the same picture in the other domain, and the way back."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import Deadline
from deepfake_core.registry import method
from deepfake_core.settings import settings
from deepfake_core.ui.server.uploaded import Upload, Withheld, chosen, path_of
from deepfake_core.ui.services import Services
from deepfake_core.ui.widgets.batch import BatchInput, BatchStage, all_chosen
from deepfake_core.ui.widgets.before_after import Comparison
from deepfake_core.ui.widgets.crop import SCENE_CROPS, Preview
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.examples import ExampleRow
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.model_picker import ModelChoice
from deepfake_core.ui.widgets.picture import PictureInput
from deepfake_core.ui.widgets.run_controls import Job, RunButtons
from deepfake_core.ui.wiring import QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import File
    from deepfake_core.pipelines.translation import TranslationRequest

PLACE = "translation-"
HINT = "Press <strong>Translate</strong>: the result appears here, before and after, and translated back."
ABOUT = """
Two networks are trained on two sets of unpaired pictures: one turns horses into zebras, the other zebras into horses.
**Cycle consistency** keeps them close to their input: translating there and back must reproduce it. The mean difference
|x − back| is the paper's cycle loss. Pixels go from −1 to 1, so 0 is perfect and 2 the worst.
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

    def request(self, sources: tuple[Path, ...], folder: Path) -> "TranslationRequest":
        """The translation that the form asks for, written into `folder`; the way back is for one picture alone."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.translation import TranslationRequest
        from deepfake_core.pipelines.translator import CROPS

        return TranslationRequest(
            sources=sources,
            output=folder,
            crop=crop_named(self.crop, CROPS),
            paste_back=self.paste_back,
            back=self.back and len(sources) == 1,
            with_source=len(sources) == 1,
            max_pixels=settings().run_pixels,
        )


class TranslationStage(BatchStage):
    """Before and after, and the way back; a card for each of several pictures."""

    def __init__(self) -> None:
        super().__init__(HINT, PLACE, "Translating …")
        self.comparison = Comparison(PLACE, before="Before", after="After")

    def render_results(self) -> None:
        self.comparison.render()
        with gr.Row(visible=False, elem_classes="way-back") as self.way_back:
            self.back = gr.Image(
                label="And back again", alt_text="The result, translated back", interactive=False, height=200,
                buttons=["download"], elem_id=f"{PLACE}back", elem_classes="media", min_width=160,
            )  # fmt: skip
            self.words = gr.HTML(elem_id=f"{PLACE}words", min_width=160)
        self.cards.render()

    @property
    def results(self) -> list[Block]:
        return [*self.comparison.outputs, self.way_back, self.back, self.words, *self.cards.outputs]

    def cleared(self) -> Update:
        away = {self.way_back: gr.Row(visible=False), self.back: None, self.words: ""}
        return self.comparison.cleared() | away | self.cards.cleared()

    def single(self, files: "Sequence[File]") -> Update:
        by_role = {file.role: file for file in files}
        result, back = by_role["result"], by_role.get("back")
        shown = self.comparison.shown(by_role["source"].path, result.path)
        if "cycle_note" not in result.facts:
            return shown
        return shown | {
            self.way_back: gr.Row(visible=True),
            self.back: gr.Image(str(back.path) if back else None, visible=back is not None),
            self.words: _words(result.facts["cycle_error"], result.facts["cycle_note"]),
        }


def _words(error: float | None, note: str) -> str:
    """How much of the picture came back."""
    if error is None:
        return f"<p>{note}</p>"
    share = "almost all" if error < 0.05 else "most" if error < 0.15 else "some" if error < 0.3 else "little"
    return (
        f"<p><strong>Back again: off by {error:.2f} of 2.</strong></p>"
        f"<p>That is the mean difference |x − back|: {share} of the picture came back.</p>"
    )


class TranslationTab:
    """Puts the parts together, and runs the pipeline when Translate is pressed."""

    title = method("cyclegan").title

    def __init__(self, services: Services) -> None:
        self.engine, self.cache, examples = services.engine, services.cache, services.examples
        self.models = ModelChoice("cyclegan", PLACE)
        self.rows = {
            species: ExampleRow(f"Example {species}s", _named(examples.fields, species), PLACE)
            for species in ("horse", "zebra")
        }
        self.source = PictureInput("Picture", f"{PLACE}source", list(self.rows.values()))
        self.preview = Preview("picture", self.models)
        self.batch = BatchInput("Translate all", PLACE)
        self.stage = TranslationStage()
        self.buttons = RunButtons("Translate", self.stage)

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            with gr.Row(elem_classes="studio"):
                with gr.Column(scale=6, min_width=300):
                    self.models.render()
                    self.source.render()
                    self.preview.render()
                    with gr.Accordion("Options", open=False):
                        self.crop = gr.Radio(SCENE_CROPS, value="auto", label="Crop")
                        with gr.Row():
                            self.paste_back = gr.Checkbox(
                                False, label="Paste back", info="Paste the result back into the whole picture."
                            )
                            self.back = gr.Checkbox(True, label="Way back", info="Translate the result back as well.")
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
        self.stage.listen(self.crop)
        for trigger in (ready, self.models.name.input):
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
        clicks = [click for row in self.rows.values() for click in row.clicked]
        start = [self.buttons.start.click, *clicks]
        self.buttons.listen(
            [
                Job(triggers=start, run=self.translate_one, inputs=self.one.components),
                Job(triggers=[self.batch.start.click], run=self.translate_many, inputs=self.many.components),
            ]
        )

    def translate_one(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Translate the picture."""
        named = self.one.named(values)
        source = chosen(named.pop("source"), "picture")
        yield from self._translate((source,), TranslationForm(**named), deadline)

    def translate_many(self, deadline: Deadline, *values: Any) -> Iterator[Update]:
        """Translate the files of the list."""
        named = self.many.named(values)
        sources = all_chosen(named.pop("files"))
        yield from self._translate(sources, TranslationForm(**named), deadline)

    def _translate(self, sources: tuple[Path, ...], form: TranslationForm, deadline: Deadline) -> Iterator[Update]:
        from deepfake_core.pipelines.translation import translate

        events = self.cache.events(
            sources,
            f"{sources} {form}",
            lambda folder: self.engine.work("cyclegan", form.model, translate, form.request(sources, folder), deadline),
        )
        with closing(events):  # type: ignore[type-var]
            yield from self.stage.follow(events)

    def follow_direction(self, model: str | None, upload: Upload) -> Update:
        """Show the examples for this direction; an example for the other one is replaced by the first of them."""
        source = (model or "").rpartition("-")[2].partition("2")[0]
        fitting = source in self.rows
        shown: Update = {
            row.column: gr.Column(visible=bool(row.paths) and (not fitting or name == source))
            for name, row in self.rows.items()
        }
        path = None if isinstance(upload, Withheld) else path_of(upload)  # an example is never withheld
        others = [other for name, row in self.rows.items() if name != source for other in row.paths]
        if fitting and self.rows[source].paths and path and path.name in {other.name for other in others}:
            shown[self.source.file] = str(self.rows[source].paths[0])
        return shown


def _named(paths: list[Path], beginning: str) -> list[Path]:
    return [path for path in paths if path.name.startswith(beginning)]
